"""Examples of what is on the wire, made from its JSON Schema: those of your own actions, too."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from typing import Any

from app.domain import EPHEMERAL, TOPICS
from app.wire.simple_values import number, text

ID = "6f1c3a52-2b7e-4c5e-9f0a-0d3b8c1e7a44"
TOPIC = min(TOPICS - EPHEMERAL.keys())
# Fields of messages that would not look like themselves otherwise.
LOOKS: Mapping[str, Any] = {
    "id": ID,
    "cause": ID,
    "epoch": "546b86306ed028f5",
    "token": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhbGljZSJ9.c2lnbmF0dXJl",
    "topics": [TOPIC],
    "denied": ["other"],
    "message": "in words",
}


def examples(schema: Any, found: Mapping[str, Any]) -> Iterator[Any]:
    """A message in full, once for each action that it may carry."""
    action = schema["properties"].get("action")
    whole = example(schema, found, "")
    whole |= {name: LOOKS[name] for name in whole if name in LOOKS}
    if action is None:
        yield whole
        return
    union = found[action["$ref"].rpartition("/")[2]]
    for choice in union.get("oneOf", [union]):
        yield whole | {"action": example(choice, found, "")}


class Endless(ValueError):
    """It has itself in it, and no end."""


def example(
    schema: Any,
    found: Mapping[str, Any],
    name: str,
    nth: int = 0,
    within: frozenset[str] = frozenset(),
) -> Any:
    """A value that the schema allows, for a field of this name; of several kinds, the first.

    For another `nth` it is another value, where there are several. What only the code demands, a
    Predicate, no schema tells: types with an `Example` say themselves how they look. Raises Endless
    for a schema that is `within` itself.
    """

    def part(own: Any, name: str = name, nth: int = nth) -> Any:
        return example(own, found, name, nth, within)

    match schema:
        case {"examples": [value, *_]} | {"const": value}:
            return value
        case {"enum": values}:
            return values[nth % len(values)]
        case {"$ref": str(place)}:
            target = place.rpartition("/")[2]
            if target in within:
                raise Endless(target)
            return example(found[target], found, name, nth, within | {target})
        case {"oneOf": choices} | {"anyOf": choices}:
            for choice in choices:
                with suppress(Endless):
                    return part(choice)
            raise Endless(name)
        case {"type": "object"}:
            return _fields(schema, part) | _entries(schema, part)
        case {"type": "array", "prefixItems": items}:
            return [part(item) for item in items]
        case {"type": "array"}:
            return _items(schema, part, nth)
        case {"type": "integer" | "number"}:
            return number(schema, nth)
        case {"type": "boolean"}:
            return nth % 2 == 0
        case {"type": "null"}:
            return None
    return text(schema, name, nth)


def _fields(schema: Any, part: Callable[..., Any]) -> dict[str, Any]:
    """All of them, but for those without an end that need not be there."""
    made = {}
    for field, own in schema.get("properties", {}).items():
        try:
            made[field] = part(own, field)
        except Endless:
            if field in schema.get("required", ()):
                raise
    return made


def _entries(schema: Any, part: Callable[..., Any]) -> dict[str, Any]:
    """As many as there must be; keys that are numbers look like any others in the schema."""
    named, own = schema.get("propertyNames"), schema.get("additionalProperties", {})
    made = {}
    for n in range(schema.get("minProperties", 0)):
        key = f"{n + 1}" if named is None else part({"type": "string", **named}, "key", nth=n)
        made[key] = part(own, nth=n)
    return made


def _items(schema: Any, part: Callable[..., Any], nth: int) -> list[Any]:
    """One, or as many as there must be."""
    least, most = schema.get("minItems", 0), schema.get("maxItems", 1)
    try:
        count = max(least, min(1, most))
        return [part(schema.get("items", {}), nth=nth + n) for n in range(count)]
    except Endless:
        if least:
            raise
        return []
