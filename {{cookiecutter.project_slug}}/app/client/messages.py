"""What the client tells its caller, and how a message is written."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeAlias

Action: TypeAlias = Mapping[str, Any] | str


class State(StrEnum):
    """Whether events are heard."""

    CONNECTING = "connecting"
    LIVE = "live"
    RECOVERING = "recovering"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class Event:
    """Something happened; what is ephemeral, and not stored, has no `seq`."""

    action: Action
    seq: int | None = None
    cause: str | None = None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All that may be seen, as it was at `seq`: forget what was known, and start from this."""

    state: dict[str, Any]
    seq: int
    epoch: str


@dataclass(frozen=True, slots=True)
class Ack:
    """The command is done; a `duplicate` had been done before."""

    id: str
    seq: int
    duplicate: bool = False


class CommandError(Exception):
    """A command that was refused, got no answer (`lost`), or was not sent (`offline`).

    The client itself refuses what the service could not answer (`invalid`), and another command
    with the id of one that waits (`id_reused`). Whether a `lost` or an `unavailable` one was done,
    sending it again with the same id tells.
    """

    def __init__(self, code: str, message: str, id: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.code, self.id, self.retry_after = code, id, retry_after


def message(type: str, **fields: object) -> str:
    """A message as it is sent, without the fields that are None."""
    said = {name: value for name, value in fields.items() if value is not None}
    return json.dumps({"type": type, **said}, separators=(",", ":"))
