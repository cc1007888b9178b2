"""Whoever hears a topic is found, and nobody is asked about it twice."""

from __future__ import annotations

from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.access.subscription import Audience
from app.core.principal import Principal, Role
from app.live import crowds as module
from app.live.crowd import Hearer
from app.live.crowds import Crowds

OLGA, CARL = Principal("olga", Role.OPERATOR), Principal("carl", Role.CUSTOMER)
TOPIC = "revocation"


class Client:
    """Somebody who hears."""

    def count(self, messages: int, size: int) -> None:
        """It is of no account here."""


def client() -> Hearer:
    return cast(Hearer, Client())


def hearers(crowds: Crowds, topic: str) -> list[int]:
    """How many there are in each crowd that hears it, but for empty ones."""
    return [len(crowd) for crowd in crowds.hearing(topic, ephemeral=False) if crowd]


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """Who was asked about which topic."""
    found: list[tuple[str, str]] = []

    def may_hear(principal: Principal, topic: str) -> bool:
        found.append((principal.name, topic))
        return principal.role is Role.OPERATOR

    monkeypatch.setattr("app.access.subscription.may_hear", may_hear)
    return found


def operator(number: int) -> Audience:
    return Audience(Principal(f"op-{number}", Role.OPERATOR), None)


def test_who_comes_and_goes_has_nobody_else_asked_again(asked: list[tuple[str, str]]) -> None:
    crowds = Crowds()
    for number in range(10):
        crowds.add(client(), operator(number))
    assert hearers(crowds, TOPIC) == [1] * 10
    asked.clear()

    for number in range(10, 15):
        newcomer = client()
        assert crowds.add(newcomer, operator(number))
        assert hearers(crowds, TOPIC) == [1] * 11
        assert crowds.remove(newcomer, operator(number))
        assert hearers(crowds, TOPIC) == [1] * 10
    assert asked == [(f"op-{number}", TOPIC) for number in range(10, 15)]

    crowds.add(client(), operator(12))
    assert hearers(crowds, TOPIC) == [1] * 11
    assert len(asked) == 5, "who comes back is known"


def test_who_comes_twice_is_there_once() -> None:
    crowds, twice = Crowds(), client()

    assert crowds.add(twice, operator(1))
    assert not crowds.add(twice, operator(1))
    assert hearers(crowds, TOPIC) == [1]
    assert crowds.remove(twice, operator(1))
    assert not crowds.remove(twice, operator(1))
    assert not crowds.remove(twice, operator(2))
    assert list(crowds) == []


@pytest.mark.usefixtures("asked")
def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "KNOWN_TOPICS", 10)
    monkeypatch.setattr(module, "KNOWN_ANSWERS", 50)
    monkeypatch.setattr(module, "EMPTY_CROWDS", 5)
    crowds = Crowds()
    for number in range(200):
        newcomer = client()
        crowds.add(newcomer, operator(number))
        for topic in range(12):
            assert sum(hearers(crowds, f"orders:{topic}")) == number % 3 + 1
        if number % 3 == 2:
            for before in range(number - 2, number + 1):
                for each in list(crowds._by_audience[operator(before)]._hearers):
                    crowds.remove(each, operator(before))

        assert len(crowds._by_topic) <= 10
        assert (
            crowds._answers == sum(len(known.crowds) for known in crowds._by_topic.values()) <= 50
        )
        assert len(crowds._by_audience) <= 10


AUDIENCES = [
    Audience(principal, topics)
    for principal in (OLGA, CARL)
    for topics in (None, frozenset({TOPIC}), frozenset({"orders:carl"}))
]
STEPS = st.lists(
    st.tuples(st.sampled_from(["add", "remove", "tell"]), st.integers(0, 5), st.integers(0, 2)),
    max_size=40,
)


@given(STEPS)
def test_those_are_found_who_hear_it(steps: list[tuple[str, int, int]]) -> None:
    crowds, clients = Crowds(), [client() for _ in range(3)]
    there: dict[Audience, set[Hearer]] = {audience: set() for audience in AUDIENCES}
    for deed, which, who in steps:
        audience, somebody = AUDIENCES[which], clients[who]
        if deed == "add":
            assert crowds.add(somebody, audience) is (somebody not in there[audience])
            there[audience].add(somebody)
        elif deed == "remove":
            assert crowds.remove(somebody, audience) is (somebody in there[audience])
            there[audience].discard(somebody)
        else:
            topic = (TOPIC, "orders:carl", "orders:ada")[who]
            right = [
                len(each)
                for audience, each in there.items()
                if each and audience.hears(topic, ephemeral=False)
            ]
            assert sorted(hearers(crowds, topic)) == sorted(right)
        assert set(crowds) == {audience for audience, each in there.items() if each}
