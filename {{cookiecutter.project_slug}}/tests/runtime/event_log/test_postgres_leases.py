"""What is true of leases in Postgres alone."""

from __future__ import annotations

import asyncio

import psycopg
import pytest

from app.runtime.event_log.postgres_leases import CLAIM, RELEASE, PostgresLeases
from app.runtime.event_log.postgres_line import Postgres
from tests.runtime.event_log.conftest import Node
from tests.runtime.event_log.interrupted import Interrupted
from tests.runtime.event_log.test_postgres import administer

pytestmark = [pytest.mark.anyio, pytest.mark.slow, pytest.mark.parametrize("engine", ["postgres"])]

SECONDS = 10
LEASE_SECONDS = 0.6
EARLIER_CLAIM = """
    INSERT INTO event_log_lease AS lease
    VALUES (%s, %s, 1, clock_timestamp() + make_interval(secs => %s))
    ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, until = excluded.until,
        term = lease.term + (lease.holder != excluded.holder OR lease.until < now())::int
    WHERE lease.holder = excluded.holder OR lease.until < clock_timestamp()
        OR lease.until > excluded.until + make_interval(secs => %s)
    RETURNING term
"""


class Earlier:
    """A node of the version that believed the server's clock."""

    def __init__(self, connection: psycopg.AsyncConnection[tuple[int, ...]]) -> None:
        self._connection = connection

    async def claim(self, name: str, seconds: float) -> int | None:
        """Take or renew a lease."""
        values = name, "earlier", seconds, seconds
        found = await (await self._connection.execute(EARLIER_CLAIM, values)).fetchone()
        return found[0] if found else None

    async def release(self, name: str) -> None:
        """Give it back."""
        await self._connection.execute(RELEASE, (name, "earlier"))


@pytest.mark.parametrize("step", ["-1 hour", "1 hour"])
async def test_a_server_whose_clock_is_set_gives_nobodys_lease_away(
    node: Node, url: str, step: str
) -> None:
    holder, other = await node(), await node()
    assert await holder.claim("effects", 6) == 1
    assert await other.claim("effects", 6) is None

    set_clock = "UPDATE event_log_lease SET until = until + interval "
    await administer(url, f"{set_clock} '{step}'")

    assert await other.claim("effects", 6) is None
    assert await holder.claim("effects", 6) == 1


async def test_a_node_of_an_earlier_version_and_this_one_take_turns(node: Node, url: str) -> None:
    this = await node()
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        earlier = Earlier(connection)
        assert await earlier.claim("effects", LEASE_SECONDS) == 1
        for held, waiting, term in (earlier, this, 1), (this, earlier, 2):
            for _ in range(5):  # while it is renewed
                assert await held.claim("effects", LEASE_SECONDS) == term
                assert await waiting.claim("effects", LEASE_SECONDS) is None
                await asyncio.sleep(LEASE_SECONDS / 4)
            async with asyncio.timeout(SECONDS):  # and no more
                while (found := await waiting.claim("effects", LEASE_SECONDS)) is None:  # noqa: ASYNC110
                    await asyncio.sleep(LEASE_SECONDS / 4)
            assert found == term + 1
            assert await held.claim("effects", LEASE_SECONDS) is None
        await earlier.release("effects")
        assert await this.claim("effects", LEASE_SECONDS) == 4
        await this.release("effects")
        assert await earlier.claim("effects", LEASE_SECONDS) == 5


@pytest.mark.parametrize("is_released", [False, True])
async def test_a_claim_does_not_undo_what_came_in_between(
    node: Node, url: str, is_released: bool
) -> None:
    other, database = await node(), Postgres(url)
    line = Interrupted(database)
    leases = PostgresLeases(line, "this")

    async def be_faster() -> None:
        assert await other.claim("effects", 6) == 1
        if is_released:
            await other.release("effects")

    line.before[CLAIM] = be_faster

    assert await leases.claim("effects", 6) is None
    assert await leases.claim("effects", 6) == (2 if is_released else None)
    await line.close()


async def test_a_lease_that_is_renewed_at_the_last_moment_is_kept(node: Node, url: str) -> None:
    holder, line = await node(), Interrupted(Postgres(url))
    leases = PostgresLeases(line, "this")
    assert await holder.claim("effects", 60) == 1
    assert await leases.claim("effects", 0.1) is None
    await asyncio.sleep(0.1)

    async def renew() -> None:
        assert await holder.claim("effects", 60) == 1

    line.before[CLAIM] = renew

    assert await leases.claim("effects", 0.1) is None
    assert not line.before
    await line.close()
