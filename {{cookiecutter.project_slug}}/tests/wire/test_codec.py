"""Whatever can be said can be written, read again, and read after it has changed."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Never, get_args

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from app.core.effects import Cancel, Delay, Dispatch, Durable, Parallel, Run, Sequential, Stream
from app.core.ports import Attempt, Ports
from app.core.rejected import Rejected
from app.domain import ClientCommand, Command, Event, Task, topic_of
from app.domain.revocation.actions import RevokeTokens
from app.wire import codec
from app.wire.protocol import Command as CommandMessage
from app.wire.tagged import LARGEST, ExternallyTagged

# What JSON can carry between programs: RFC 8259, section 6, for numbers; RFC 3339 for times.
st.register_type_strategy(datetime, st.datetimes(timezones=st.just(UTC)))
st.register_type_strategy(int, st.integers(-LARGEST, LARGEST))
st.register_type_strategy(float, st.floats(allow_nan=False, allow_infinity=False))

COMMAND: TypeAdapter[Command] = TypeAdapter(Annotated[Command, ExternallyTagged()])


def command_message(action: str) -> str:
    """What a client says to have this done."""
    return orjson.dumps({"type": "command", "action": orjson.Fragment(action)}).decode()


def any_of(union: Any) -> st.SearchStrategy[Any]:
    """Any action of a union, with any values that its fields may have."""
    return st.one_of([st.from_type(cls) for cls in get_args(union) or (union,)])


@given(any_of(Event))
def test_every_event_can_be_written_and_read_again(event: Event) -> None:
    assert codec.decode_event(codec.encode_event(event)) == event


@given(any_of(Event))
def test_every_event_has_a_topic(event: Event) -> None:
    assert topic_of(event)


def effects_of(command: Command) -> list[Durable[Command]]:
    """One effect of every kind that has a command in it."""
    later = Delay(1.5, command, "key")
    return [
        Dispatch(command),
        later,
        Delay(0, command),
        Cancel("key"),
        Parallel((Dispatch(command), Sequential((later, Cancel("key"))))),
        Sequential(()),
    ]


@given(any_of(Command))
def test_every_command_can_be_stored_as_an_effect(command: Command) -> None:
    effects = effects_of(command)

    assert list(codec.decode_effects(codec.encode_effects(effects))) == effects
    assert codec.decode_command(codec.encode_command(command)) == command


@dataclass(frozen=True)
class Knit:
    """A task that `Task` does not name."""

    async def __call__(self, ports: Ports, attempt: Attempt) -> None:
        """Never done."""


def test_a_task_that_could_not_be_read_again_is_not_written() -> None:
    run: Run[Command] = Run(Knit())

    with pytest.raises(TypeError, match="read Knit again: add it to `Task`"):
        codec.encode_effects([Sequential((run,))])


TASKS = [task for task in get_args(Task) if task is not Never]


@pytest.mark.skipif(not TASKS, reason="this service has no tasks")
@given(st.data())
def test_every_task_can_be_stored_as_an_effect(data: st.DataObject) -> None:
    task = data.draw(st.one_of([st.from_type(task) for task in TASKS]))
    effects: list[Durable[Command]] = [
        Run(task),
        Run(task, "key"),
        Stream(task),
        Stream(task, "key"),
    ]

    assert list(codec.decode_effects(codec.encode_effects(effects))) == effects


@pytest.mark.parametrize(
    "text", ["{", "5", "[5]", '[{"Fly":{}}]', '[{"Dispatch":{}}]', '[{"Run":{}}]']
)
def test_what_is_no_effect_is_refused_in_words(text: str) -> None:
    with pytest.raises(Rejected):
        list(codec.decode_effects(text))


def test_an_effect_is_read_when_it_is_looked_at_and_not_before() -> None:
    effects = codec.decode_effects('[{"Dispatch":"NoLongerThere"},{"Cancel":"key"}]')

    assert effects[1] == Cancel("key")
    with pytest.raises(Rejected):
        effects[0]


@given(any_of(ClientCommand))
def test_every_client_command_can_be_sent(command: Command) -> None:
    message = codec.decode_message(command_message(codec.encode_command(command)))

    assert isinstance(message, CommandMessage)
    assert message.action == command


def only(union: Any, other: Any) -> list[str]:
    """Names of the classes of a union that the other has not."""
    names = {cls.__name__ for cls in get_args(union) or (union,)}
    return sorted(names - {cls.__name__ for cls in get_args(other) or (other,)})


@pytest.mark.parametrize("name", [*only(Command, ClientCommand), *only(Event, ClientCommand)])
def test_nobody_can_forge_an_event_or_a_command_of_the_service(name: str) -> None:
    for action in f'"{name}"', orjson.dumps({name: {}}).decode():
        with pytest.raises(Rejected, match=f"unknown action '{name}'"):
            codec.decode_message(command_message(action))


@given(any_of(Event))
def test_an_event_of_yesterday_is_turned_into_one_of_today(event: Event) -> None:
    name = type(event).__name__
    old = codec.encode_event(event).replace(f'"{name}"', '"Yesterday"', 1)
    with pytest.raises(Rejected, match="unknown action 'Yesterday'"):
        codec.decode_event(old)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(codec, "UPCASTERS", {"Yesterday": lambda fields: (name, fields)})

        assert codec.decode_event(old) == event
        assert codec.told_event(event, old) == codec.encode_event(event)
        for stored in codec.encode_event(event), " " + codec.encode_event(event):
            assert codec.decode_event(stored) == event
            assert codec.told_event(event, stored) is stored


@given(any_of(Command))
def test_a_command_of_yesterday_is_turned_into_one_of_today(command: Command) -> None:
    name = type(command).__name__
    effects = effects_of(command)
    asked = codec.encode_command(command).replace(f'"{name}"', '"Yesterday"', 1)
    stored = codec.encode_effects(effects).replace(codec.encode_command(command), asked)
    with pytest.raises(Rejected, match="unknown action 'Yesterday'"):
        codec.decode_command(asked)
    with pytest.raises(Rejected, match="unknown action 'Yesterday'"):
        list(codec.decode_effects(stored))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(codec, "UPCASTERS", {"Yesterday": lambda fields: (name, fields)})

        assert codec.decode_command(asked) == command
        assert codec.decode_command(codec.encode_command(command)) == command
        assert list(codec.decode_effects(stored)) == effects
        assert list(codec.decode_effects(codec.encode_effects(effects))) == effects


@pytest.mark.skipif(not TASKS, reason="this service has no tasks")
@given(st.data())
def test_a_task_of_yesterday_is_turned_into_one_of_today(data: st.DataObject) -> None:
    task = data.draw(st.one_of([st.from_type(task) for task in TASKS]))
    name = type(task).__name__
    effects: list[Durable[Command]] = [Run(task), Parallel((Stream(task, "key"),))]
    stored = codec.encode_effects(effects).replace(f'"{name}"', '"Yesterday"')

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(codec, "UPCASTERS", {"Yesterday": lambda fields: (name, fields)})

        assert list(codec.decode_effects(stored)) == effects


def test_an_upcaster_may_change_the_fields_of_an_effect_that_is_looked_at_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    revoke = RevokeTokens("ada")
    stored = codec.encode_effects([Dispatch(revoke)]).replace("user_id", "user")
    effects = codec.decode_effects(stored.replace("RevokeTokens", "EndSessions"))
    upcasters = {"EndSessions": lambda fields: ("RevokeTokens", {"user_id": fields.pop("user")})}
    monkeypatch.setattr(codec, "UPCASTERS", upcasters)

    assert [effects[0], effects[0]] == [Dispatch(revoke), Dispatch(revoke)]


def broken(fields: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """An upcaster with a mistake: what is missing, what has no such method, what is no JSON."""
    return "Now", {"centimetres": fields["metres"].pop() * 100, "unit": object()}


@pytest.mark.parametrize(
    ("event", "words"),
    [
        ('{"Yesterday":{}}', "upcaster of Yesterday: KeyError: 'metres'"),
        ('{"Yesterday":{"metres":1}}', "upcaster of Yesterday: AttributeError: "),
        ('{"Yesterday":{"metres":[{}]}}', "upcaster of Yesterday: TypeError: "),
        ('{"Yesterday":{"metres":[1]}}', "upcaster of Yesterday: TypeError: "),
        ('{"Yesterday":7}', "upcaster of Yesterday: TypeError: "),
        ('"Yesterday"', "upcaster of Yesterday: KeyError: 'metres'"),
        ("[]", "Invalid action format: "),
        ("{}", "Invalid action format: "),
        ("7", "Invalid action format: "),
        ('{"Yesterday":{},"Today":{}}', "Invalid action format: "),
        ("no JSON", "Invalid JSON format: "),
        ("", "Invalid JSON format: "),
    ],
)
def test_an_event_that_cannot_be_brought_up_to_date_is_refused_in_words(
    event: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(codec, "UPCASTERS", {"Yesterday": broken})

    with pytest.raises(Rejected) as refused:
        codec.decode_event(event)
    with pytest.raises(Rejected) as refused_command:
        codec.decode_command(event)

    assert words in refused.value.message
    assert words in refused_command.value.message


def test_an_effect_that_cannot_be_brought_up_to_date_is_refused_in_words(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(codec, "UPCASTERS", {"Yesterday": broken})

    with pytest.raises(Rejected, match="the upcaster of Yesterday: KeyError: 'metres'"):
        list(codec.decode_effects('[{"Dispatch":{"Yesterday":{}}}]'))


@pytest.mark.parametrize(
    ("id", "found"), [("x" * 64, "x" * 64), ("x" * 65, None), ("", None), (7, None)]
)
def test_of_what_cannot_be_read_the_id_is_told_that_it_may_have(
    id: object, found: str | None
) -> None:
    assert codec.id_of(orjson.dumps({"type": "nonsense", "id": id}).decode()) == found
