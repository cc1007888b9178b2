"""An operator sees what has failed for good, and retries or discards it."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, closing
from pathlib import Path
from random import Random
from typing import Any

import httpx
import orjson
import pytest

from app.bootstrap import create_app
from app.core.effects import Dispatch
from app.core.principal import SYSTEM, Principal, Role
from app.domain import State
from app.runtime.event_log import open_event_log, read_event_log
from app.runtime.event_log.port import Entry
from app.settings import Settings
from app.wire import codec
from tests.described import client_of
from tests.simulation.features import FEATURES

pytestmark = pytest.mark.anyio

URL = "/api/v1/dead-letters"
ADA = {"X-User": "ada"}
COMMAND = FEATURES[0].command(Random(1), State(), Principal("ada", Role.OPERATOR))  # noqa: S311
EFFECTS = codec.encode_effects([Dispatch(COMMAND), Dispatch(COMMAND), Dispatch(COMMAND)])


def of_the_service(
    position: int,
    *,
    effects: str | None = None,
    continues: str | None = None,
    outcome: str | None = None,
) -> Entry:
    return Entry(
        position=position,
        time=position * 1_000_000,
        command=f"key-{position}",
        principal=SYSTEM.name,
        role=SYSTEM.role,
        cause="order-me",
        effects=effects,
        continues=continues,
        outcome=outcome,
    )


def dead(position: int, origin: str) -> Entry:
    return of_the_service(position, continues=origin, outcome=f"dead: broke at {position}")


@asynccontextmanager
async def served(
    folder: Path, *entries: Entry, **settings: Any
) -> AsyncIterator[httpx.AsyncClient]:
    """The application on a log in which this stands, or whatever was there already."""
    url = f"sqlite:///{folder / 'events.db'}"
    if entries:
        event_log = open_event_log(url)
        await event_log.append(0, entries)
        await event_log.close()
    app = create_app(Settings(event_log=url, _env_file=None, **settings))  # type: ignore[call-arg]
    async with (
        app.router.lifespan_context(app),
        client_of(app) as client,
    ):
        yield client


def three() -> Sequence[Entry]:
    """A log in which three effects were asked for, and have failed for good in another order."""
    asked = of_the_service(1, effects=EFFECTS)
    return asked, dead(2, "1.1"), dead(3, "1.0"), dead(4, "1.2")


def five_big() -> Sequence[Entry]:
    """A log in which five effects have failed for good, with many words."""
    asked = of_the_service(1, effects=codec.encode_effects([Dispatch(COMMAND)] * 5))
    why = f"dead: {'!' * 400_000}"
    died = [of_the_service(2 + n, continues=f"1.{n}", outcome=why) for n in range(5)]
    return asked, *died


async def origins(http: httpx.AsyncClient) -> list[str]:
    return [item["origin"] for item in (await http.get(URL)).json()["items"]]


async def grown(http: httpx.AsyncClient, seq: int) -> int:
    """Where the log ends, as soon as that is at `seq` or later."""
    async with asyncio.timeout(10):
        while True:
            end: int = (await http.get("/health/ready")).json()["seq"]
            if end >= seq:
                return end
            await asyncio.sleep(0)


async def test_where_all_went_well_there_are_none(http: httpx.AsyncClient) -> None:
    assert (await http.get(URL)).json() == {"items": [], "next": None}


async def test_a_dead_letter_says_what_it_is_and_why_it_is_one(tmp_path: Path) -> None:
    async with served(tmp_path, *three()) as http:
        first = (await http.get(URL)).json()["items"][0]

    assert first == {
        "origin": "1.1",
        "effect": {"Dispatch": orjson.loads(codec.encode_command(COMMAND))},
        "since": "1970-01-01T00:00:01Z",
        "attempts": 0,
        "problem": "broke at 2",
        "cause": "order-me",
    }


async def test_they_come_in_pages_those_that_failed_first_in_front(tmp_path: Path) -> None:
    async with served(tmp_path, *three()) as http:
        first = (await http.get(f"{URL}?limit=2")).json()
        second = (await http.get(f"{URL}?limit=2&after={first['next']}")).json()
        forgotten = (await http.get(f"{URL}?limit=2&after=9.9")).json()

    assert [item["origin"] for item in first["items"] + second["items"]] == ["1.1", "1.0", "1.2"]
    assert second["next"] is None
    assert forgotten == first


async def test_big_ones_come_in_shorter_pages_and_none_is_left_out(tmp_path: Path) -> None:
    async with served(tmp_path, *five_big()) as http:
        pages = [(await http.get(URL)).json()]
        while (following := pages[-1]["next"]) is not None:
            pages.append((await http.get(f"{URL}?after={following}")).json())

    found = [[item["origin"] for item in page["items"]] for page in pages]
    assert found == [["1.0", "1.1"], ["1.2", "1.3"], ["1.4"]]


async def test_what_is_read_of_them_is_counted_by_its_bytes(tmp_path: Path) -> None:
    async with served(tmp_path, *five_big(), read_bytes_per_second=65_536) as http:
        first, second = await http.get(URL), await http.get(URL)

    assert (first.status_code, second.status_code) == (200, 429)


async def test_one_that_is_retried_is_performed(tmp_path: Path) -> None:
    async with served(tmp_path, *three()) as http:
        before = await grown(http, 0)
        answer = await http.post(f"{URL}/1.1/retry")
        left = await origins(http)
        again = await http.post(f"{URL}/1.1/retry")
        await grown(http, before + 2)  # an entry that it is retried, one of what became of it

    assert (answer.status_code, answer.content) == (204, b"")
    assert left == ["1.0", "1.2"]
    assert (again.status_code, again.json()["code"]) == (404, "not_found")


async def test_one_that_is_discarded_is_gone_for_good(tmp_path: Path) -> None:
    async with served(tmp_path, *three()) as http:
        answer = await http.post(f"{URL}/1.0/discard")
        left = await origins(http)
        again = await http.post(f"{URL}/1.0/discard")
    async with served(tmp_path) as http:
        still = await origins(http)
    with closing(read_event_log(f"sqlite:///{tmp_path / 'events.db'}")) as event_log:
        ends = [entry.outcome for entry in event_log.entries() if entry.settles == "1.0"]

    assert (answer.status_code, answer.content) == (204, b"")
    assert left == still == ["1.1", "1.2"]
    assert again.status_code == 404
    assert ends == ["discarded"]


async def test_only_an_operator_sees_to_them(tmp_path: Path) -> None:
    async with served(tmp_path, *three()) as http:
        answers = [
            await http.get(URL, headers=ADA),
            await http.post(f"{URL}/1.0/retry", headers=ADA),
            await http.post(f"{URL}/1.0/discard", headers=ADA),
        ]
        left = await origins(http)

    assert [answer.status_code for answer in answers] == [403, 403, 403]
    assert answers[0].json()["message"] == "ada (customer) may not see to dead letters"
    assert left == ["1.1", "1.0", "1.2"]
