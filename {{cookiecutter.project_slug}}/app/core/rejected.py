"""The one way to refuse: a code that programs read and a message that people read."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Self


class Code(StrEnum):
    """Why a request was refused; the same word at every door."""

    INVALID = "invalid"
    UNAUTHENTICATED = "unauthenticated"
    FORBIDDEN = "forbidden"
    NOT_FOUND = "not_found"
    CONFLICT = "conflict"
    ID_REUSED = "id_reused"
    TOO_LARGE = "too_large"
    RATE_LIMITED = "rate_limited"
    INTERNAL = "internal"
    UNAVAILABLE = "unavailable"


@dataclass(frozen=True, slots=True)
class FieldProblem:
    """One field that does not fit: where (`items[0].name`) and what is wrong with it."""

    loc: str
    message: str


class Rejected(Exception):
    """A request refused for a reason its sender can read; nothing has changed."""

    def __init__(
        self,
        code: Code,
        message: str,
        *,
        fields: tuple[FieldProblem, ...] = (),
        retry_after: int | None = None,
    ) -> None:
        """`retry_after` is in seconds, for what may succeed later."""
        super().__init__(message)
        self.code = code
        self.message = message
        self.fields = fields
        self.retry_after = retry_after

    def anew(self) -> Self:
        """The same refusal, to be raised where this one is a constant.

        What is raised keeps the frames that it passes through, with all that these hold.
        """
        again = type(self).__new__(type(self), *self.args)
        again.__dict__.update(self.__dict__)
        return again


class StartRefused(Exception):
    """The service cannot start as it is configured; the message says what to change."""
