"""The one codec: JSON for the socket, for HTTP and for the log."""

import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, fields
from functools import cache
from typing import Any

import orjson
from pydantic import TypeAdapter, ValidationError
from rpds import HashTrieMap

from app.core.effects import Cancel, Delay, Dispatch, Durable, Parallel, Run, Sequential, Stream
from app.core.rejected import Code, Rejected
from app.domain import Command, Event, Task
from app.runtime.group import words_of
from app.wire import problems
from app.wire.protocol import Incoming, Subscribed
from app.wire.stored import Stored
from app.wire.upcasters import UPCASTERS

INCOMING: TypeAdapter[Incoming] = TypeAdapter(Incoming)
EVENTS: Stored[Event] = Stored(Event)
COMMANDS: Stored[Command] = Stored(Command)
TASKS: Stored[Any] = Stored(Task)  # Run takes some of them, Stream the others


def encode(value: object) -> bytes:
    """JSON of views, dataclasses, persistent maps and times (UTC, with `Z`)."""
    return orjson.dumps(value, default=_plain, option=orjson.OPT_UTC_Z | orjson.OPT_NON_STR_KEYS)


def encode_command(command: Command) -> str:
    """A command as it is stored: `{"Move": {"by": 1}}`, or the bare name if it has no fields."""
    return encode(_tagged(command)).decode()


def encode_event(event: Event) -> str:
    """An event as it is stored, and told: `{"Moved": {"by": 1}}`, or the bare name."""
    return encode(_tagged(event)).decode()


def encode_effects(effects: Sequence[Durable[Command]]) -> str:
    """Effects as they are stored: `[{"Dispatch": {"Move": {"by": 1}}}, {"Cancel": "engine"}]`.

    Raises TypeError for a task that `Task` does not name.
    """
    return encode([_stored(effect) for effect in effects]).decode()


@dataclass(frozen=True, slots=True)
class StoredEffects(Sequence[Durable[Command]]):
    """Effects as they were stored; each is read when it is looked at, for most have ended long ago.

    Its command or task is brought up to date then. Raises Rejected for one that cannot be read.
    """

    stored: list[Any]

    def __len__(self) -> int:
        return len(self.stored)

    def __getitem__(self, place: Any) -> Any:
        try:
            return _effect(self.stored[place])
        except ValidationError as error:
            raise problems.rejected(error.errors(include_url=False)) from None
        except (AttributeError, KeyError, TypeError, ValueError) as problem:
            raise Rejected(Code.INVALID, f"no effect, as it is stored: {problem}") from None


def decode_effects(text: str) -> Sequence[Durable[Command]]:
    """The effects of one event, as they were stored; raises Rejected if they cannot be read."""
    try:
        stored = orjson.loads(text)
    except ValueError as problem:
        raise Rejected(Code.INVALID, f"no effects, as they are stored: {problem}") from None
    return StoredEffects(stored)


def decode_command(text: str) -> Command:
    """A command of the log, brought up to date; raises Rejected if it cannot be read."""
    try:
        return COMMANDS.read(_upcast(text) if UPCASTERS else text)
    except ValidationError as error:
        raise problems.rejected(error.errors(include_url=False)) from None


def decode_event(text: str) -> Event:
    """An event of the log, brought up to date; raises Rejected if it cannot be read."""
    try:
        return EVENTS.read(_upcast(text) if UPCASTERS else text)
    except ValidationError as error:
        raise problems.rejected(error.errors(include_url=False)) from None


def told_event(event: Event, stored: str) -> str:
    """The JSON by which clients hear of an event that was read from this.

    It is what was stored, unless an upcaster has made it another: clients know the new ones only.
    """
    return encode_event(event) if UPCASTERS and _upcast(stored) is not stored else stored


def decode_message(text: str) -> Incoming:
    """What a client says; raises Rejected, with each field that does not fit."""
    try:
        return INCOMING.validate_json(text)
    except ValidationError as error:
        raise problems.rejected(error.errors(include_url=False)) from None


def id_of(text: str) -> str | None:
    """The id of a message that could not be read otherwise, so that its sender knows which.

    The standard library reads more than there is in JSON: NaN, and halves of characters.
    """
    with suppress(ValueError, RecursionError):
        match json.loads(text):
            case {"id": str() as found} if 0 < len(found) <= 64:
                found.encode()  # half a character cannot be written back
                return found
    return None


def event_message(action: str, seq: int | None, cause: str | None) -> bytes:
    """An `event`, around the JSON that was already made for the log."""
    message: dict[str, Any] = {"type": "event", "action": orjson.Fragment(action)}
    if seq is not None:
        message["seq"] = seq
    if cause is not None:
        message["cause"] = cause
    return orjson.dumps(message)


def subscribed_message(subscribed: Subscribed) -> bytes:
    """A `subscribed`: what is heard from now on, and where the log stands."""
    return subscribed.model_dump_json(exclude_none=True).encode()


def ack_message(id: str, seq: int, *, duplicate: bool = False) -> bytes:
    """An `ack`: done, and the log then stood at `seq`; a `duplicate` was done before."""
    message: dict[str, Any] = {"type": "ack", "id": id, "seq": seq}
    if duplicate:
        message["duplicate"] = True
    return orjson.dumps(message)


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


def _stored(effect: Durable[Command]) -> dict[str, Any]:
    match effect:
        case Dispatch(command):
            return {"Dispatch": _tagged(command)}
        case Delay(seconds, command, key):
            return {"Delay": {"seconds": seconds, "command": _tagged(command), "key": key}}
        case Run(task, key):
            return {"Run": {"task": _task(task), "key": key}}
        case Stream(task, key):
            return {"Stream": {"task": _task(task), "key": key}}
        case Cancel(key):
            return {"Cancel": key}
        case Parallel(effects):
            return {"Parallel": [_stored(each) for each in effects]}
        case Sequential(effects):
            return {"Sequential": [_stored(each) for each in effects]}


def _task(task: object) -> object:
    """A task as it is stored; no type checker finds one that could not be read again."""
    if not TASKS.has(type(task)):
        name = type(task).__name__
        raise TypeError(
            f"nobody could read {name} again: add it to `Task` in app/domain/__init__.py"
        )
    return _tagged(task)


def _effect(stored: dict[str, Any]) -> Durable[Command]:
    ((name, value),) = stored.items()
    match name:
        case "Dispatch":
            return Dispatch(_read(COMMANDS, value))
        case "Delay":
            return Delay(value["seconds"], _read(COMMANDS, value["command"]), value["key"])
        case "Run":
            return Run(_read(TASKS, value["task"]), value["key"])
        case "Stream":
            return Stream(_read(TASKS, value["task"]), value["key"])
        case "Cancel":
            return Cancel(value)
        case "Parallel":
            return Parallel(tuple(_effect(each) for each in value))
        case "Sequential":
            return Sequential(tuple(_effect(each) for each in value))
    raise ValueError(f"there is no effect {name}")


def _read(union: Stored[Any], stored: Any) -> Any:
    if not UPCASTERS:
        return union.read_parsed(stored)
    return union.read(_upcast(orjson.dumps(stored).decode()))  # theirs to change: it is a copy


def _tagged(action: object) -> object:
    cls: Any = type(action)
    return {cls.__name__: action} if _has_fields(cls) else cls.__name__


@cache
def _has_fields(cls: Any) -> bool:
    return bool(fields(cls))


def _upcast(text: str) -> str:
    """The action or task as it is written now; other text unchanged, for its reader to refuse."""
    try:
        action = orjson.loads(text)
    except ValueError:
        return text
    old, values = action, dict[str, Any]()
    if isinstance(action, dict) and len(action) == 1:
        ((old, values),) = action.items()
    if not isinstance(old, str) or old not in UPCASTERS:
        return text
    try:
        name, new = UPCASTERS[old](values)
        return orjson.dumps({name: new} if new else name).decode()
    except Exception as problem:  # it is the user's, and must not end a node that reads the log
        words = f"the upcaster of {old}: {words_of(problem)}"
        raise Rejected(Code.INVALID, words) from problem


def _plain(value: object) -> object:
    if isinstance(value, HashTrieMap):
        return dict(value)
    raise TypeError(f"{type(value).__name__} has no JSON form")
