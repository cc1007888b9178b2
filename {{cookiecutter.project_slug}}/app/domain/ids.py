"""Names of things, as they may appear in an address."""

from typing import Annotated, TypeAlias

from annotated_types import Len, Predicate

MARKS = str.maketrans("-_.:", "0000")


def url_safe(text: str) -> bool:
    """Letters, digits, `-`, `_`, `.` and `:` only, and not dots alone."""
    return text.isascii() and text.translate(MARKS).isalnum() and text.strip(".") != ""


Id: TypeAlias = Annotated[str, Len(1, 64), Predicate(url_safe)]
