"""Nothing is stored that could not be read again: it costs its command, and not the next start."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import inf, nan
from typing import Annotated, Any, cast

import pytest
from annotated_types import Ge, Len
from pydantic import ValidationError

from app import domain
from app.adapters import open_ports
from app.bootstrap import rules
from app.core.effects import Append, Dispatch
from app.core.environment import Environment
from app.core.principal import Principal, Role
from app.core.rejected import Code, Rejected
from app.domain import Command, Effect, Event, State
from app.domain.revocation.actions import RevokeTokens, TokensRevoked
from app.runtime.event_log.memory import MemoryLog
from app.runtime.store import open_store
from app.settings import Settings
from app.wire.stored import Stored


@dataclass(frozen=True, slots=True)
class Part:
    """Nested."""

    size: Annotated[int, Ge(1)]


@dataclass(frozen=True, slots=True)
class Build:
    """With fields."""

    name: Annotated[str, Len(1, 5)]
    weight: float = 1.0
    parts: tuple[Part, ...] = ()
    turn: int = 0


@dataclass(frozen=True, slots=True)
class Stop:
    """Without fields."""


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """Of another union."""

    name: str = "a"


LARGEST = 2**53 - 1  # from there on JavaScript takes one whole number for another
BOSS = Principal("boss", Role.OPERATOR)
STORED: Stored[Build | Stop] = Stored(Build | Stop, "Command")


@pytest.mark.parametrize(
    "action", [Build("é", 0.5, (Part(1),)), Build("a", 2), Build("a", turn=-LARGEST), Stop()]
)
def test_what_is_written_is_read_as_the_same(action: Build | Stop) -> None:
    assert STORED.read(STORED.write(STORED.checked(action))) == action


def unlike(**values: object) -> Build:
    """What a rule without types may make."""
    return Build(**cast(Any, {"name": "a", **values}))


WRONG = {
    "name": unlike(name=5),
    "too long": unlike(name="too long"),
    "weight": unlike(weight="1"),
    "no number": unlike(weight=nan),
    "no end": unlike(weight=inf),
    "a list": unlike(parts=[Part(1)]),
    "too small": unlike(parts=(Part(0),)),
    "too large": unlike(parts=(Part(LARGEST + 1),)),
    "too far below": unlike(turn=-LARGEST - 1),
    "another class": unlike(parts=(Stop(),)),
}


@pytest.mark.parametrize("what", WRONG)
def test_a_value_that_its_field_does_not_allow_is_not_written(what: str) -> None:
    with pytest.raises(ValidationError):
        STORED.checked(WRONG[what])


def test_a_class_that_is_not_of_the_union_is_not_written() -> None:
    with pytest.raises(TypeError, match="read Elsewhere again: add it to `Command`"):
        STORED.checked(cast(Any, Elsewhere()))


FAULTY: dict[type, list[Effect]] = {
    RevokeTokens: [Append(TokensRevoked("faulty", cast(Any, "today")))],
    TokensRevoked: [Dispatch(RevokeTokens(""))],
}


@pytest.mark.anyio
@pytest.mark.parametrize("of", FAULTY)
async def test_a_rule_that_makes_what_cannot_be_read_costs_its_own_command(of: type) -> None:
    def reduce(
        state: State, action: Command | Event, env: Environment
    ) -> tuple[State, Sequence[Effect]]:
        after, effects = domain.reduce(state, action, env)
        is_faulty = isinstance(action, of) and "faulty" in repr(action)
        return after, FAULTY[of] if is_faulty else effects

    event_log, ruled = MemoryLog(), replace(rules(Settings()), reduce=reduce)
    async with open_ports() as ports, open_store(event_log, ruled, ports) as store:
        with pytest.raises(Rejected) as refusal:
            await store.dispatch(RevokeTokens("faulty"), by=BOSS)
        await store.dispatch(RevokeTokens("ada"), by=BOSS)
    async with open_ports() as ports, open_store(event_log, ruled, ports) as store:
        assert store.seq == 1

    assert refusal.value.code is Code.INTERNAL


@pytest.mark.parametrize("weight", ["1e400", "-1e400", "Infinity", "NaN"])
def test_a_number_that_could_not_be_written_again_is_not_read(weight: str) -> None:
    with pytest.raises(ValidationError, match="finite number"):
        STORED.read('{"Build":{"name":"a","weight":' + weight + "}}")


@pytest.mark.parametrize("turn", [LARGEST + 1, -LARGEST - 1, 10**26])
def test_a_whole_number_that_others_would_take_for_another_is_not_read(turn: int) -> None:
    with pytest.raises(ValidationError, match=f"equal to -?{LARGEST}"):
        STORED.read('{"Build":{"name":"a","turn":' + str(turn) + "}}")
