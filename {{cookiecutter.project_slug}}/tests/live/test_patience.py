"""Who offends again and again is sent away; who does so now and then is not."""

from typing import cast

import pytest

from app.access.identity import Identity
from app.bootstrap import create_app
from app.core.principal import Principal, Role
from app.live.live import Live
from app.live.patience import UNTRIED, Patience
from app.live.port import Connection
from app.live.session import Session
from tests.access.keys import settings_of
from tests.live.codes import Codes


def code(patience: Patience) -> int | None:
    """With which code it has ended."""
    end = patience.end
    return None if end is None else end.code


def after_limited(patience: Patience, number: int, *, began: float, seconds: float) -> Patience:
    """Too fast so many times, at intervals of so many seconds."""
    for turn in range(number):
        patience = patience.after_limited(began + turn * seconds)
    return patience


def after_invalid(patience: Patience, number: int) -> Patience:
    """So many messages that cannot be read."""
    for _ in range(number):
        patience = patience.after_invalid()
    return patience


def test_twenty_messages_in_a_row_that_cannot_be_read_are_enough() -> None:
    nineteen = after_invalid(UNTRIED, 19)

    assert code(UNTRIED) is None
    assert code(nineteen) is None
    assert code(nineteen.after_invalid()) == 1008


def test_one_that_can_be_read_ends_their_row() -> None:
    assert code(after_invalid(after_invalid(UNTRIED, 19).after_valid(), 19)) is None


@pytest.mark.parametrize("began", [0.0, 1e6])  # seconds since the machine was started
def test_a_hundred_times_too_fast_in_a_row_are_enough(began: float) -> None:
    nearly = after_limited(UNTRIED, 99, began=began, seconds=0.9)

    assert code(nearly) is None
    assert code(nearly.after_limited(began + 99 * 0.9)) == 4009


def test_a_second_without_a_refusal_ends_their_row_and_what_is_done_does_not() -> None:
    nearly = after_limited(UNTRIED, 99, began=0, seconds=0)

    assert code(after_limited(nearly, 99, began=1, seconds=0)) is None
    assert code(nearly.after_valid().after_limited(0.5)) == 4009


def test_who_is_too_fast_now_and_then_stays() -> None:
    assert code(after_limited(UNTRIED, 1000, began=0, seconds=1)) is None


@pytest.mark.anyio
async def test_whoever_says_something_between_that_can_be_read_is_put_up_with() -> None:
    app, client = create_app(settings_of()), Codes()
    olga = Identity(Principal("olga", Role.OPERATOR))
    async with app.router.lifespan_context(app):
        live: Live = app.state.live
        session = Session(live, cast(Connection, client), olga, live.limits.connect("192.0.2.1"))
        session.begin(None)
        for message in *["nonsense"] * 19, '{"type":"ping"}', *["nonsense"] * 19:
            session.received(message)
        assert client.codes == []
        session.received("nonsense")
        session.closed(client.codes[0])

    assert client.codes == [1008]
