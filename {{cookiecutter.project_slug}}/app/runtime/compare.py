"""Compares two States in the form in which snapshots hold them: rows of JSON, by name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from app.runtime.event_log.port import Row

PREFIX = "state."  # how a snapshot tells the rows of the State from its others


@dataclass(frozen=True, slots=True)
class StateDiffers:
    """One thing in the State that is not as it was: by name and key, as JSON, None if absent."""

    position: int
    name: str
    key: str
    then: str | None
    now: str | None


def compare_states(
    position: int, snapshot: Iterable[Row], rows: Iterable[Row]
) -> Iterator[StateDiffers]:
    """What of the State in a snapshot is otherwise in these rows of the State as it is made now.

    A field that is only new is no difference: nothing was otherwise before.
    """
    mine = ((name.removeprefix(PREFIX), text) for name, text in snapshot if name.startswith(PREFIX))
    then, now = _gathered(mine), _gathered(rows)
    for name in sorted(then):
        for key, before, after in _differing(then[name], now.get(name)):
            yield StateDiffers(position, name, key, before, after)


def _gathered(rows: Iterable[Row]) -> dict[str, Any]:
    """The values by name; what was written in several rows is one list again."""
    found: dict[str, Any] = {}
    for name, text in rows:
        value = orjson.loads(text)
        if isinstance(value, list) and name in found:
            found[name].extend(value)
        else:
            found[name] = value
    return found


def _differing(then: Any, now: Any) -> Iterator[tuple[str, str | None, str | None]]:
    """Key, before and after of each part that differs."""
    if all(isinstance(side, list) for side in (then, now) if side is not None):
        then, now = then or [], now or []
        yield from _differing_items(_by_key(then, now), _by_key(now, then))
    elif not _holds(now, then):
        yield "", _text(then), None if now is None else _text(now)


def _differing_items(
    then: Mapping[str, Any], now: Mapping[str, Any]
) -> Iterator[tuple[str, str | None, str | None]]:
    for key, item in then.items():
        if key not in now:
            yield key, _text(item), None
        elif not _holds(now[key], item):
            yield key, _text(item), _text(now[key])
    for key, item in now.items():
        if key not in then:
            yield key, None, _text(item)


def _by_key(items: list[Any], others: list[Any]) -> dict[str, Any]:
    """A map's pairs by their key, since they have no order; else the items by their place."""
    if all(isinstance(item, list) and len(item) == 2 for item in items + others):
        pairs = {_text(key): value for key, value in items}
        if len(pairs) == len(items):
            return pairs
    return {str(place): item for place, item in enumerate(items)}


def _holds(now: Any, then: Any) -> bool:
    """Whether `now` says all that `then` said; it may say more of the same things."""
    match then:
        case dict():
            is_like = isinstance(now, dict)
            return is_like and all(key in now and _holds(now[key], then[key]) for key in then)
        case list():
            is_like = isinstance(now, list) and len(now) == len(then)
            return is_like and all(map(_holds, now, then))
    return bool(now == then)


def _text(value: Any) -> str:
    return orjson.dumps(value).decode()
