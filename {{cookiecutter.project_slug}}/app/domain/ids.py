"""Names: of things, as they may appear in an address, and of users, as others chose them."""

import re
from typing import Annotated, TypeAlias

from annotated_types import Len, Predicate

LETTERS_DIGITS_AND_MARKS = re.compile(r"(?!\.+$)[A-Za-z0-9_.:-]+")


def is_id(text: str) -> bool:
    """Letters, digits, `-`, `_`, `.` and `:` only, and not dots alone.

    By this function's name `wire/problems.py` knows what to tell whoever sends another one.
    """
    return LETTERS_DIGITS_AND_MARKS.fullmatch(text) is not None


Id: TypeAlias = Annotated[str, Len(1, 64), Predicate(is_id)]
# Whoever issues the tokens chooses the names: `auth0|5f7c`, `alice@example.com`.
UserName: TypeAlias = Annotated[str, Len(1, 64), Predicate(str.isprintable)]
