"""Names of things, as they may appear in an address."""

import re
from typing import Annotated, TypeAlias

from annotated_types import Len, Predicate

LETTERS_DIGITS_AND_MARKS = re.compile(r"(?!\.+$)[A-Za-z0-9_.:-]+")

# Letters, digits, `-`, `_`, `.` and `:` only, and not dots alone. The compiled expression itself is
# the predicate: it is asked for every name in every command.
Id: TypeAlias = Annotated[str, Len(1, 64), Predicate(LETTERS_DIGITS_AND_MARKS.fullmatch)]
