"""Stopping in order: nobody new, what is under way ends, everybody is sent away, status 0."""

import asyncio
import contextlib
import os
import signal
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.live.raw import upgraded
from tests.service import Service
from tests.talk import Talk, talk

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

DRAINING = 1012


async def stopped(service: Service) -> int:
    """Ask it to stop; its exit status."""
    return await asyncio.to_thread(service.stop)


@contextlib.asynccontextmanager
async def many(service: Service, number: int) -> AsyncIterator[list[Talk]]:
    async with contextlib.AsyncExitStack() as opened:
        yield [await opened.enter_async_context(talk(service)) for _ in range(number)]


async def test_everybody_is_sent_away_and_the_status_is_a_success(service: Service) -> None:
    async with many(service, 50) as clients:
        status = await stopped(service)

        assert [await client.closed() for client in clients] == [DRAINING] * 50
    assert status == 0


async def test_every_command_that_came_before_is_answered(service: Service) -> None:
    async with talk(service) as client, talk(service) as other:
        for number in range(40):
            action = {"RevokeTokens": {"user_id": f"user {number}"}}
            await client.say("command", action=action, id=str(number))
        stopping = asyncio.create_task(stopped(service))
        answers = await client.rest()
        heard = await other.rest()

        assert await stopping == 0
    acks = [message["id"] for message in answers if message["type"] == "ack"]
    refused = [message for message in answers if message["type"] == "error"]
    answered = acks + [message["id"] for message in refused]
    assert sorted(answered) == sorted(str(number) for number in range(40))
    assert all(message["code"] == "unavailable" for message in refused)
    assert len(heard) == len(acks), "what was acknowledged was told to everybody"


async def test_clients_that_do_not_answer_the_close_hold_up_nobody(tmp_path: Path) -> None:
    service = Service(tmp_path, APP_DRAIN_SECONDS="3").start()
    silent = [await asyncio.to_thread(upgraded, service.port) for _ in range(20)]
    try:
        async with talk(service) as polite:
            status = await asyncio.wait_for(stopped(service), 10)

            assert await polite.closed() == DRAINING
        assert status == 0
    finally:
        for peer in silent:
            peer.close()


async def test_nobody_new_is_taken_while_it_stops(tmp_path: Path) -> None:
    service = Service(tmp_path, APP_DRAIN_SECONDS="6").start()
    silent = await asyncio.to_thread(upgraded, service.port)
    kept = socket.create_connection(("127.0.0.1", service.port))  # held by nothing but keep-alive
    try:
        assert service.process is not None
        service.process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(10):
            while is_listening(service.port):  # noqa: ASYNC110 - another process decides
                await asyncio.sleep(0.02)
        assert service.process.poll() is None, "it refuses while it waits for the silent one"
        assert await asyncio.to_thread(service.process.wait, 20) == 0
    finally:
        silent.close()
        kept.close()
        service.kill()


async def test_a_second_signal_waits_for_nobody(tmp_path: Path) -> None:
    service = Service(tmp_path, APP_DRAIN_SECONDS="60").start()
    silent = await asyncio.to_thread(upgraded, service.port)
    try:
        assert service.process is not None
        service.process.send_signal(signal.SIGTERM)
        while is_listening(service.port):  # noqa: ASYNC110 - another process decides
            await asyncio.sleep(0.02)
        service.process.send_signal(signal.SIGTERM)

        assert await asyncio.to_thread(service.process.wait, 10) == 0
    finally:
        silent.close()
        service.kill()


async def test_it_stops_as_well_when_it_watches_the_code(tmp_path: Path) -> None:
    service = Service(tmp_path).start("--reload")
    try:
        async with talk(service) as client:
            status = await asyncio.wait_for(stopped(service), 20)

            assert await client.closed() == DRAINING
        assert status == 0
        assert not is_listening(service.port)
    finally:
        with contextlib.suppress(ProcessLookupError):
            assert service.process is not None
            os.kill(service.process.pid, signal.SIGKILL)


def is_listening(port: int) -> bool:
    """Whether a connection is taken at this port."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True
