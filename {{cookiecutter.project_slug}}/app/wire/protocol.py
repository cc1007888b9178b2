"""Every message of the live connection: JSON objects told apart by `type`."""

from typing import Annotated, Literal, TypeAlias

from annotated_types import Ge, Len
from pydantic import BaseModel, ConfigDict, Field

from app.core.rejected import Code
from app.domain import ClientCommand, Event
from app.wire.tagged import ExternallyTagged


class Message(BaseModel):
    """One JSON object of the live connection."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class Command(Message):
    """In: do this. `id` comes back in `ack` or `error`, and as the `cause` of events."""

    type: Literal["command"]
    action: Annotated[ClientCommand, ExternallyTagged()]
    id: Annotated[str, Len(1, 64)] | None = None


class Ping(Message):
    """Either way: asks whether the other side is there."""

    type: Literal["ping"] = "ping"


class Pong(Message):
    """Either way: the answer to a ping."""

    type: Literal["pong"] = "pong"


class Subscribe(Message):
    """In: hear these topics from now on, or all; it replaces an earlier one.

    With `since`, what has happened after that position comes first, in order.
    """

    type: Literal["subscribe"]
    topics: Annotated[list[Annotated[str, Len(1, 130)]], Len(0, 100)] | None = None
    since: Annotated[int, Ge(0)] | None = None
    epoch: Annotated[str, Len(1, 64)] | None = None


class Subscribed(Message):
    """Out: what is heard from now on, and where the log stands.

    `recovered` says that everything after `since` follows. If not, start from a snapshot, and
    subscribe again from its `seq`.
    """

    type: Literal["subscribed"] = "subscribed"
    topics: list[str]
    seq: int
    epoch: str
    recovered: bool
    denied: list[str] | None = None


class Auth(Message):
    """In: this is who I am; or, before the token at hand expires, I still am."""

    type: Literal["auth"]
    token: Annotated[str, Len(1, 8192)]


class EventMessage(Message):
    """Out: this happened. `seq` is its position in the log; ephemeral events have none."""

    type: Literal["event"] = "event"
    action: Annotated[Event, ExternallyTagged()]
    seq: int | None = None
    cause: str | None = None


class Ack(Message):
    """Out: the command with this `id` is done; the log then stood at `seq`.

    A `duplicate` had been done already, when it was sent first: nothing was done now.
    """

    type: Literal["ack"] = "ack"
    id: str
    seq: int
    duplicate: bool | None = None


class ErrorField(Message):
    """One field that does not fit."""

    loc: str
    message: str


class Error(Message):
    """Out, to the sender alone: refused, nothing has changed. Also the body of an HTTP refusal."""

    type: Literal["error"] = "error"
    code: Code
    message: str
    id: str | None = None
    fields: list[ErrorField] | None = None
    retry_after: int | None = None


Incoming: TypeAlias = Annotated[
    Command | Subscribe | Auth | Ping | Pong, Field(discriminator="type")
]
Outgoing: TypeAlias = Annotated[
    EventMessage | Subscribed | Ack | Error | Ping | Pong, Field(discriminator="type")
]
