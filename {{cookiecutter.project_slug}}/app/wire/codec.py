"""The one codec: JSON for the socket, for HTTP and for the log."""

from collections.abc import Sequence
from dataclasses import fields
from typing import Annotated, Any

import orjson
from pydantic import BaseModel, TypeAdapter, ValidationError
from rpds import HashTrieMap

from app.core.effects import Dispatch
from app.core.rejected import Rejected
from app.domain import Command, Event
from app.wire import problems
from app.wire.protocol import Incoming
from app.wire.tagged import ExternallyTagged
from app.wire.upcasters import UPCASTERS

PONG = '{"type":"pong"}'


class StoredEffect(BaseModel):
    """An effect as it stands in the log: `{"Dispatch": {"Move": {"by": 1}}}`."""

    Dispatch: Annotated[Command, ExternallyTagged()]


INCOMING: TypeAdapter[Incoming] = TypeAdapter(Incoming)
EVENT: TypeAdapter[Event] = TypeAdapter(Annotated[Event, ExternallyTagged()])
EFFECTS: TypeAdapter[list[StoredEffect]] = TypeAdapter(list[StoredEffect])


def encode(value: object) -> bytes:
    """JSON of views, dataclasses, persistent maps and times (UTC, with `Z`)."""
    return orjson.dumps(value, default=_plain, option=orjson.OPT_UTC_Z | orjson.OPT_NON_STR_KEYS)


def encode_action(action: object) -> str:
    """`{"Moved": {"by": 1}}`, or the bare name of a class without fields."""
    name = type(action).__name__
    return encode({name: action} if fields(action) else name).decode()  # type: ignore[arg-type]


def encode_effects(effects: Sequence[Dispatch[Command]]) -> str:
    """The effects of one event, as they are stored with it."""
    stored = [{"Dispatch": orjson.Fragment(encode_action(effect.command))} for effect in effects]
    return orjson.dumps(stored).decode()


def decode_effects(text: str) -> list[Dispatch[Command]]:
    """The effects of one event, as they were stored; raises Rejected if one cannot be read."""
    try:
        return [Dispatch(stored.Dispatch) for stored in EFFECTS.validate_json(text)]
    except ValidationError as error:
        raise problems.rejected(error.errors(include_url=False)) from None


def decode_event(text: str) -> Event:
    """An event of the log, brought up to date; raises Rejected if it cannot be read."""
    try:
        return EVENT.validate_json(_upcast(text) if UPCASTERS else text)
    except ValidationError as error:
        raise problems.rejected(error.errors(include_url=False)) from None


def decode_message(text: str) -> Incoming:
    """What a client says; raises Rejected, with each field that does not fit."""
    try:
        return INCOMING.validate_json(text)
    except ValidationError as error:
        raise problems.rejected(error.errors(include_url=False)) from None


def id_of(text: str) -> str | None:
    """The id of a message that could not be read otherwise, so that its sender knows which."""
    try:
        message = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
    found = message.get("id") if isinstance(message, dict) else None
    return found if isinstance(found, str) and 0 < len(found) <= 64 else None


def event_message(action: str, seq: int | None, cause: str | None) -> str:
    """An `event`, around the JSON that was already made for the log."""
    message: dict[str, Any] = {"type": "event", "action": orjson.Fragment(action)}
    if seq is not None:
        message["seq"] = seq
    if cause is not None:
        message["cause"] = cause
    return orjson.dumps(message).decode()


def ack_message(id: str, seq: int) -> str:
    """An `ack`: done, and the log then stood at `seq`."""
    return orjson.dumps({"type": "ack", "id": id, "seq": seq}).decode()


def error_message(refusal: Rejected, id: str | None = None) -> bytes:
    """An `error`: the message of the socket and the body of an HTTP answer alike."""
    message: dict[str, Any] = {"type": "error", "code": refusal.code, "message": refusal.message}
    if id is not None:
        message["id"] = id
    if refusal.fields:
        message["fields"] = refusal.fields
    if refusal.retry_after is not None:
        message["retry_after"] = refusal.retry_after
    return orjson.dumps(message)


def _upcast(text: str) -> str | bytes:
    action = orjson.loads(text)
    name, values = (action, {}) if isinstance(action, str) else next(iter(action.items()))
    if name not in UPCASTERS:
        return text
    name, values = UPCASTERS[name](values)
    return orjson.dumps({name: values} if values else name)


def _plain(value: object) -> object:
    if isinstance(value, HashTrieMap):
        return dict(value)
    raise TypeError(f"{type(value).__name__} has no JSON form")
