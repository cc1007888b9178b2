"""JSON Schema of all that is on the wire, made from the types that read and write it."""

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Annotated, Any, TypeAlias, get_args

from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from app.domain import ClientCommand, Event
from app.wire.protocol import Incoming, Message, Outgoing
from app.wire.tagged import ExternallyTagged
from app.wire.views import Snapshot

DIALECT = "https://json-schema.org/draft/2020-12/schema"
AT = "#/$defs/"
FROM_CLIENT, FROM_SERVER = "ClientMessage", "ServerMessage"
COMMAND, EVENT, SNAPSHOT = "ClientCommand", "Event", "Snapshot"
SAID = {
    FROM_CLIENT: "What a client may send.",
    FROM_SERVER: "What the service may send.",
    COMMAND: "What a client may ask for: one action, under its name.",
    EVENT: "What can have happened: one action, under its name.",
}

Schema: TypeAlias = dict[str, Any]


class Plain(GenerateJsonSchema):
    """What JSON Schema itself knows: no titles made up from names, no `discriminator`."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        """Never: a field has its name."""
        return False

    def tagged_union_schema(self, schema: core_schema.TaggedUnionSchema) -> JsonSchemaValue:
        """The choices; each says by a `const` which it is."""
        found = super().tagged_union_schema(schema)
        found.pop("discriminator", None)
        return found


@cache
def schemas() -> Mapping[str, Schema]:
    """Every schema by its name, the unions first; a reference is `#/$defs/<name>`.

    A name is that of the class. Messages have `Message` at its end; what two modules call the
    same has the feature's name before it.
    """
    types: dict[str, Any] = {
        FROM_CLIENT: Incoming,
        FROM_SERVER: Outgoing,
        COMMAND: Annotated[ClientCommand, ExternallyTagged()],
        EVENT: Annotated[Event, ExternallyTagged()],
        SNAPSHOT: Snapshot,
        **{message_name(cls): cls for cls in messages(Incoming) + messages(Outgoing)},
    }
    made, rest = TypeAdapter.json_schemas(
        [(name, "validation", TypeAdapter[Any](kind)) for name, kind in types.items()],
        schema_generator=Plain,
    )
    by_name = {name: schema for (name, _), schema in made.items()}
    found: dict[str, Schema] = dict(sorted(rest["$defs"].items()))
    for cls in messages(Incoming) + messages(Outgoing):
        _as_sent(found[_target(by_name[message_name(cls)])], cls)
    unions = {name: by_name[name] for name in SAID}
    whole = {**unions, **found}
    snapshot = _target(by_name[SNAPSHOT])
    taken, told, shown = (reached(name, whole) for name in (FROM_CLIENT, FROM_SERVER, snapshot))
    for name in told - taken:  # the service may say more tomorrow
        whole[name].pop("additionalProperties", None)
    for name in shown - taken - told - {snapshot}:  # a view is written with all of its fields
        if "properties" in whole[name]:
            whole[name]["required"] = list(whole[name]["properties"])
    named = {_target(by_name[name]): name for name in types if name not in unions}
    for name, words in SAID.items():
        whole[name] = {"description": words} | whole[name]
    return _renamed(whole, named)


def json_schema() -> Schema:
    """All of it as one document: any message, and every schema in `$defs`."""
    return {
        "$schema": DIALECT,
        "title": "The live connection",
        "description": "A message of a client or of the service; each schema is in $defs.",
        "anyOf": [{"$ref": AT + FROM_CLIENT}, {"$ref": AT + FROM_SERVER}],
        "$defs": schemas(),
    }


def messages(union: Any) -> tuple[type[Message], ...]:
    """The classes of `Incoming` or `Outgoing`."""
    found: tuple[type[Message], ...] = get_args(get_args(union)[0])
    return found


def message_name(cls: type[Message]) -> str:
    """What the schema of a message is called."""
    return cls.__name__.removesuffix("Message") + "Message"


def reached(name: str, found: Mapping[str, Schema]) -> set[str]:
    """The name, and those of all that its schema refers to, however far."""
    names: set[str] = set()
    unseen = [name]
    while unseen:
        name = unseen.pop()
        if name not in names:
            names.add(name)
            unseen += references(found[name])
    return names


def references(schema: object) -> Iterator[str]:
    """The names that a schema itself refers to."""
    match schema:
        case {"$ref": str(place)}:
            yield place.rpartition("/")[2]
        case dict():
            for value in schema.values():
                yield from references(value)
        case list():
            for value in schema:
                yield from references(value)


def referring(schema: Any, at: str, names: Mapping[str, str]) -> Any:
    """The same schema, with its references at another place, by other names."""
    match schema:
        case {"$ref": str(place)}:
            name = place.rpartition("/")[2]
            return {**schema, "$ref": at + names.get(name, name)}
        case dict():
            return {key: referring(value, at, names) for key, value in schema.items()}
        case list():
            return [referring(value, at, names) for value in schema]
    return schema


def short_name(name: str) -> str:
    """`app__domain__jobs__state__Status`, which pydantic makes up, as `JobsStatus`."""
    match name.split("__"):
        case ["app", "domain", feature, *_, own]:
            return feature.title().replace("_", "") + own
        case [*_, own]:
            return own
    return name


def _as_sent(schema: Schema, cls: type[Message]) -> None:
    """A message as it is sent: with its type; and where the service has no value, no field."""
    fields = schema["properties"]
    fields["type"].pop("default", None)
    schema["required"] = list(dict.fromkeys(["type", *schema.get("required", ())]))
    if "action" in fields:
        fields["action"] = {"$ref": AT + (EVENT if cls in messages(Outgoing) else COMMAND)}
    if cls in messages(Incoming):
        return
    for name, field in fields.items():
        match field:
            case {"anyOf": [value, {"type": "null"}]}:
                fields[name] = value


def _target(schema: Schema) -> str:
    (name,) = references(schema)
    return name


def _renamed(found: Mapping[str, Schema], named: Mapping[str, str]) -> Mapping[str, Schema]:
    names = {name: named.get(name) or short_name(name) for name in found}
    if len(set(names.values())) < len(names):
        twice = {name for name in names.values() if list(names.values()).count(name) > 1}
        raise ValueError(f"two things on the wire are called {', '.join(sorted(twice))}")
    renamed = {names[name]: referring(schema, AT, names) for name, schema in found.items()}
    for schema in renamed.values():
        schema.pop("title", None)
    first = [*SAID, SNAPSHOT]
    return {name: renamed[name] for name in first + sorted(renamed.keys() - set(first))}
