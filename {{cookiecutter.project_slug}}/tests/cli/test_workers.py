"""Several workers on one port and one file: started, killed, stopped, and never left behind."""

import asyncio
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from websockets.exceptions import ConnectionClosed

from tests.live.raw import upgraded
from tests.service import ASIDE, environment
from tests.talk import Talk, talk
from tests.workers import Workers

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="several workers need Linux"),
]

CLIENTS = 24
DRAINING = 1012


@pytest.fixture
def temporary() -> Iterator[Path]:
    """Where what they share lies; a short path, for it is a socket's too."""
    with TemporaryDirectory(dir="/tmp") as folder:
        yield Path(folder)


@pytest.fixture
def workers(tmp_path: Path, temporary: Path) -> Iterator[Workers]:
    """Two of them."""
    running = Workers(tmp_path, 2, APP_DRAIN_SECONDS="4", TMPDIR=str(temporary)).start()
    yield running
    running.end()


@asynccontextmanager
async def clients_of(service: Workers, count: int = CLIENTS) -> AsyncIterator[list[Talk]]:
    async with AsyncExitStack() as opened:
        yield [await opened.enter_async_context(talk(service)) for _ in range(count)]


def refused(*arguments: str, **settings: str) -> str:
    """What is said by a service that does not start."""
    ended = subprocess.run(  # noqa: S603 - what a test asks for
        [sys.executable, "-m", "app", *arguments],
        cwd=ASIDE,
        env=environment(**{"APP_PORT": "0", **settings}),
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert ended.returncode != 0
    assert "Traceback" not in ended.stderr
    return ended.stderr


def counts_in(temporary: Path) -> list[Path]:
    """The files in which workers count, and have left."""
    return list(temporary.glob("metrics-*"))


@pytest.mark.parametrize(
    ("arguments", "settings", "words"),
    [
        (["--workers", "2"], {"APP_EVENT_LOG": "memory://"}, "APP_EVENT_LOG is memory://, which"),
        (["serve"], {"APP_WORKERS": "2", "APP_EVENT_LOG": "memory://"}, "memory://, which one"),
        (["--workers", "3"], {"APP_ENV": "production"}, "cannot start: "),
        (["--workers", "3"], {"APP_DRAIN_SECONDS": "-1"}, "APP_DRAIN_SECONDS is '-1'"),
        (["--workers", "0"], {}, "'0': a number of workers is a whole number from 1 to 256"),
        (["serve", "--workers", "2", "--reload"], {}, "--reload is for one process"),
        (["--reload", "serve", "--workers", "2"], {}, "--reload is for one process"),
    ],
)
def test_what_cannot_be_is_refused_in_words_and_once(
    tmp_path: Path, arguments: list[str], settings: dict[str, str], words: str
) -> None:
    said = refused(*arguments, **{"APP_EVENT_LOG": f"sqlite:///{tmp_path}/e.db", **settings})

    assert said.count(words) == 1


def test_a_folder_that_is_no_place_for_sockets_is_refused_in_words_and_once(tmp_path: Path) -> None:
    long = tmp_path / ("long" * 25)
    long.mkdir()
    settings = {"APP_EVENT_LOG": f"sqlite:///{tmp_path}/e.db", "TMPDIR": str(long)}

    assert refused("--workers", "2", **settings).count("set TMPDIR to a short path") == 1


def test_a_port_and_a_file_in_use_are_refused_once_to_workers_and_to_a_single_service(
    workers: Workers, tmp_path: Path
) -> None:
    port = {"APP_PORT": str(workers.port)}
    other = {"APP_EVENT_LOG": f"sqlite:///{tmp_path}/other.db"}

    assert refused("--workers", "2", **port, **other).count("Address already in use") == 1
    assert refused(**port, **other).count("Address already in use") == 1
    assert refused(APP_EVENT_LOG=workers.event_log).count("is in use by another process") == 1


@pytest.mark.parametrize(("count", "least"), [(2, 420), (4, 180)])
async def test_long_lived_connections_are_spread_evenly(
    tmp_path: Path, count: int, least: int
) -> None:
    service = Workers(tmp_path, count).start()
    try:
        before = service.sockets()
        async with clients_of(service, 1000):
            spread = [now - then for now, then in zip(service.sockets(), before, strict=True)]
        assert sum(spread) == 1000
        assert min(spread) >= least, spread
    finally:
        service.end()


async def test_a_worker_is_killed_and_only_its_clients_come_back_and_miss_nothing(
    workers: Workers,
) -> None:
    async with clients_of(workers) as clients:
        await clients[0].command({"RevokeTokens": {"user_id": "first"}})
        # The acknowledgement is one worker's: the other hears of the event a moment later.
        heard = [(await client.hear())["seq"] for client in clients[1:]]
        killed = await asyncio.to_thread(workers.end_one, 1, signal.SIGKILL)
        gone, here = [], []
        for client in clients:
            try:
                await client.heard()
                here.append(client)
            except ConnectionClosed:
                gone.append(client)
        assert gone
        assert here
        await here[0].command({"RevokeTokens": {"user_id": "second"}})
        for client in here[1:]:
            (event,) = await client.heard()
            assert event["action"]["TokensRevoked"]["user_id"] == "second"
        for _ in gone:
            async with talk(workers, topics="revocation", since=heard[0]) as back:
                subscribed, event = await back.hear(), await back.hear()
                assert subscribed["recovered"] is True
                assert event["action"]["TokensRevoked"]["user_id"] == "second"
        await asyncio.to_thread(workers.until, lambda: len(workers.started()) == 3)
        assert workers.pid_of(1) != killed


async def test_a_stop_drains_all_workers_and_is_a_success(
    workers: Workers, temporary: Path
) -> None:
    async with clients_of(workers) as clients:
        status = await asyncio.to_thread(workers.stop)

        assert [await client.closed() for client in clients] == [DRAINING] * CLIENTS
    assert status == 0
    assert workers.nobody_is_left()
    assert counts_in(temporary) == []


async def test_a_signal_that_everybody_gets_is_no_haste(workers: Workers) -> None:
    """As a terminal sends it to all, and systemd to a control group."""
    with ExitStack() as opened:
        for _ in range(CLIENTS):
            opened.enter_context(upgraded(workers.port))  # they do not answer the close
        for worker in 1, 2, 1, 2:
            workers.end_one(worker, signal.SIGINT)
            await asyncio.sleep(0.05)  # two at the same moment are one
        assert workers.process is not None
        workers.process.send_signal(signal.SIGINT)

        assert await asyncio.to_thread(workers.process.wait, 20) == 0
    assert "some clients did not answer the close" in workers.words(), "they were waited for"


async def test_a_worker_that_is_stopped_drains_and_another_takes_its_place(
    workers: Workers,
) -> None:
    async with clients_of(workers) as clients:
        workers.end_one(2, signal.SIGTERM)
        await asyncio.to_thread(workers.until, lambda: len(workers.started()) == 3)

        ended = [client for client in clients if client.socket.close_code is not None]
        assert {await client.closed() for client in ended} == {DRAINING}
        assert 0 < len(ended) < CLIENTS
    assert await asyncio.to_thread(workers.stop) == 0


async def test_when_the_parent_is_killed_nobody_is_left(workers: Workers, temporary: Path) -> None:
    async with clients_of(workers) as clients:
        workers.kill()

        async with asyncio.timeout(20):
            assert [await client.closed() for client in clients] == [DRAINING] * CLIENTS
        await asyncio.to_thread(workers.until, workers.nobody_is_left)
    assert counts_in(temporary) == []
    assert refused("--workers", "2", APP_EVENT_LOG="memory://", APP_PORT=str(workers.port)).count(
        "memory://"
    )


async def test_when_a_worker_dies_again_and_again_all_is_given_up(workers: Workers) -> None:
    for number in range(5):
        await asyncio.to_thread(workers.until, lambda: len(workers.started()) == 2 + number)  # noqa: B023
        workers.end_one(2, signal.SIGKILL)

    assert workers.process is not None
    assert await asyncio.to_thread(workers.process.wait, 20) == 1
    assert workers.words().count("worker 2 ended soon, 5 times in a row: status -9") == 1
    assert workers.nobody_is_left()


async def test_a_worker_that_is_stuck_is_ended_and_another_takes_its_place(
    workers: Workers,
) -> None:
    stuck = workers.end_one(1, signal.SIGSTOP)

    await asyncio.to_thread(workers.until, lambda: len(workers.started()) == 3)
    assert workers.pid_of(1) != stuck
    assert workers.words().count("a worker is stuck: it is ended") == 1
