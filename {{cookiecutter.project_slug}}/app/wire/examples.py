"""Examples of what is on the wire, made from its JSON Schema: those of your own actions, too."""

from collections.abc import Iterator, Mapping
from typing import Any

from app.domain import PASSING, TOPICS

ID = "6f1c3a52-2b7e-4c5e-9f0a-0d3b8c1e7a44"
TOPIC = min(TOPICS - PASSING.keys())
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
MOMENT = "2026-01-31T09:30:00Z"


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


def example(schema: Any, found: Mapping[str, Any], name: str) -> Any:
    """A value that the schema allows, for a field of this name; of several kinds, the first.

    A pattern, or what only the code demands of a value, is not looked at.
    """
    match schema:
        case {"$ref": str(place)}:
            return example(found[place.rpartition("/")[2]], found, name)
        case {"const": value} | {"enum": [value, *_]}:
            return value
        case {"oneOf": [choice, *_]} | {"anyOf": [choice, *_]}:
            return example(choice, found, name)
        case {"type": "object"}:
            fields = schema.get("properties", {})
            return {field: example(own, found, field) for field, own in fields.items()}
        case {"type": "array", "prefixItems": items}:
            return [example(item, found, name) for item in items]
        case {"type": "array"}:
            return [example(schema.get("items", {}), found, name)]
        case {"type": "integer" | "number"}:
            return max(1, schema.get("minimum", 1))
        case {"type": "boolean"}:
            return True
        case {"type": "null"}:
            return None
        case {"type": "string", "format": "date-time"}:
            return MOMENT
    text = f"{name.removesuffix('_id')}-1" if name.endswith("_id") else name
    return text[: schema.get("maxLength")]
