"""The State as rows of JSON, for snapshots: written and read by the types of its fields.

Each branch of the State is a dataclass; its persistent maps and lists become many rows of a
few hundred items, be it an empty one, everything else one row each. Within an item there are no
more such maps.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass
from typing import Any, Generic, TypeVar, get_args, get_origin, get_type_hints

from pydantic import PydanticUserError, TypeAdapter
from rpds import HashTrieMap

from app.domain import State
from app.domain.persistent_list import PersistentList
from app.runtime.batched import batched
from app.runtime.event_log.port import Row
from app.runtime.snapshot import ITEMS_A_ROW
from app.wire import codec

K = TypeVar("K")
V = TypeVar("V")


class MapOf(Generic[K, V]):
    """Stands for `HashTrieMap` where types are read: that one cannot be subscripted."""


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a branch: how it becomes JSON texts, and how those become it again."""

    write: Callable[[Any], Iterator[str]]
    read: Callable[[Iterable[str]], Any]


def encode_state(state: State) -> Iterator[Row]:
    """Rows of JSON; the whole State, in a few hundred items a row."""
    for name, field in FIELDS.items():
        branch, own = name.split(".")
        for text in field.write(getattr(getattr(state, branch), own)):
            yield name, text


def decode_state(rows: Iterable[Row]) -> State:
    """The State that these rows were made of, by the same version of the code."""
    texts: dict[str, list[str]] = {name: [] for name in FIELDS}
    for name, text in rows:
        texts[name].append(text)
    values: dict[str, dict[str, Any]] = {}
    for name, field in FIELDS.items():
        branch, own = name.split(".")
        values.setdefault(branch, {})[own] = field.read(texts[name])
    return State(**{name: BRANCHES[name](**values.get(name, {})) for name in BRANCHES})


def fields_of(branch: type) -> Mapping[str, Field]:
    """How the fields of a branch are written and read; raises TypeError for what cannot be."""
    found = {}
    for name, kind in _kinds(branch).items():
        try:
            found[name] = _field(kind)
        except (TypeError, PydanticUserError) as problem:
            within = get_args(kind) if get_origin(kind) is MapOf else [kind]
            for place in _maps_within(within, f"{branch.__name__}.{name}", set()):
                raise TypeError(
                    f"{place}: a HashTrieMap may only be a field of the branch itself, of "
                    f"{branch.__name__}: use a tuple here"
                ) from None
            raise TypeError(f"{branch.__name__}.{name}: {problem}") from None
    return found


def _branches() -> Mapping[str, Any]:
    hints = get_type_hints(State)
    return {name: hints[name] for name in State._fields}


def _fields() -> Mapping[str, Field]:
    return {
        f"{name}.{own}": field
        for name, branch in BRANCHES.items()
        for own, field in fields_of(branch).items()
    }


def _kinds(cls: Any) -> Mapping[str, Any]:
    hints = get_type_hints(cls, localns={"HashTrieMap": MapOf})
    return {field.name: hints[field.name] for field in fields(cls)}


def _maps_within(kinds: Iterable[Any], where: str, seen: set[Any]) -> Iterator[str]:
    """The fields that have a map in them, of these types and of all that these are made of."""
    for kind in kinds:
        if kind is HashTrieMap or get_origin(kind) is MapOf:
            yield where
        yield from _maps_within(get_args(kind), where, seen)
        if isinstance(kind, type) and is_dataclass(kind) and kind not in seen:
            seen.add(kind)
            for name, own in _kinds(kind).items():
                yield from _maps_within([own], f"{kind.__name__}.{name}", seen)


def _field(kind: Any) -> Field:
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is MapOf:
        pairs: TypeAdapter[Any] = TypeAdapter(list[tuple[arguments]])  # type: ignore[valid-type]
        return Field(lambda value: _batches(value.items()), lambda texts: _map(pairs, texts))
    if origin is PersistentList:
        items: TypeAdapter[Any] = TypeAdapter(list[arguments])  # type: ignore[valid-type]
        return Field(_batches, lambda texts: _list(items, texts))
    one: TypeAdapter[Any] = TypeAdapter(kind)
    return Field(lambda value: iter([_text(value)]), lambda texts: _one(one, texts))


def _map(adapter: TypeAdapter[Any], texts: Iterable[str]) -> Any:
    found: dict[Any, Any] = {}
    for text in texts:
        found.update(adapter.validate_json(text))
    return HashTrieMap(found)


def _list(adapter: TypeAdapter[Any], texts: Iterable[str]) -> Any:
    return PersistentList.of(item for text in texts for item in adapter.validate_json(text))


def _one(adapter: TypeAdapter[Any], texts: Iterable[str]) -> Any:
    (text,) = texts
    return adapter.validate_json(text)


def _text(value: object) -> str:
    return codec.encode(value).decode()


def _batches(items: Iterable[Any]) -> Iterator[str]:
    """At least one row: without any, a field that is empty looks like one that is not there."""
    rows = map(_text, batched(items, ITEMS_A_ROW))
    yield next(rows, "[]")
    yield from rows


BRANCHES = _branches()
FIELDS = _fields()
