"""The limits of the real service: what a client is told, at both doors, and how it goes on."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.service import Service

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

COMMANDS = "/api/v1/commands"
ADA = "user=ada&role=operator"
SLOW = {"APP_COMMANDS_PER_SECOND": "0.01", "APP_COMMAND_BURST": "2"}
TURNED_AWAY = 4429


@asynccontextmanager
async def serving(
    folder: Path, **settings: str
) -> AsyncIterator[tuple[Service, httpx.AsyncClient]]:
    """The service with these settings, and a client of it."""
    running = await asyncio.to_thread(Service(folder, **settings).start)
    try:
        async with httpx.AsyncClient(base_url=running.url) as http:
            yield running, http
    finally:
        await asyncio.to_thread(running.kill)


async def send(http: httpx.AsyncClient, query: str = "", **headers: str) -> httpx.Response:
    """A command that every starter has, by HTTP."""
    body = {"RevokeTokens": {"user_id": "mallory"}}
    return await http.post(f"{COMMANDS}?{query}", json=body, headers=headers)


async def send_by_socket(ws: ClientConnection, id: str) -> Any:
    """The same by the socket; what it is answered."""
    action = {"RevokeTokens": {"user_id": "mallory"}}
    await ws.send(json.dumps({"type": "command", "id": id, "action": action}))
    async with asyncio.timeout(10):
        while (answer := json.loads(await ws.recv())).get("id") != id:
            pass
    return answer


async def test_whoever_reads_too_much_is_told_when_to_come_back_and_others_read_on(
    tmp_path: Path,
) -> None:
    bob, read = "user=bob&role=operator", "/api/v1/revocations?limit=1000"
    async with serving(tmp_path, APP_READ_BYTES_PER_SECOND="65536") as (_, http):
        for number in range(300):
            revoke = {"RevokeTokens": {"user_id": f"user-{number}"}}
            assert (await http.post(COMMANDS, json=revoke)).is_success
        async with asyncio.timeout(20):
            while (answer := await http.get(f"{read}&{ADA}")).is_success:
                known = {"If-None-Match": answer.headers["ETag"]}
        other = await http.get(f"{read}&{bob}")
        await asyncio.sleep(int(answer.headers["Retry-After"]))
        unchanged = await http.get(f"{read}&{ADA}", headers=known)

    assert (answer.status_code, answer.json()["code"]) == (429, "rate_limited")
    assert (other.status_code, unchanged.status_code) == (200, 304)


async def test_a_sender_that_is_too_fast_is_told_when_to_come_back_and_is_heard_then(
    tmp_path: Path,
) -> None:
    bucket = {"APP_COMMANDS_PER_SECOND": "1", "APP_COMMAND_BURST": "2"}
    async with serving(tmp_path, **bucket) as (_, http):
        answers = [await send(http)]
        while answers[-1].status_code == 200 and len(answers) < 1000:
            answers.append(await send(http))
        refused = answers.pop()
        before = (await http.get("/api/v1/snapshot")).json()["seq"]
        await asyncio.sleep(float(refused.headers["Retry-After"]))
        again = await send(http)

        assert refused.status_code == 429
        assert refused.headers["Retry-After"] == "1"
        assert refused.json() == {
            "type": "error",
            "message": "too fast: 2 commands at once and 1 a second at most",
            "code": "rate_limited",
            "retry_after": 1,
        }
        assert before == len(answers) >= 2  # what was refused has not reached the Store
        assert again.json()["seq"] == before + 1


async def test_the_two_doors_count_together_and_refuse_in_the_same_words(tmp_path: Path) -> None:
    async with (
        serving(tmp_path, **SLOW) as (running, http),
        connect(f"{running.ws}/ws?{ADA}") as ws,
    ):
        first = await send(http, ADA)
        second = await send_by_socket(ws, "second")
        third = await send_by_socket(ws, "third")
        by_http = await send(http, ADA)
        other = await send(http, "user=bob&role=operator")

        assert (first.status_code, second["type"]) == (200, "ack")
        assert third == {**by_http.json(), "id": "third"}
        assert (by_http.status_code, third["code"]) == (429, "rate_limited")
        assert other.status_code == 200


async def test_whoever_is_anonymous_shares_with_its_address_over_all_its_connections(
    tmp_path: Path,
) -> None:
    async with (
        serving(tmp_path, **SLOW) as (running, _),
        connect(f"{running.ws}/ws") as one,
        connect(f"{running.ws}/ws") as two,
    ):
        answers = [await send_by_socket(ws, f"{n}") for n, ws in enumerate((one, two, one))]

        assert [answer["type"] for answer in answers] == ["ack", "ack", "error"]


async def test_an_operators_say_on_dead_letters_counts_as_a_command(tmp_path: Path) -> None:
    async with serving(tmp_path, **SLOW) as (_, http):
        deeds = ("retry", "discard", "retry", "discard")
        answers = [await http.post(f"/api/v1/dead-letters/1/{deed}") for deed in deeds]

        assert [answer.status_code for answer in answers] == [404, 404, 429, 429]


async def test_a_pong_that_was_asked_for_is_not_counted(tmp_path: Path) -> None:
    asking = SLOW | {"APP_COMMAND_BURST": "1", "APP_PING_SECONDS": "1"}
    async with (
        serving(tmp_path, **asking) as (running, _),
        connect(f"{running.ws}/ws?ping=json") as ws,
        asyncio.timeout(20),
    ):
        heard = []
        for _ in range(3):
            heard.append(json.loads(await ws.recv())["type"])
            await ws.send('{"type":"pong"}')
        for _ in range(2):
            await ws.send('{"type":"pong"}')
        unasked = json.loads(await ws.recv())

    assert heard == ["ping"] * 3
    assert unasked["code"] == "rate_limited"


async def test_reading_is_not_counted(tmp_path: Path) -> None:
    async with serving(tmp_path, **SLOW) as (_, http):
        statuses = {(await http.get("/api/v1/snapshot")).status_code for _ in range(20)}

        assert statuses == {200}


async def test_a_forwarded_address_counts_for_a_client_only_behind_a_trusted_proxy(
    tmp_path: Path,
) -> None:
    one = {**SLOW, "APP_COMMAND_BURST": "1"}
    (tmp_path / "direct").mkdir()
    forwarded = ("203.0.113.1", "203.0.113.2", "198.51.100.9, 203.0.113.1")
    async with serving(tmp_path, **one, APP_TRUSTED_PROXIES="127.0.0.1") as (_, http):
        behind = [await send(http, **{"X-Forwarded-For": each}) for each in forwarded]
    async with serving(tmp_path / "direct", **one) as (_, http):
        direct = [await send(http, **{"X-Forwarded-For": each}) for each in forwarded]

    assert [answer.status_code for answer in behind] == [200, 200, 429]
    assert [answer.status_code for answer in direct] == [200, 429, 429]


async def test_of_a_hundred_sockets_at_once_exactly_as_many_as_allowed_come_in(
    tmp_path: Path,
) -> None:
    async with (
        serving(tmp_path, APP_CONNECTIONS_PER_ADDRESS="60") as (running, http),
        AsyncExitStack() as opened,
    ):
        outcomes = await _open(100, opened, running)
        refused = await http.get("/api/v1/events")

        assert Counter(outcomes) == {101: 60, 429: 40}
        assert refused.status_code == 429
        assert refused.json()["message"] == "127.0.0.1 has 60 connections already"
        assert int(refused.headers["Retry-After"]) >= 1


async def test_when_all_have_gone_as_many_may_come_again(tmp_path: Path) -> None:
    async with serving(tmp_path, APP_CONNECTIONS_PER_ADDRESS="20") as (running, _):
        for _ in range(5):
            async with AsyncExitStack() as opened, asyncio.timeout(20):
                count = 0
                while count < 20:  # some of those before may be on their way out
                    count += (await _open(30, opened, running)).count(101)

                assert count == 20
                assert await _open(30, opened, running) == [429] * 30


async def test_of_thirty_sockets_of_one_principal_exactly_as_many_as_allowed_stay(
    tmp_path: Path,
) -> None:
    async with (
        serving(tmp_path, APP_CONNECTIONS_PER_PRINCIPAL="10") as (running, http),
        AsyncExitStack() as opened,
    ):
        sockets = await asyncio.gather(
            *(opened.enter_async_context(connect(f"{running.ws}/ws?{ADA}")) for _ in range(30))
        )
        answers = await asyncio.gather(*(_ping(ws) for ws in sockets))
        stream = await http.get(f"/api/v1/events?{ADA}")
        bob = await opened.enter_async_context(connect(f"{running.ws}/ws?user=bob"))

        assert Counter(answers) == {"pong": 10, TURNED_AWAY: 20}
        assert (stream.status_code, stream.json()["code"]) == (429, "rate_limited")
        assert await _ping(bob) == "pong"

        await sockets[answers.index("pong")].close()
        async with asyncio.timeout(20):  # until the one that has gone is seen to have
            while (
                await _ping(await opened.enter_async_context(connect(f"{running.ws}/ws?{ADA}")))
                != "pong"
            ):
                pass


async def test_a_full_process_takes_neither_sockets_nor_streams_but_still_commands(
    tmp_path: Path,
) -> None:
    async with (
        serving(tmp_path, APP_MAX_CONNECTIONS="2") as (running, http),
        connect(f"{running.ws}/ws"),
        http.stream("GET", "/api/v1/events") as stream,
    ):
        assert stream.status_code == 200
        with pytest.raises(InvalidStatus) as taken:
            await connect(f"{running.ws}/ws").__aenter__()
        refused = await http.get("/api/v1/events")
        command = await send(http)

        assert taken.value.response.status_code == refused.status_code == 503
        assert int(taken.value.response.headers["Retry-After"]) >= 1
        assert json.loads(taken.value.response.body) == refused.json()
        assert refused.json()["code"] == "unavailable"
        assert command.status_code == 200


async def _open(count: int, opened: AsyncExitStack, running: Service) -> list[int]:
    """Open so many sockets at once, which stay; the status of each answer."""
    return await asyncio.gather(*(_opened(opened, f"{running.ws}/ws") for _ in range(count)))


async def _opened(opened: AsyncExitStack, url: str) -> int:
    try:
        await opened.enter_async_context(connect(url))
    except InvalidStatus as refusal:
        return refusal.response.status_code
    return 101


async def _ping(ws: ClientConnection) -> str | int:
    """Whether it is answered, or the code that it was closed with."""
    try:
        await ws.send('{"type":"ping"}')
        async with asyncio.timeout(10):
            return str(json.loads(await ws.recv())["type"])
    except ConnectionClosed as closed:
        return closed.rcvd.code if closed.rcvd else 1006
