"""Who is asked whether it is there, and when it is gone; on a clock that the test moves."""

from collections.abc import Callable
from typing import cast

import pytest

from app.live.keepalive import Keepalive
from app.live.port import Connection

ROUND = 20


class Client:
    """A connection whose other end is the test."""

    def __init__(self) -> None:
        self.heard = 0.0
        self.blocked: float | None = None
        self.asked = 0
        self.ends: list[object] = []
        self.end: Callable[[], None] = lambda: None

    def ping(self) -> None:
        """Count it."""
        self.asked += 1

    def close(self, code: int, reason: str = "") -> None:
        """Keep why."""
        self.ends.append(code)

    def abort(self) -> None:
        """Keep that."""
        self.ends.append("cut off")
        self.end()


class World:
    """A clock, and the keepalive that goes by it."""

    def __init__(self) -> None:
        self.now = 0.0
        self.keepalive = Keepalive(ROUND, lambda: self.now)

    def client(self) -> Client:
        """One more, that is forgotten when it ends."""
        client = Client()
        client.heard = self.now
        client.end = lambda: self.keepalive.remove(cast(Connection, client))
        self.keepalive.add(cast(Connection, client))
        return client

    def pass_seconds(self, seconds: int, *, answering: Client | None = None) -> None:
        """A sweep each second; one client may answer whenever it is asked."""
        for _ in range(seconds):
            self.now += 1
            before = answering.asked if answering else 0
            self.keepalive.sweep()
            if answering and answering.asked > before:
                answering.heard = self.now + 0.01


@pytest.fixture
def world() -> World:
    return World()


def test_each_is_asked_once_a_round_and_a_share_of_them_each_second(world: World) -> None:
    clients = [world.client() for _ in range(100)]

    world.pass_seconds(1)
    after_a_second = sum(client.asked for client in clients)
    world.pass_seconds(ROUND - 1)

    assert after_a_second == 100 / ROUND
    assert [client.asked for client in clients] == [1] * 100


def test_shares_stay_even_when_clients_come_and_go(world: World) -> None:
    for _ in range(1000):
        client = world.client()
        world.keepalive.remove(cast(Connection, client))
    clients = [world.client() for _ in range(100)]
    world.pass_seconds(1)

    assert sum(client.asked for client in clients) == 100 / ROUND


def test_who_answers_stays(world: World) -> None:
    client = world.client()

    world.pass_seconds(10 * ROUND, answering=client)

    assert client.asked == 10
    assert not client.ends


@pytest.mark.parametrize("moment", range(ROUND))
def test_who_was_heard_of_last_at_any_moment_is_gone_within_two_rounds(
    world: World, moment: int
) -> None:
    client = world.client()
    world.pass_seconds(ROUND + moment, answering=client)
    client.heard = world.now
    world.pass_seconds(ROUND - 1)
    assert not client.ends

    world.pass_seconds(ROUND + 1)

    assert client.ends == [1011, "cut off"]
    assert len(world.keepalive) == 0


def test_who_was_heard_of_last_before_the_others_were_asked_is_asked_too_before_it_is_gone(
    world: World,
) -> None:
    """Its handshake took so long that those of its share were asked meanwhile."""
    client = Client()
    world.pass_seconds(1)
    world.keepalive.add(cast(Connection, client))

    world.pass_seconds(ROUND)
    assert (client.asked, client.ends) == (1, [])
    world.pass_seconds(ROUND)

    assert (client.asked, client.ends) == (1, [1011, "cut off"])


def test_who_says_anything_at_all_stays(world: World) -> None:
    client = world.client()

    for _ in range(30):
        world.pass_seconds(ROUND // 2)
        client.heard = world.now

    assert not client.ends


def test_a_pause_of_the_whole_process_costs_nobody_the_connection(world: World) -> None:
    client = world.client()
    world.pass_seconds(3 * ROUND, answering=client)

    world.now += 3600
    world.pass_seconds(3 * ROUND, answering=client)

    assert not client.ends


def test_who_takes_nothing_is_gone_within_thirty_seconds(world: World) -> None:
    client = world.client()
    world.pass_seconds(5, answering=client)
    client.blocked = world.now

    world.pass_seconds(25, answering=client)
    assert not client.ends
    world.pass_seconds(4, answering=client)

    assert client.ends == [4008, "cut off"]


def test_who_takes_nothing_yet_has_not_been_asked_and_is_not_silent(world: World) -> None:
    client = world.client()
    world.pass_seconds(ROUND)
    client.blocked = world.now

    world.pass_seconds(ROUND + 1)

    assert not client.ends


def test_who_takes_a_little_now_and_then_stays(world: World) -> None:
    client = world.client()

    for _ in range(20):
        client.blocked = client.heard = world.now
        world.pass_seconds(20)

    assert not client.ends


def test_a_client_may_be_asked_in_its_own_way(world: World) -> None:
    client, asked = Client(), []
    world.keepalive.add(cast(Connection, client), lambda: asked.append("ping"))

    world.pass_seconds(ROUND)

    assert asked == ["ping"]
    assert client.asked == 0


def test_who_has_left_is_not_asked_and_may_leave_twice(world: World) -> None:
    client = world.client()
    world.keepalive.remove(cast(Connection, client))
    world.keepalive.remove(cast(Connection, client))

    world.pass_seconds(2 * ROUND)

    assert client.asked == 0
