"""Teaches pydantic the JSON of actions: externally tagged, strict, nothing extra.

`Moved(by=1)` is written `{"Moved": {"by": 1}}`, and a class without fields is a bare string.
https://serde.rs/enum-representations.html describes the shape.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, fields
from inspect import getdoc
from operator import itemgetter
from typing import Annotated, Any, Never, get_args

from pydantic import ConfigDict, GetCoreSchemaHandler, GetJsonSchemaHandler, TypeAdapter
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import PydanticCustomError, SchemaValidator, core_schema
from pydantic_core.core_schema import CoreSchema

# JSON has no infinity (RFC 8259, 6): what nobody could write again is not taken.
STRICT = ConfigDict(strict=True, extra="forbid", allow_inf_nan=False)
# Beyond this whole numbers are not the same to every reader of JSON (RFC 8259, 6).
LARGEST = 2**53 - 1
TAG = "action "  # before the name of a class, in the location of what is wrong with one
MISSHAPEN = "misshapen action"

Build = Callable[[GetCoreSchemaHandler], CoreSchema]


@dataclass(frozen=True, slots=True)
class ExternallyTagged:
    """`Annotated[A | B, ExternallyTagged()]`: a union of dataclasses, told apart by class name.

    Works wherever pydantic does: a TypeAdapter, a model's field, the body of a FastAPI route.
    """

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        """One choice for each class, found by the one key of the object or by the bare string."""
        classes = tuple(cls for cls in get_args(source) or (source,) if cls is not Never)
        return _strictly(lambda generate: _tagged_schema(classes, generate), handler)


@dataclass(frozen=True, slots=True)
class Untagged:
    """`Annotated[A, Untagged()]`: one dataclass, its fields alone, as strict as when tagged."""

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        """The dataclass's own schema, made strict."""
        return _strictly(lambda generate: generate.generate_schema(source), handler)


@dataclass(frozen=True, slots=True)
class _Shape:
    build: Build

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return self.build(handler)


def _strictly(build: Build, handler: GetCoreSchemaHandler) -> CoreSchema:
    """The schema under STRICT, whatever it is used in.

    pydantic takes a config for a union but not for a dataclass, hence the `| None`. What does
    not come as JSON text (FastAPI parses a body first) is written as JSON and read again: strict
    means "as JSON says it", and one reader for both doors refuses with the same words.
    """
    adapter: TypeAdapter[Any] = TypeAdapter(Annotated[object | None, _Shape(build)], config=STRICT)
    schema, shared = _narrowed(adapter.core_schema), []
    validator = SchemaValidator(schema)
    if schema["type"] == "definitions":
        schema, shared = schema["schema"], schema["definitions"]

    def from_python(value: Any) -> Any:
        try:
            text = json.dumps(value)
        except (TypeError, RecursionError) as problem:  # no text of JSON, or one that is too deep
            too_deep = isinstance(problem, RecursionError)
            why = "recursion limit exceeded" if too_deep else "send it as application/json"
            raise PydanticCustomError("json_invalid", "{error}", {"error": why}) from None
        return validator.validate_json(text)

    either = core_schema.json_or_python_schema(
        json_schema=schema,
        python_schema=core_schema.no_info_plain_validator_function(from_python),
    )
    if not shared:
        return either
    # What several actions share stands apart; pydantic takes that from a type, not from metadata.
    whole = core_schema.definitions_schema(either, shared)
    return handler.generate_schema(_Shape(lambda _: whole))


def _narrowed(schema: Any) -> Any:
    """The schema, but whole numbers have bounds, and a sequence is left at its first bad element.

    Where each of 20,000 is looked at to say what is wrong with it, a message takes half a second:
    pydantic counts only the good ones against a `Len`.
    """
    match schema:
        case dict():
            found = {key: _narrowed(value) for key, value in schema.items()}
            match found.get("type"):
                case "tuple":
                    found["fail_fast"] = True
                case "int":
                    return _exact(found)
            return found
        case list():
            return [_narrowed(value) for value in schema]
    return schema


def _exact(schema: dict[str, Any]) -> dict[str, Any]:
    """A whole number within the bounds that all have; JSON Schema tells only those of its own."""
    said = {"pydantic_js_functions": [lambda _, handler: handler(schema)]}
    bounded = {**schema, "metadata": {**schema.get("metadata", {}), **said}}
    if "gt" not in schema:
        bounded["ge"] = max(schema.get("ge", -LARGEST), -LARGEST)
    if "lt" not in schema:
        bounded["le"] = min(schema.get("le", LARGEST), LARGEST)
    return bounded


def _tagged_schema(classes: tuple[type, ...], handler: GetCoreSchemaHandler) -> CoreSchema:
    choices = {cls.__name__: _choice(cls, handler) for cls in classes}
    bare = {cls.__name__ for cls in classes if not fields(cls)}
    tags = {name: TAG + name for name in choices}

    def tag(value: object) -> str:
        match value:
            case str() if value in bare:
                return tags[value]
            case dict() if len(value) == 1:
                (name,) = value
                return tags[name] if name in tags and name not in bare else MISSHAPEN
        return MISSHAPEN

    def refuse(value: object) -> None:
        raise PydanticCustomError("misshapen_action", "{why}", {"why": _why(value, choices, bare)})

    return core_schema.tagged_union_schema(
        {
            **{tags[name]: choice for name, choice in choices.items()},
            MISSHAPEN: core_schema.no_info_plain_validator_function(refuse),
        },
        discriminator=tag,
        serialization=core_schema.plain_serializer_function_ser_schema(_written),
        metadata={
            "pydantic_js_functions": [_one_of],
        },
    )


def _choice(cls: type, handler: GetCoreSchemaHandler) -> CoreSchema:
    name = cls.__name__
    if not fields(cls):
        said = {"pydantic_js_updates": {"description": getdoc(cls)}}
        return core_schema.no_info_after_validator_function(
            lambda _: cls(), core_schema.literal_schema([name], metadata=said)
        )
    return core_schema.no_info_after_validator_function(
        itemgetter(name),
        core_schema.typed_dict_schema(
            {name: core_schema.typed_dict_field(handler.generate_schema(cls))},
            extra_behavior="forbid",
        ),
    )


def _one_of(schema: Any, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
    choices = [handler(choice) for tag, choice in schema["choices"].items() if tag != MISSHAPEN]
    return choices[0] if len(choices) == 1 else {"oneOf": choices}


def _written(action: Any) -> Any:
    name = type(action).__name__
    return {name: action} if fields(action) else name


def _why(value: object, choices: dict[str, CoreSchema], bare: set[str]) -> str:
    expected = ", ".join(sorted(choices))
    match value:
        case {"type": "command", "action": action}:  # the socket's message in place of its action
            return f"send the action alone, as {_alone(action, choices, bare)}"
        case dict() if len(value) > 1:
            return f"expected one action, got {len(value)}: {', '.join(value)}"
        case dict() if not value:
            return f"expected one action, got none; the actions are {expected}"
        case dict() if set(value) <= bare:
            return f"{next(iter(value))} has no fields: write it as a string"
        case dict():
            return f"unknown action '{next(iter(value))}'; the actions are {expected}"
        case str() if value in choices:
            return f"{value} has fields: write it as an object with that one key"
        case str():
            return f"unknown action '{value}'; the actions are {expected}"
    return "expected an object whose one key is the action's name"


def _alone(action: object, choices: dict[str, CoreSchema], bare: set[str]) -> str:
    name = next(iter(action), None) if isinstance(action, dict) else action
    if not isinstance(name, str) or name not in choices:
        name = min(choices)
    return f'"{name}"' if name in bare else '{"' + name + '": {…}}'
