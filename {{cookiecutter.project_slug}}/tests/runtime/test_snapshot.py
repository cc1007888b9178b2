"""A start from a snapshot is a start from the log, only shorter."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from sqlite3 import OperationalError, connect

import pytest

from app.core.effects import Cancel, Delay, Dispatch, Parallel, Run, Sequential
from app.core.ports import Attempt
from app.runtime import snapshot
from app.runtime.event_log import open_event_log, sqlite
from app.runtime.event_log.memory import MemoryLog
from app.runtime.event_log.port import Entry, EventLog, LogFull, Row
from app.runtime.event_log.sqlite import SqliteLog
from tests.runtime.tally import ME, TALLY, WORK, Add, Command, Plan, Work, open_tally

pytestmark = pytest.mark.anyio


class Counted(SqliteLog):
    """A log that counts what is read of it."""

    read_entries = 0

    async def read(self, after: int, limit: int) -> Sequence[Entry]:
        """As the port says."""
        entries = await super().read(after, limit)
        self.read_entries += len(entries)
        return entries


@pytest.fixture(autouse=True)
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    """A snapshot every ten entries, however long the last one took."""
    monkeypatch.setattr(snapshot, "REST", 0)
    monkeypatch.setattr(snapshot, "ENTRIES_BETWEEN", 10)
    monkeypatch.setattr(snapshot, "ENTRIES_AT_THE_END", 1)


async def broken(attempt: Attempt) -> Command:
    raise ValueError("no")


async def filled(event_log: EventLog) -> object:
    """A log with something of everything that a head can hold; the head."""
    WORK["broken"] = broken
    async with open_tally(event_log) as store:
        for number in range(25):
            await store.dispatch(Add(1), by=ME, id=f"id-{number}")
        later = Delay(3600, Add(1), "k")
        await store.dispatch(
            Plan(
                (
                    Run(Work("broken"), "dead"),
                    Delay(1800, Add(5)),
                    Sequential((Parallel((later, later)), Cancel("x"), Dispatch(Add(1)))),
                )
            ),
            by=ME,
        )
        async with asyncio.timeout(5):
            while not store.dead_letters():  # noqa: ASYNC110 - nobody says when
                await asyncio.sleep(0)
    return store.head


async def test_a_snapshot_gives_the_head_that_the_log_gives(tmp_path: Path) -> None:
    path = tmp_path / "e.db"
    event_log: EventLog = SqliteLog(path)
    head = await filled(event_log)
    await event_log.close()

    counted = Counted(path)
    async with open_tally(counted) as store:
        from_snapshot, read = store.head, counted.read_entries
    await counted.close()
    whole = Counted(path)
    async with open_tally(whole, replace(TALLY, fingerprint="another")) as store:
        from_log, read_whole = store.head, whole.read_entries
    await whole.close()

    assert from_snapshot == from_log == head
    assert read == 1  # the last one, to see that the snapshot is of this log
    assert read_whole > 25


async def test_a_new_version_that_has_read_the_whole_log_saves_a_snapshot_at_once(
    tmp_path: Path,
) -> None:
    path = tmp_path / "e.db"
    event_log: EventLog = SqliteLog(path)
    await filled(event_log)
    await event_log.close()
    edited = replace(TALLY, fingerprint="another")

    reads: list[int] = []
    for _ in range(2):
        counted = Counted(path)
        async with open_tally(counted, edited):
            reads.append(counted.read_entries)
        await counted.close()

    assert reads[0] > 25
    assert reads[1] == 1


async def test_starts_that_no_clean_stop_follows_come_to_a_snapshot_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was read from a snapshot on counts, and not only what one process has stored."""
    monkeypatch.setattr(snapshot, "ENTRIES_AT_THE_END", 10**9)
    reads: list[int] = []
    for _ in range(6):
        counted = Counted(tmp_path / "e.db")
        async with open_tally(counted) as store:
            reads.append(counted.read_entries)
            for _ in range(9):
                await store.dispatch(Add(1), by=ME)
        await counted.close()

    assert max(reads) < 2 * 10, reads


async def test_ids_and_effects_go_on_after_a_start_from_a_snapshot(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/e.db"
    event_log = open_event_log(url)
    await filled(event_log)
    await event_log.close()

    event_log = open_event_log(url)
    async with open_tally(event_log) as store:
        assert (await store.dispatch(Add(1), by=ME, id="id-3")).duplicate
        before = store.state
        await store.dispatch(Plan((Cancel("k"),)), by=ME)
        async with asyncio.timeout(5):
            while store.state == before:  # noqa: ASYNC110 - nobody says when
                await asyncio.sleep(0)
        assert store.state == before + 1
        assert len(store.dead_letters()) == 1
    await event_log.close()


async def test_half_a_snapshot_is_never_seen(tmp_path: Path) -> None:
    path = tmp_path / "e.db"
    event_log = SqliteLog(path)
    await filled(event_log)
    kept = await event_log.load_snapshot("tally")
    assert kept is not None

    async def half() -> AsyncIterator[Sequence[Row]]:
        yield [("total", "999")]
        raise ConnectionError("a crash")

    with pytest.raises(ConnectionError):
        await event_log.save_snapshot(10_000, "tally", half())

    assert await event_log.load_snapshot("tally") == kept
    await event_log.save_snapshot(20_000, "tally", rows_of(("total", "5")))
    assert (await event_log.load_snapshot("tally") or kept).rows == [("total", "5")]
    assert await event_log.load_snapshot("another") is None
    count = event_log._connection.execute("SELECT count(*) FROM snapshot_row").fetchone()
    assert count == (1,), "what an older snapshot left is taken away"
    await event_log.close()


async def test_a_snapshot_that_cannot_be_named_leaves_the_one_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    event_log = SqliteLog(tmp_path / "e.db")
    await event_log.save_snapshot(10, "tally", rows_of(("total", "5")))
    monkeypatch.setattr(sqlite, "INSERT_SNAPSHOT", "INSERT INTO nowhere VALUES (?, ?)")

    with pytest.raises(OperationalError):
        await event_log.save_snapshot(20, "tally", rows_of(("total", "6")))

    kept = await event_log.load_snapshot("tally")
    assert kept is not None
    assert (kept.position, kept.rows) == (10, [("total", "5")])
    await event_log.close()


async def rows_of(*rows: Row) -> AsyncIterator[Sequence[Row]]:
    yield rows


class Slow(SqliteLog):
    """A log that stores a snapshot when it is told to."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.begun, self.told = asyncio.Event(), asyncio.Event()

    async def save_snapshot(
        self, position: int, fingerprint: str, rows: AsyncIterator[Sequence[Row]]
    ) -> None:
        """As the port says, but later."""
        self.begun.set()
        await self.told.wait()
        await super().save_snapshot(position, fingerprint, rows)


async def test_commands_are_decided_while_a_snapshot_is_written(tmp_path: Path) -> None:
    event_log = Slow(tmp_path / "e.db")
    async with asyncio.timeout(5), open_tally(event_log) as store:
        for _ in range(20):
            await store.dispatch(Add(1), by=ME)
        assert event_log.begun.is_set()
        for _ in range(20):
            await store.dispatch(Add(1), by=ME)
        assert store.state == 40
        event_log.told.set()
    assert await event_log.load_snapshot("tally") is not None
    await event_log.close()


async def test_a_store_is_closed_before_its_last_snapshot_is_written(tmp_path: Path) -> None:
    """Whoever is connected is sent away first."""
    event_log = Slow(tmp_path / "e.db")
    async with asyncio.timeout(5), open_tally(event_log) as store:
        await store.dispatch(Add(1), by=ME)
        await store.close(1)
        assert await event_log.load_snapshot("tally") is None
        event_log.told.set()
    assert await event_log.load_snapshot("tally") is not None
    await event_log.close()


async def test_an_end_does_not_wait_long_for_a_snapshot(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(snapshot, "SECONDS_AT_THE_END", 0.05)
    event_log = Slow(tmp_path / "e.db")
    async with asyncio.timeout(5):
        async with open_tally(event_log) as store:
            for _ in range(20):  # one is under way already
                await store.dispatch(Add(1), by=ME)
        assert event_log.begun.is_set()
    assert await event_log.load_snapshot("tally") is None
    await event_log.close()


class FullForSnapshots(SqliteLog):
    """A log that has room for entries and for nothing else, until there is more."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.has_room, self.was_full = False, asyncio.Event()

    async def save_snapshot(
        self, position: int, fingerprint: str, rows: AsyncIterator[Sequence[Row]]
    ) -> None:
        """As the port says when there is no room."""
        if not self.has_room:
            self.was_full.set()
            raise LogFull("the disk is full")
        await super().save_snapshot(position, fingerprint, rows)


class Listed(MemoryLog):
    """A log that keeps where its snapshots were made."""

    def __init__(self) -> None:
        super().__init__()
        self.made: list[int] = []

    async def save_snapshot(
        self, position: int, fingerprint: str, rows: AsyncIterator[Sequence[Row]]
    ) -> None:
        """As the port says."""
        self.made.append(position)
        await super().save_snapshot(position, fingerprint, rows)


async def test_the_longer_the_log_the_farther_apart_are_its_snapshots() -> None:
    event_log = Listed()
    async with open_tally(event_log) as store:
        for _ in range(150):
            await store.dispatch(Add(1), by=ME)

        assert event_log.made[1] - event_log.made[0] < 20
        assert event_log.made[-1] - event_log.made[-2] > 20


class Timed(MemoryLog):
    """A log that keeps when its snapshots were begun and when they were stored."""

    def __init__(self) -> None:
        super().__init__()
        self.saves: list[tuple[float, float]] = []

    async def save_snapshot(
        self, position: int, fingerprint: str, rows: AsyncIterator[Sequence[Row]]
    ) -> None:
        """As the port says, but not at once."""
        now = asyncio.get_running_loop().time
        began = now()
        await asyncio.sleep(0.02)
        await super().save_snapshot(position, fingerprint, rows)
        self.saves.append((began, now()))


async def test_a_service_that_is_busy_does_not_write_snapshots_all_the_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(snapshot, "REST", 5)
    event_log = Timed()
    async with open_tally(event_log) as store, asyncio.timeout(20):
        while len(event_log.saves) < 3:
            await store.dispatch(Add(1), by=ME)

    first, second, third = event_log.saves[:3]
    for before, after in ((first, second), (second, third)):
        took, rested = before[1] - before[0], after[0] - before[1]
        assert rested >= 5 * took


async def test_a_snapshot_that_cannot_be_stored_stops_nobody(tmp_path: Path) -> None:
    event_log = FullForSnapshots(tmp_path / "e.db")
    async with open_tally(event_log) as store:
        for _ in range(30):
            await store.dispatch(Add(1), by=ME)
        assert store.state == 30
    await event_log.close()


async def test_a_snapshot_that_could_not_be_stored_is_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(snapshot, "ENTRIES_AFTER_A_FAILURE", 3)
    monkeypatch.setattr(snapshot, "ENTRIES_AT_THE_END", 20)
    event_log = FullForSnapshots(tmp_path / "e.db")
    async with open_tally(event_log) as store:
        for _ in range(12):  # the first one is tried at the tenth
            await store.dispatch(Add(1), by=ME)
        await event_log.was_full.wait()
        event_log.has_room = True
        for _ in range(6):
            await store.dispatch(Add(1), by=ME)
    kept = await event_log.load_snapshot("tally")
    assert kept is not None
    assert 13 <= kept.position <= 15
    await event_log.close()


async def test_the_last_snapshot_is_stored_though_the_one_before_could_not_be(
    tmp_path: Path,
) -> None:
    event_log = FullForSnapshots(tmp_path / "e.db")
    async with open_tally(event_log) as store:
        for _ in range(10):
            await store.dispatch(Add(1), by=ME)
        await event_log.was_full.wait()
        event_log.has_room = True
    kept = await event_log.load_snapshot("tally")
    assert kept is not None
    assert kept.position == 10
    await event_log.close()


async def test_a_snapshot_that_is_replaced_while_it_is_read_is_read_whole(tmp_path: Path) -> None:
    """By another process: several may share the file."""
    event_log = SqliteLog(tmp_path / "e.db", shared=True)
    await event_log.save_snapshot(10, "tally", rows_of(("head", "1"), ("total", "5")))

    def meanwhile(statement: str) -> None:
        if statement.startswith("SELECT name, json FROM snapshot_row"):
            with closing(connect(tmp_path / "e.db", isolation_level=None)) as other:
                other.execute("DELETE FROM snapshot_row WHERE name = 'head'")

    event_log._connection.set_trace_callback(meanwhile)
    kept = await event_log.load_snapshot("tally")
    event_log._connection.set_trace_callback(None)

    assert kept is not None
    assert kept.rows == [("head", "1"), ("total", "5")]
    again = await event_log.load_snapshot("tally")
    assert again is not None
    assert again.rows == [("total", "5")]
    await event_log.close()


@pytest.mark.parametrize("lost", [1, 20])
async def test_a_snapshot_of_what_the_log_has_lost_is_not_used(lost: int) -> None:
    """A server that lost the end of the log may have kept a snapshot that was saved after that."""
    event_log = MemoryLog()
    async with open_tally(event_log) as store:
        for _ in range(25):
            await store.dispatch(Add(1), by=ME)
    [kept] = event_log._snapshots
    del event_log._entries[-lost:]

    async with open_tally(event_log) as store:
        assert (store.seq, store.state) == (25 - lost, 25 - lost)
        await store.dispatch(Add(100), by=ME)
        for _ in range(lost - 1):
            await store.dispatch(Add(0), by=ME)
        at_the_end = store.state
    event_log._snapshots[:] = [kept]

    async with open_tally(event_log) as store:
        assert store.state == at_the_end == 125 - lost
