"""What of the log its reader may see: it holds what is everybody's, and what is somebody's alone.

An event is seen by whoever may hear it. A command or a task has no topic of its own: it is seen by
whoever may hear all of its feature, and a command by whoever has sent it. Of what may not be seen
the name is told, and nothing of what it says.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Never, TypeAlias, get_args

import orjson

from app.core.environment import EPOCH
from app.core.principal import Principal
from app.core.rejected import Rejected
from app.domain import Command, Event, Task, topic_of
from app.domain.policy import may_hear
from app.runtime.event_log.port import Entry
from app.wire import codec

# An action or an effect as it is stored, under its name; or the name alone.
Told: TypeAlias = dict[str, Any] | str
# What is told of a part of an entry, and whether that is all.
Part: TypeAlias = tuple[Any, bool]

EVENTS = frozenset(get_args(Event))
# Features by the names of their commands and tasks: a feature's folder is called as its topic.
FEATURES = {
    cls.__name__: cls.__module__.split(".")[2]
    for cls in (*get_args(Command), *get_args(Task))
    if cls is not Never
}


@dataclass(frozen=True, slots=True)
class ShownEntry:
    """An entry of the log as its reader may see it.

    `action`, `event` and `effects` are as they were stored, each under its name; of those that are
    `withheld`, the name is told alone. `settles` and `continues` are origins of effects.
    """

    position: int
    time: datetime
    command: str
    principal: str
    role: str
    cause: str | None
    action: Told | None
    event: Told | None
    effects: list[Told] | None
    settles: str | None
    continues: str | None
    outcome: str | None
    withheld: list[str]


def may_see(reader: Principal, action: Command | Event, by: Principal) -> bool:
    """Whether the reader may see what an action says that `by` has sent, or led to."""
    if type(action) in EVENTS:
        return may_hear(reader, topic_of(action))  # type: ignore[arg-type]
    return by == reader or _may_see_all(reader, type(action).__name__)


def shown(reader: Principal, entry: Entry) -> ShownEntry:
    """The entry as the reader may see it; `withheld` names the parts of which not all is told."""
    is_own = (entry.principal, entry.role) == (reader.name, reader.role)
    action, has_action = _action(reader, entry.action, is_own)
    event, has_event = _event(reader, entry.event)
    effects, has_effects = _effects(reader, entry.effects, has_event)
    whole = {"action": has_action, "event": has_event, "effects": has_effects}
    outcome = entry.outcome
    if outcome is not None and not has_action:
        outcome = outcome.partition(":")[0]  # why it was refused tells what it was about
    told = {
        **entry._asdict(),
        "time": EPOCH + timedelta(microseconds=entry.time),
        "action": action,
        "event": event,
        "effects": effects,
        "outcome": outcome,
    }
    return ShownEntry(**told, withheld=[part for part, is_whole in whole.items() if not is_whole])


def _action(reader: Principal, text: str | None, is_own: bool) -> Part:
    if text is None:
        return None, True
    if is_own or _may_see_all(reader, _name(orjson.loads(text))):
        return orjson.Fragment(text), True
    return _name(orjson.loads(text)), False


def _event(reader: Principal, text: str | None) -> Part:
    if text is None:
        return None, True
    try:
        is_heard = may_hear(reader, topic_of(codec.decode_event(text)))
    except Rejected:  # whose it is stands in what cannot be read
        is_heard = False
    return (orjson.Fragment(text), True) if is_heard else (_name(orjson.loads(text)), False)


def _effects(reader: Principal, text: str | None, has_event: bool) -> Part:
    if text is None:
        return None, True
    found = [_effect(reader, each, has_event) for each in orjson.loads(text)]
    return [effect for effect, _ in found], all(is_whole for _, is_whole in found)


def _effect(reader: Principal, stored: Any, has_event: bool) -> Part:
    ((name, value),) = stored.items()
    match value:
        case list():
            found = [_effect(reader, each, has_event) for each in value]
            return {name: [effect for effect, _ in found]}, all(whole for _, whole in found)
        case {"command": what} | {"task": what}:
            about = _name(what)
        case _ if name == "Dispatch":
            about = _name(value)
        case _:
            return (stored, True) if has_event else (name, False)
    if has_event and _may_see_all(reader, about):
        return stored, True
    return {name: about}, False


def _may_see_all(reader: Principal, name: str) -> bool:
    feature = FEATURES.get(name)
    return feature is not None and may_hear(reader, feature)


def _name(action: Any) -> str:
    return action if isinstance(action, str) else str(next(iter(action), ""))
