"""Numbers and texts that a JSON Schema allows."""

from collections.abc import Iterator, Mapping
from math import ceil, floor, inf
from typing import Any

# What a text of a format looks like.
FORMATS = {
    "date": "2026-01-31",
    "date-time": "2026-01-31T09:30:00Z",
    "duration": "PT1H30M",
    "time": "09:30:00Z",
    "uuid": "6f1c3a52-2b7e-4c5e-9f0a-0d3b8c1e7a44",
}


def number(schema: Mapping[str, Any], nth: int) -> float:
    """1 if it may be, else what is near a bound; for another `nth` another, if there is."""
    step = schema.get("multipleOf", 1)
    first = next((each for each in _likely(schema, step) if _allowed(each, schema)), 1)
    further = (first + nth * step, first - nth * step)
    return next((each for each in further if _allowed(each, schema)), first)


def text(schema: Mapping[str, Any], name: str, nth: int) -> str:
    """One for a field of this name, neither too short nor too long; another for another `nth`."""
    if schema.get("format") in FORMATS:
        return FORMATS[schema["format"]]
    stem = name.removesuffix("_id")
    end = f"-{nth + 1}" if nth or stem != name else ""
    room = schema.get("maxLength", len(name) + len(end)) - len(end)
    return stem[:room].ljust(schema.get("minLength", 0) - len(end), "x") + end


def _likely(schema: Mapping[str, Any], step: float) -> Iterator[float]:
    """What may be allowed where there are bounds, and steps to be kept to."""
    low = max(schema.get("minimum", -inf), schema.get("exclusiveMinimum", -inf))
    high = min(schema.get("maximum", inf), schema.get("exclusiveMaximum", inf))
    yield from (1, step)
    if low > -inf:
        yield from (low, ceil(low / step) * step, (floor(low / step) + 1) * step)
    if high < inf:
        yield from (high, floor(high / step) * step, (ceil(high / step) - 1) * step)
    yield (low + high) / 2  # between bounds that are less than a step apart


def _allowed(value: float, schema: Mapping[str, Any]) -> bool:
    steps = value / schema.get("multipleOf", 1)
    return (
        schema.get("minimum", -inf) <= value <= schema.get("maximum", inf)
        and schema.get("exclusiveMinimum", -inf) < value < schema.get("exclusiveMaximum", inf)
        and (isinstance(value, int) or schema["type"] == "number")
        and ("multipleOf" not in schema or abs(steps - round(steps)) < 1e-9)
    )
