"""Every engine of the event log keeps the same promises."""

import asyncio
import sys
from collections import Counter
from collections.abc import AsyncIterator, Sequence

import pytest

from app.runtime.event_log import open_event_log
from app.runtime.event_log.port import (
    ANNOUNCED_BYTES,
    AnswerLost,
    Conflict,
    EventLog,
    LogUnavailable,
    Row,
    TooLarge,
)
from tests.runtime.event_log.conftest import Node
from tests.runtime.event_log.entries import entries, entry, positions, tailing, write_on
from tests.runtime.event_log.proxy import Proxy

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

WRITERS, COMMITS = 8, 12
WRITER = """
import asyncio, sys
from app.runtime.event_log import open_event_log
from tests.runtime.event_log.entries import write_on

async def main():
    log = open_event_log(sys.argv[1], shared=True)
    await log.connect()
    await write_on(log, sys.argv[2], int(sys.argv[3]))
    await log.close()

asyncio.run(main())
"""


async def test_what_is_appended_is_read_in_order(log: EventLog) -> None:
    assert await log.end() == 0
    await log.append(0, [entry(1), entry(2, settles="1/0")])
    await log.append(2, [entry(3)])

    assert list(await log.read(0, 10)) == [entry(1), entry(2, settles="1/0"), entry(3)]
    assert list(await log.read(1, 1)) == [entry(2, settles="1/0")]
    assert list(await log.read(3, 10)) == []
    assert await log.end() == 3


async def test_every_text_is_kept_as_it_is(log: EventLog) -> None:
    strange = entry(1, cause="a\0b\x1a0c\x1a 'é\u2028\U0001f4a9\\u0000")
    strange = strange._replace(event='{"é":"\\u0000\\\\u0000"}', outcome="\x1a1\0")

    await log.append(0, [strange, entry(2, cause="")])

    assert list(await log.read(0, 10)) == [strange, entry(2, cause="")]


async def test_a_commit_of_thousands_is_read_in_pieces(node: Node) -> None:
    log, other = await node(), await node()
    await log.append(0, entries(1, 3000))
    await log.append(3000, entries(3001, 3001))

    assert await positions(other) == list(range(1, 3002))
    assert [entry.position for entry in await other.read(1499, 3)] == [1500, 1501, 1502]


async def test_any_place_in_a_long_log_is_found(node: Node) -> None:
    log, other = await node(), await node()
    for end in range(0, 1400, 2):
        await log.append(end, entries(end + 1, end + 2))

    for after in 700, 3, 1397, 512, 0, 1399:
        found = await other.read(after, 2)
        assert [entry.position for entry in found] == [after + 1, after + 2][: 1400 - after]


async def test_an_append_that_expects_another_end_stores_nothing(node: Node) -> None:
    log, other = await node(), await node()
    await log.append(0, [entry(1)])

    for late in log, other:
        with pytest.raises(Conflict):
            await late.append(0, [entry(1), entry(2)])
        with pytest.raises(Conflict):
            await late.append(2, [entry(3)])

    assert list(await other.read(0, 10)) == [entry(1)]


async def test_a_node_that_was_paused_stores_nothing_stale(node: Node) -> None:
    paused, other = await node(), await node()
    await paused.append(0, [entry(1)])
    await other.append(1, [entry(2, settles="1.0")])

    with pytest.raises(Conflict):  # of a command of its own: no two decisions have one key
        await paused.append(1, [entry(2, settles="1.0")._replace(command="late")])

    assert list(await paused.read(0, 9)) == [entry(1), entry(2, settles="1.0")]


async def test_writers_at_once_leave_no_hole_and_double_nothing(node: Node) -> None:
    logs = [await node() for _ in range(WRITERS)]
    async with tailing(logs[0]) as tailed:
        async with asyncio.timeout(60):
            await asyncio.gather(
                *(write_on(log, f"w{number}", COMMITS) for number, log in enumerate(logs))
            )
        await tailed.until(2 * WRITERS * COMMITS)
    found = await logs[1].read(0, 1000)

    assert [entry.position for entry in found] == list(range(1, 2 * WRITERS * COMMITS + 1))
    assert set(Counter(entry.command for entry in found).values()) == {2}
    pairs = zip(found[::2], found[1::2], strict=True)
    assert all(one.command == two.command for one, two in pairs)
    assert tailed.positions == list(range(1, 2 * WRITERS * COMMITS + 1))


async def test_writers_in_many_processes_do_neither(url: str) -> None:
    if url == "memory://":
        pytest.skip("memory is one process's own")
    command = [sys.executable, "-W", "error", "-c", WRITER, url]
    writers = [
        await asyncio.create_subprocess_exec(*command, f"w{number}", str(COMMITS))
        for number in range(4)
    ]

    async with asyncio.timeout(60):
        assert [await writer.wait() for writer in writers] == [0] * 4
    log = open_event_log(url)
    await log.connect()
    found = await log.read(0, 1000)
    await log.close()
    assert [entry.position for entry in found] == list(range(1, 8 * COMMITS + 1))
    assert set(Counter(entry.command for entry in found).values()) == {2}


async def test_a_tail_gives_what_every_node_appends(node: Node) -> None:
    log, other = await node(), await node()
    await log.append(0, entries(1, 2))

    async with tailing(log, 1) as tailed, tailing(other, 0) as from_the_start:
        await tailed.until(2)
        await log.append(2, entries(3, 4))
        await tailed.until(4)
        await other.append(4, entries(5, 6))
        await log.append(6, entries(7, 7))
        await tailed.until(7)
        await from_the_start.until(7)

    assert tailed.positions == [2, 3, 4, 5, 6, 7]
    assert from_the_start.positions == [1, 2, 3, 4, 5, 6, 7]


async def test_all_nodes_know_one_epoch_and_another_log_has_another(node: Node, url: str) -> None:
    log, other = await node(), await node()
    another = open_event_log("memory://")

    assert log.epoch == other.epoch != another.epoch
    assert len(log.epoch) >= 16


async def rows_of(*rows: Row) -> AsyncIterator[Sequence[Row]]:
    for row in rows:
        yield [row]


async def test_half_a_snapshot_is_never_seen(node: Node) -> None:
    log, other = await node(), await node()
    big = '"' + "é" * 200_000 + '"'

    async def half() -> AsyncIterator[Sequence[Row]]:
        yield [("total", big)]
        assert await other.load_snapshot("tally") is None
        raise ConnectionError("a crash")

    assert await log.load_snapshot("tally") is None
    with pytest.raises(ConnectionError):
        await log.save_snapshot(10, "tally", half())
    assert await other.load_snapshot("tally") is None

    await log.save_snapshot(20, "tally", rows_of(("total", big), ("a", "[1]"), ("a", "[2]")))
    kept = await other.load_snapshot("tally")
    assert kept is not None
    assert (kept.position, list(kept.rows)) == (20, [("total", big), ("a", "[1]"), ("a", "[2]")])
    await other.save_snapshot(30, "more", rows_of(("total", "6")))
    assert await log.load_snapshot("tally") is None
    newest = await log.load_snapshot("more")
    assert await log.load_snapshot(None) == newest
    assert newest is not None
    assert (newest.position, list(newest.rows)) == (30, [("total", "6")])


@pytest.mark.parametrize("fingerprint", ["tally", "edited"])
async def test_a_snapshot_takes_the_place_of_one_at_the_same_position(
    node: Node, fingerprint: str
) -> None:
    log, other = await node(), await node()
    await log.save_snapshot(10, "tally", rows_of(("total", "1"), ("a", "[1]"), ("a", "[2]")))

    await other.save_snapshot(10, fingerprint, rows_of(("total", "2"), ("a", "[3]")))

    assert await seen(log) == (10, fingerprint, [("total", "2"), ("a", "[3]")])


@pytest.mark.parametrize("rows_before_the_crash", [0, 1, 2])
async def test_half_a_snapshot_at_the_same_position_is_never_seen(
    node: Node, rows_before_the_crash: int
) -> None:
    log, other = await node(), await node()
    await log.save_snapshot(10, "tally", rows_of(("total", "1"), ("a", "[1]")))
    old = 10, "tally", [("total", "1"), ("a", "[1]")]

    async def half() -> AsyncIterator[Sequence[Row]]:
        for number in range(rows_before_the_crash):
            yield [("a", f"[{number + 5}]")]
            assert await seen(other) in (old, None)
        raise ConnectionError("a crash")

    with pytest.raises(ConnectionError):
        await log.save_snapshot(10, "edited", half())
    assert await seen(other) in (old, None)

    await other.save_snapshot(10, "edited", rows_of(("total", "3")))
    assert await seen(log) == (10, "edited", [("total", "3")])


@pytest.mark.parametrize("position", [10, 20])
async def test_of_two_who_save_at_once_one_is_seen_whole(node: Node, position: int) -> None:
    slow, quick = await node(), await node()
    has_begun, goes_on = asyncio.Event(), asyncio.Event()

    async def paused() -> AsyncIterator[Sequence[Row]]:
        yield [("total", "1")]
        has_begun.set()
        await goes_on.wait()
        yield [("a", "[1]")]

    slowly = asyncio.create_task(slow.save_snapshot(10, "tally", paused()))
    async with asyncio.timeout(10):
        await has_begun.wait()
        rows = rows_of(("total", "2"), ("a", "[2]"))
        quickly = asyncio.create_task(quick.save_snapshot(position, "edited", rows))
        await asyncio.wait([quickly], timeout=0.5)  # one engine lets them take turns
        goes_on.set()
        ends = await asyncio.gather(slowly, quickly, return_exceptions=True)

    assert {type(end) for end in ends} <= {type(None), LogUnavailable}
    assert await seen(slow) in [
        (10, "tally", [("total", "1"), ("a", "[1]")]),
        (position, "edited", [("total", "2"), ("a", "[2]")]),
    ]


async def seen(log: EventLog) -> tuple[int, str, list[Row]] | None:
    """The snapshot that there is, whoever has written it."""
    found = await log.load_snapshot(None)
    return None if found is None else (found.position, found.fingerprint, list(found.rows))


async def test_announcements_reach_the_other_nodes_alone(node: Node) -> None:
    log, others = await node(), [await node(), await node()]
    heard = [announced.announcements() for announced in (log, *others)]
    long = "é\0\x1a1" * (ANNOUNCED_BYTES // 5)

    for text in "first", "", long:
        await log.announce(text)
    async with asyncio.timeout(10):
        for texts in heard[1:]:
            assert [await anext(texts) for _ in range(3)] == ["first", "", long]
        await others[0].announce("last")
        assert await anext(heard[0]) == "last"
        assert await anext(heard[2]) == "last"
    with pytest.raises(TooLarge):
        await log.announce(long + "xxxxxx")


async def test_a_burst_of_announcements_is_heard_in_order(node: Node) -> None:
    log, other = await node(), await node()
    heard = other.announcements()

    for number in range(300):
        await log.announce(str(number))

    async with asyncio.timeout(10):
        assert [await anext(heard) for _ in range(300)] == [str(number) for number in range(300)]


async def test_a_lease_has_one_holder_and_its_terms_grow(node: Node) -> None:
    first, second = await node(), await node()

    term = await first.claim("effects", 0.5)
    assert term is not None
    assert await second.claim("effects", 0.5) is None
    assert await first.claim("effects", 0.5) == term
    assert await second.claim("another", 5) is not None

    # Nobody renews it: as if the node had died.
    async with asyncio.timeout(5):
        while (later := await second.claim("effects", 0.5)) is None:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    assert later > term
    assert await first.claim("effects", 0.5) is None

    await first.release("effects")
    assert await first.claim("effects", 0.5) is None
    await second.release("effects")
    last = await first.claim("effects", 0.5)
    assert last is not None
    assert last > later


async def test_many_nodes_that_want_a_lease_get_one(node: Node) -> None:
    nodes = [await node() for _ in range(6)]

    terms = await asyncio.gather(*(log.claim("effects", 20) for log in nodes))

    assert len([term for term in terms if term is not None]) == 1


def through(line: Proxy, url: str) -> str:
    """The same address, by a line that can be cut."""
    begin, _, rest = url.partition("@127.0.0.1:")
    return f"{begin}@127.0.0.1:{line.port}/{rest.partition('/')[2]}"


async def test_a_tail_goes_on_after_a_lost_connection(node: Node, line: Proxy, url: str) -> None:
    log, far = await node(), open_event_log(through(line, url))
    await far.connect()
    end = 0
    async with tailing(far) as tailed:
        for _ in range(3):
            await log.append(end, entries(end + 1, end + 3))
            await tailed.until(end + 3)
            await line.cut()
            await log.append(end + 3, entries(end + 4, end + 5))
            with pytest.raises(LogUnavailable, match=rf"127\.0\.0\.1:{line.port}") as problem:
                await far.read(0, 1)
            assert "secret" not in str(problem.value)
            await line.open()
            end += 5
            await tailed.until(end)
        heard = far.announcements()
        async with asyncio.timeout(20):
            while not await said(log, heard):
                pass
    await far.close()

    assert tailed.positions == list(range(1, end + 1))


async def said(log: EventLog, heard: AsyncIterator[str]) -> bool:
    """Whether the other node hears what this one announces now."""
    await log.announce("are you there?")
    hearing = asyncio.ensure_future(anext(heard))
    done, _ = await asyncio.wait([hearing], timeout=0.5)
    if not done:
        hearing.cancel()
    await asyncio.wait([hearing])
    return bool(done)


async def test_an_append_without_a_line_stores_nothing(node: Node, line: Proxy, url: str) -> None:
    log, far = await node(), open_event_log(through(line, url))
    await far.connect()
    await line.cut()

    with pytest.raises((LogUnavailable, AnswerLost)):
        await far.append(0, entries(1, 2))
    with pytest.raises(LogUnavailable):
        await far.append(0, entries(1, 2))
    with pytest.raises(LogUnavailable):
        await far.claim("effects", 5)

    await line.open()
    async with asyncio.timeout(20):
        while True:
            try:
                await far.append(0, entries(1, 1))
                break
            except LogUnavailable:
                await asyncio.sleep(0.02)
    assert await positions(log) == [1]
    await far.close()


async def test_an_append_whose_answer_is_lost_is_there_when_the_log_is_read(
    node: Node, line: Proxy, url: str
) -> None:
    log, far = await node(), open_event_log(through(line, url))
    await far.connect()
    await far.append(0, entries(1, 1))
    line.answers = False

    with pytest.raises(AnswerLost) as problem:
        await far.append(1, entries(2, 3))

    assert "secret" not in str(problem.value)
    line.answers = True
    await line.open()
    async with asyncio.timeout(20):
        while True:
            try:
                found = await far.read(1, 10)
                break
            except LogUnavailable:
                await asyncio.sleep(0.02)
    assert list(found) == entries(2, 3)
    await far.append(3, entries(4, 4))
    assert await positions(log) == [1, 2, 3, 4]
    await far.close()


async def test_an_append_on_its_way_never_comes_once_the_log_was_read(
    node: Node, line: Proxy, url: str
) -> None:
    log, far = await node(), open_event_log(through(line, url))
    await far.connect()
    await far.append(0, entries(1, 1))
    line.hold()

    with pytest.raises(AnswerLost):
        await far.append(1, entries(2, 3))
    async with asyncio.timeout(20):
        while True:
            try:
                found = await far.read(1, 10)
                break
            except LogUnavailable:
                await asyncio.sleep(0.02)
    await line.let_go()

    assert list(found) == []
    assert await positions(log) == [1]
    await log.append(1, entries(2, 2))
    await far.append(2, entries(3, 3))
    assert await positions(log) == [1, 2, 3]
    await far.close()


async def test_an_engine_that_is_down_is_named_without_its_password(line: Proxy, url: str) -> None:
    await line.cut()
    log = open_event_log(through(line, url))

    with pytest.raises(LogUnavailable, match=rf"127\.0\.0\.1:{line.port}") as problem:
        await log.connect()

    assert "secret" not in str(problem.value)
    await line.open()
    await log.connect()
    await log.append(0, entries(1, 1))
    await log.close()
