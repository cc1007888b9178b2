"""Nothing is stored that could not be read again: it costs its command, and not the next start."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from math import inf
from types import SimpleNamespace
from typing import Annotated, Any, cast

import pytest
from annotated_types import Ge
from pydantic import ValidationError

from app import domain
from app.adapters import open_ports
from app.bootstrap import rules
from app.core.effects import Append, Delay, Dispatch, Parallel
from app.core.environment import Environment
from app.core.principal import Principal, Role
from app.core.rejected import Code, Rejected
from app.domain import Command, Effect, Event, State
from app.domain.revocation.actions import RevokeTokens, TokensRevoked
from app.runtime import group
from app.runtime.event_log.memory import MemoryLog
from app.runtime.store import open_store
from app.settings import Settings
from app.wire.stored import Stored
from app.wire.tagged import LARGEST

BOSS = Principal("boss", Role.OPERATOR)
NOW = datetime(2026, 1, 2, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Weighed:
    """An event with numbers."""

    grams: float
    parts: Annotated[int, Ge(1)] = 1


@dataclass(frozen=True, slots=True)
class Emptied:
    """An event without anything."""


def asked(**values: object) -> RevokeTokens:
    """What a rule without types may ask for."""
    return RevokeTokens(**cast(Any, values))


FAULTY: dict[str, tuple[type, Effect]] = {
    "a text as a time": (RevokeTokens, Append(TokensRevoked("faulty", cast(Any, "today")))),
    "a number as a text": (RevokeTokens, Append(TokensRevoked(cast(Any, 5), NOW))),
    "a number that has no end": (RevokeTokens, Append(TokensRevoked("faulty", cast(Any, inf)))),
    "an event of nobody's": (RevokeTokens, Append(cast(Any, Weighed(1)))),
    "an empty one of nobody's": (RevokeTokens, Append(cast(Any, Emptied()))),
    "a command out of bounds": (TokensRevoked, Dispatch(asked(user_id=""))),
    "one that waits": (TokensRevoked, Delay(1, asked(user_id="x" * 65))),
    "one among others": (TokensRevoked, Parallel((Dispatch(asked(user_id=None)),))),
}


@pytest.mark.anyio
@pytest.mark.parametrize("what", FAULTY)
async def test_a_rule_that_makes_what_cannot_be_read_costs_its_own_command(
    what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    noted = SimpleNamespace(exception=lambda *_, **__: said.append(str(sys.exception())))
    monkeypatch.setattr(group, "log", noted)
    of, effect = FAULTY[what]

    def reduce(
        state: State, action: Command | Event, env: Environment
    ) -> tuple[State, Sequence[Effect]]:
        after, effects = domain.reduce(state, action, env)
        is_faulty = isinstance(action, of) and "faulty" in repr(action)
        return after, [effect] if is_faulty else effects

    event_log, ruled = MemoryLog(), replace(rules(Settings()), reduce=reduce)
    async with open_ports() as ports, open_store(event_log, ruled, ports) as store:
        with pytest.raises(Rejected) as refusal:
            await store.dispatch(RevokeTokens("faulty"), by=BOSS)
        await store.dispatch(RevokeTokens("ada"), by=BOSS)
    async with open_ports() as ports, open_store(event_log, ruled, ports) as store:
        assert store.seq == 1

    assert refusal.value.code is Code.INTERNAL
    assert said
    assert "faulty" not in said[0], "what an event says may be personal"


@pytest.mark.parametrize("grams", ["1e400", "-1e400", "Infinity", "NaN", "null"])
def test_a_number_that_could_not_be_written_again_is_not_read(grams: str) -> None:
    stored: Stored[Weighed] = Stored(Weighed)

    with pytest.raises(ValidationError, match=r"(finite|valid) number"):
        stored.read('{"Weighed":{"grams":' + grams + "}}")


@pytest.mark.parametrize("parts", [LARGEST + 1, 10**26])
def test_a_whole_number_that_others_would_take_for_another_is_not_read(parts: int) -> None:
    stored: Stored[Weighed] = Stored(Weighed)

    with pytest.raises(ValidationError, match=f"equal to {LARGEST}"):
        stored.read('{"Weighed":{"grams":1,"parts":' + str(parts) + "}}")
