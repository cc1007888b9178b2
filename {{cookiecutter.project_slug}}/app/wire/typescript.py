"""TypeScript declarations of what is on the wire, printed from its JSON Schema."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

HEAD = """\
// What is said on the live connection. Made by `python -m app schema typescript`: do not edit.
"""
PRIMITIVES = {
    "string": "string",
    "integer": "number",
    "number": "number",
    "boolean": "boolean",
    "null": "null",
}
SHAPES = {"$ref", "const", "enum", "oneOf", "anyOf", "type"}
SHAPES |= {"properties", "required", "additionalProperties", "propertyNames"}
SHAPES |= {"items", "prefixItems"}
# What narrows a value without changing its type, or says something about it.
WORDS = {"title", "description", "default", "examples", "deprecated", "format", "pattern"}
WORDS |= {"minLength", "maxLength", "minItems", "maxItems", "uniqueItems", "multipleOf"}
WORDS |= {"minProperties", "maxProperties"}
WORDS |= {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"}
NAME = re.compile(r"[A-Za-z_$][\w$]*")
BOUNDS = (
    ("minLength", "maxLength", " characters"),
    ("minItems", "maxItems", " items"),
    ("minimum", "maximum", ""),
)


def declarations(schemas: Mapping[str, Any]) -> str:
    """One exported type for each schema; raises ValueError for what it cannot print.

    An object is an `interface`, a union has one choice a line.
    """
    return "\n".join([HEAD, *(_named(name, schema) for name, schema in schemas.items())])


def _named(name: str, schema: Any) -> str:
    try:
        return _declaration(name, schema)
    except ValueError as problem:
        raise ValueError(f"{name}: {problem}") from None


def _declaration(name: str, schema: Any) -> str:
    said = _comment(schema.get("description", ""), "")
    if schema.get("properties"):
        return f"{said}export interface {name} {_object(schema, '')}\n"
    if choices := schema.get("oneOf") or schema.get("anyOf"):
        lines = "".join(f"\n  | {_type(choice, '  ')}" for choice in choices)
        return f"{said}export type {name} ={lines};\n"
    return f"{said}export type {name} = {_type(schema, '')};\n"


def _type(schema: Any, indent: str) -> str:
    """A type; what stands on further lines is indented so far."""
    if schema is True or not schema.keys() - WORDS:
        return "unknown"
    if unknown := schema.keys() - SHAPES - WORDS:
        raise ValueError(f"no TypeScript is known for {', '.join(sorted(unknown))} in {schema}")
    match schema:
        case {"$ref": str(place)}:
            return place.rpartition("/")[2]
        case {"const": value}:
            return json.dumps(value)
        case {"enum": values}:
            return " | ".join(json.dumps(value) for value in values)
        case {"oneOf": choices} | {"anyOf": choices}:
            return " | ".join(dict.fromkeys(_type(choice, indent) for choice in choices))
        case {"type": "array", "prefixItems": items}:
            return f"[{', '.join(_type(item, indent) for item in items)}]"
        case {"type": "array"}:
            item = _type(schema.get("items", True), indent)
            return f"({item})[]" if " | " in item else f"{item}[]"
        case {"type": "object"}:
            return _object(schema, indent)
        case {"type": str(kind)} if kind in PRIMITIVES:
            return PRIMITIVES[kind]
    raise ValueError(f"no TypeScript is known for {schema}")


def _object(schema: Any, indent: str) -> str:
    fields = schema.get("properties", {})
    if not fields:
        others = schema.get("additionalProperties", "properties" not in schema)
        return _record(schema, _type(others, indent) if others else "never")
    required = schema.get("required", ())
    lines = [
        _comment("; ".join(_limits(field)), f"{indent}  ")
        + f"{indent}  {_key(name)}{'' if name in required else '?'}: {_type(field, indent + '  ')};"
        for name, field in fields.items()
    ]
    if len(lines) == 1 and "\n" not in lines[0]:
        return " ".join(["{", lines[0].strip().removesuffix(";"), "}"])
    return "\n".join(["{", *lines, f"{indent}}}"])


def _record(schema: Any, value: str) -> str:
    """A map; of keys that have names, none must be there."""
    key = _type({"type": "string", **schema.get("propertyNames", {})}, "")
    record = f"Record<{key}, {value}>"
    return record if key == "string" else f"Partial<{record}>"


def _key(name: str) -> str:
    return name if NAME.fullmatch(name) else json.dumps(name)


def _limits(schema: Any) -> Iterator[str]:
    """What a type does not say of a field."""
    for one in schema.get("anyOf", [schema]):
        if "description" in one:
            yield one["description"]
        for least, most, what in BOUNDS:
            match one.get(least), one.get(most):
                case None, None:
                    pass
                case low, None:
                    yield f"at least {_number(low)}{what}"
                case None, high:
                    yield f"at most {_number(high)}{what}"
                case low, high:
                    yield f"{_number(low)} to {_number(high)}{what}"
        if one.get("format") == "date-time":
            yield "date and time, RFC 3339"


def _number(value: float) -> str:
    return f"{value:,}".removesuffix(".0")


def _comment(text: str, indent: str) -> str:
    if not text:
        return ""
    lines = text.replace("*/", "*\\/").split("\n")
    if len(lines) == 1:
        return f"{indent}/** {lines[0]} */\n"
    body = "".join(f"{indent} * {line}".rstrip() + "\n" for line in lines)
    return f"{indent}/**\n{body}{indent} */\n"
