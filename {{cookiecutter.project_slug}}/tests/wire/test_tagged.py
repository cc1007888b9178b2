"""Externally tagged JSON: strict, and the same whichever way it comes in."""

import re
from dataclasses import dataclass
from datetime import datetime
from time import process_time
from typing import Annotated, Any

import pytest
from annotated_types import Predicate
from pydantic import TypeAdapter, ValidationError

from app.wire import codec, problems
from app.wire.tagged import ExternallyTagged, Untagged


@dataclass(frozen=True, slots=True)
class Part:
    """Nested."""

    size: int


@dataclass(frozen=True, slots=True)
class Build:
    """With fields."""

    name: str
    parts: tuple[Part, ...]
    due: datetime | None = None


@dataclass(frozen=True, slots=True)
class Stop:
    """Without fields."""


ACTION: TypeAdapter[Build | Stop] = TypeAdapter(Annotated[Build | Stop, ExternallyTagged()])
ALONE: TypeAdapter[Build] = TypeAdapter(Annotated[Build, Untagged()])
GOOD = {"name": "a", "parts": [{"size": 1}], "due": "2026-01-02T03:04:05Z"}


def test_an_action_is_an_object_with_one_key_or_a_bare_string() -> None:
    assert ACTION.validate_json(codec.encode({"Build": GOOD})).parts == (Part(1),)  # type: ignore[union-attr]
    assert ACTION.validate_json('"Stop"') == Stop()


def test_what_was_parsed_already_is_read_the_same_way() -> None:
    assert ACTION.validate_python({"Build": GOOD}) == ACTION.validate_json(
        codec.encode({"Build": GOOD})
    )
    assert ALONE.validate_python(GOOD) == ALONE.validate_json(codec.encode(GOOD))


@pytest.mark.parametrize("action", [Build("é", (Part(1), Part(2))), Stop()])
def test_what_is_written_can_be_read(action: Build | Stop) -> None:
    assert ACTION.validate_json(ACTION.dump_json(action)) == action


BAD: dict[str, tuple[Any, str]] = {
    "missing": ({"parts": []}, "missing required field 'name'"),
    "nested missing": ({"name": "a", "parts": [{}]}, "missing required field 'parts[0].size'"),
    "extra": ({"name": "a", "parts": [], "z": 1}, "unknown field 'z'"),
    "nested extra": ({"name": "a", "parts": [{"size": 1, "z": 1}]}, "unknown field 'parts[0].z'"),
    "number as text": ({"name": "a", "parts": [{"size": "1"}]}, "'parts[0].size'"),
    "bool as number": ({"name": "a", "parts": [{"size": True}]}, "'parts[0].size'"),
    "text as number": ({"name": 5, "parts": []}, "'name'"),
    "null": ({"name": None, "parts": []}, "'name'"),
}


@pytest.mark.parametrize("what", BAD)
def test_what_does_not_fit_is_refused_in_the_same_words_tagged_or_not(what: str) -> None:
    fields, words = BAD[what]
    with pytest.raises(ValidationError) as tagged:
        ACTION.validate_json(codec.encode({"Build": fields}))
    with pytest.raises(ValidationError) as parsed:
        ACTION.validate_python({"Build": fields})
    with pytest.raises(ValidationError) as body:
        TypeAdapter(dict[str, Annotated[Build, Untagged()]]).validate_python({"body": fields})

    messages = {problems.rejected(error.value.errors()).message for error in (tagged, parsed, body)}
    assert len(messages) == 1
    assert words in messages.pop()


@dataclass(frozen=True, slots=True)
class Street:
    """Its field is called what it is called itself where it is a field."""

    street: int


@dataclass(frozen=True, slots=True)
class Settle:
    """Two fields of one name, one in the other."""

    street: Street


def test_a_field_in_one_of_the_same_name_is_found_tagged_or_not() -> None:
    tagged: TypeAdapter[Any] = TypeAdapter(Annotated[Settle | Stop, ExternallyTagged()])
    body: TypeAdapter[Any] = TypeAdapter(dict[str, Annotated[Settle, Untagged()]])
    fields = {"street": {"street": "long"}}

    for adapter, value in (tagged, {"Settle": fields}), (body, {"body": fields}):
        with pytest.raises(ValidationError) as error:
            adapter.validate_python(value)

        refusal = problems.rejected(error.value.errors())
        assert [field.loc for field in refusal.fields] == ["street.street"]
        assert refusal.message.startswith("Invalid action format: field 'street.street': ")


COLOUR = re.compile("#[0-9a-f]{6}")


@dataclass(frozen=True, slots=True)
class Paint:
    """A text with an expression of its own."""

    colour: Annotated[str, Predicate(COLOUR.fullmatch)]


def test_what_has_an_expression_of_its_own_is_not_taken_for_an_id() -> None:
    body: TypeAdapter[Any] = TypeAdapter(dict[str, Annotated[Paint, Untagged()]])
    with pytest.raises(ValidationError) as error:
        body.validate_python({"body": {"colour": "dark red"}})

    (colour,) = problems.rejected(error.value.errors()).fields
    assert colour.loc == "colour"
    assert "letters, digits" not in colour.message


MISSHAPEN = ["{}", "5", "null", '"Build"', '{"Stop":{}}', '"Fly"', '{"Build":{},"Stop":{}}', "[]"]


@pytest.mark.parametrize("text", MISSHAPEN)
def test_what_is_no_action_is_refused_in_a_sentence(text: str) -> None:
    with pytest.raises(ValidationError) as error:
        ACTION.validate_json(text)

    refusal = problems.rejected(error.value.errors())
    assert refusal.message.startswith("Invalid action format: ")


@pytest.mark.parametrize(
    ("action", "words"),
    [
        ({"Build": GOOD}, '{"Build": {…}}'),
        ("Stop", '"Stop"'),
        ({"Fly": {}}, '{"Build": {…}}'),
        ({}, '{"Build": {…}}'),
        ([["Stop"]], '{"Build": {…}}'),
        (None, '{"Build": {…}}'),
    ],
)
def test_who_sends_the_message_of_the_socket_is_told_how_the_action_looks_alone(
    action: object, words: str
) -> None:
    with pytest.raises(ValidationError) as error:
        ACTION.validate_python({"type": "command", "action": action, "id": "a"})

    refusal = problems.rejected(error.value.errors())
    assert refusal.message == f"Invalid action format: send the action alone, as {words}"


def test_the_schema_says_one_of_these_and_nothing_else() -> None:
    schema = ACTION.json_schema()

    said = {"const": "Stop", "type": "string", "description": "Without fields."}
    assert schema["oneOf"][1] == said
    assert schema["oneOf"][0]["required"] == ["Build"]
    assert schema["oneOf"][0]["additionalProperties"] is False
    assert schema["$defs"]["Build"]["required"] == ["name", "parts"]
    assert schema["$defs"]["Build"]["additionalProperties"] is False


@pytest.mark.parametrize("adapter", [ACTION, ALONE])
def test_a_sequence_is_left_at_its_first_bad_element(adapter: TypeAdapter[Any]) -> None:
    bad = {"name": "a", "parts": [{"size": 1}, *[{"size": ""}] * 20_000]}

    with pytest.raises(ValidationError) as found:
        adapter.validate_json(codec.encode({"Build": bad} if adapter is ACTION else bad))

    (error,) = found.value.errors()
    assert error["loc"][-3:] == ("parts", 1, "size")


def test_of_thousands_of_mistakes_some_are_told_and_soon() -> None:
    bad = GOOD | {str(number): 0 for number in range(7_000)}
    began = process_time()

    with pytest.raises(ValidationError) as found:
        ACTION.validate_json(codec.encode({"Build": bad}))
    refusal = problems.rejected(found.value.errors())

    assert found.value.error_count() == 7_000
    assert len(refusal.fields or ()) == problems.TOLD
    assert process_time() - began < 1  # compared with each other they would take several seconds
