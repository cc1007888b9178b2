"""One run: the crowd comes, commands are given, everybody hears, and what it took is looked at.

Commands are given by `app.client`, as a caller would. The crowd that listens is not made of it: a
client that comes back and asks for what it missed would hide what was lost, and a thousand that
parse each event for themselves would take the CPU that the service is measured by.
"""

from __future__ import annotations

import asyncio
import resource
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from time import perf_counter, process_time
from uuid import uuid4

from websockets.client import ClientProtocol
from websockets.uri import WebSocketURI, parse_uri

from app.client import CommandError, LiveClient, State, Stopped, connect
from bench import process
from bench.listener import Ended, Listener
from bench.progress import Progress
from bench.report import Report
from bench.stream import Stream

AT_ONCE = 50
OF_ONE_ADDRESS = 20_000  # ports of one source address; Linux has 28,000
UNANSWERED = 1000
STUCK_SECONDS = 10
SPARE_FILES = 100
REFUSED = {
    429: "raise APP_CONNECTIONS_PER_ADDRESS of the service",
    503: "raise APP_MAX_CONNECTIONS of the service",
    4429: "raise APP_CONNECTIONS_PER_PRINCIPAL of the service",
    401: "give a good --token",
    4401: "give a --token that is good for longer",
    "rate_limited": "raise APP_COMMANDS_PER_SECOND and APP_COMMAND_BURST of the service",
    "forbidden": "give a --token of somebody who may, or another --command",
}


class Refused(Exception):
    """The service does not let itself be loaded like this; the message says what to change."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is asked for on the command line."""

    url: str
    connections: int
    rate: float
    seconds: float
    command: object
    token: str | None = None
    topics: Sequence[str] | None = None
    pid: int | None = None


async def load(plan: Plan, *, patience: float = STUCK_SECONDS) -> Report:
    """Carry it out; raises Refused. What nobody has heard after so many seconds is lost."""
    pid = plan.pid or process.listening(plan.url)
    stream, progress = Stream(f"load-{uuid4().hex[:8]}"), Progress()
    speaker = connect(
        plan.url,
        topics=[],
        token=plan.token,
        outbox=UNANSWERED,
        in_flight=UNANSWERED,
        tries=1,  # a limit that slows the commands down is told, and not waited for
        on_state=lambda state: _require(state, running),
    )
    try:
        first = await _connected(plan, _address(plan), 0, stream)
        first.close()  # what it made the process load is no matter of connections
        empty, begun = process.resident(pid), perf_counter()
        async with _crowd(plan, stream, progress) as crowd:
            connected = perf_counter() - begun
            full = process.resident(pid)
            async with asyncio.timeout(None) as running, speaker:
                await _begin(plan, speaker, stream, crowd, patience)
                cpu, own, begun = process.cpu(pid), process_time(), perf_counter()
                await _speak(plan, speaker, stream, progress)
                said = perf_counter() - begun
                await _quiet(stream, crowd, patience)
                took, own = perf_counter() - begun, process_time() - own
                used = process.cpu(pid)
            return Report.of(
                stream,
                crowd,
                connect_seconds=connected,
                said_seconds=said,
                seconds=took,
                pid=pid,
                held=None if empty is None or full is None else full - empty,
                server_cpu=None if cpu is None or used is None else used - cpu,
                tool_cpu=own,
            )
    except Ended as refusal:
        raise _refused(refusal.code, str(refusal)) from None
    except Stopped as refusal:
        raise _refused(refusal.code, str(refusal)) from None
    except CommandError as refusal:
        raise _refused(refusal.code, f"{refusal} ({refusal.code})") from None
    except TimeoutError:
        raise _gone(speaker) from None
    finally:
        progress.clear()


@asynccontextmanager
async def _crowd(
    plan: Plan, stream: Stream, progress: Progress
) -> AsyncIterator[Sequence[Listener]]:
    """So many clients, all of them connected."""
    _allow_files(plan.connections)
    at, crowd = _address(plan), list[Listener]()
    numbers = iter(range(plan.connections))

    async def come() -> None:
        for number in numbers:
            crowd.append(await _connected(plan, at, number, stream))
            progress.show(len(crowd) / plan.connections, f"{len(crowd)} connections")

    coming = [asyncio.create_task(come()) for _ in range(AT_ONCE)]
    try:
        await asyncio.gather(*coming)
        yield crowd
    finally:
        for task in coming:
            task.cancel()
        for listener in crowd:
            listener.close()


async def _connected(plan: Plan, at: WebSocketURI, number: int, stream: Stream) -> Listener:
    handshake = ClientProtocol(at)
    request = handshake.connect()
    if plan.token:
        request.headers["Authorization"] = f"Bearer {plan.token}"
    source = None
    if at.host.startswith("127.") and plan.connections > OF_ONE_ADDRESS:
        source = f"127.0.0.{2 + number // OF_ONE_ADDRESS}", 0
    _, listener = await asyncio.get_running_loop().create_connection(
        lambda: Listener(handshake, request, stream),
        at.host,
        at.port,
        ssl=ssl.create_default_context() if at.secure else None,
        local_addr=source,
    )
    await asyncio.wait_for(listener.opened, STUCK_SECONDS * 3)
    return listener


async def _begin(
    plan: Plan, speaker: LiveClient, stream: Stream, crowd: Sequence[Listener], patience: float
) -> None:
    """The first command, from whose event on everybody hears the same."""
    stream.asked.append(perf_counter())
    await speaker.send(plan.command, stream.id(0))  # type: ignore[arg-type]  # JSON of the caller's
    await _quiet(stream, crowd, patience)
    if not stream.ends:
        raise Refused("the command leads to no event that is heard: see --command and --topics")


async def _speak(plan: Plan, speaker: LiveClient, stream: Stream, progress: Progress) -> None:
    """Give the commands, each at its time, or as soon as the service is done with those before."""
    room, number = asyncio.Semaphore(UNANSWERED), round(plan.rate * plan.seconds)
    refusals = list[CommandError]()

    async def give(id: str) -> None:
        try:
            await speaker.send(plan.command, id)  # type: ignore[arg-type]  # as above
        except CommandError as refusal:
            refusals.append(refusal)
        finally:
            room.release()

    begun = perf_counter()
    async with asyncio.TaskGroup() as giving:
        for said in range(number):
            if refusals:
                break
            await room.acquire()
            await asyncio.sleep(begun + said / plan.rate - perf_counter())
            stream.asked.append(perf_counter())
            giving.create_task(give(stream.id(said + 1)))
            progress.show((said + 1) / number, f"{said + 1} commands")
    if refusals:
        raise refusals[0]


async def _quiet(stream: Stream, crowd: Sequence[Listener], patience: float) -> None:
    """Return when everybody has heard everything, or nobody has heard anything for a while."""
    due, heard, since = len(stream.asked) * len(crowd), -1, perf_counter()
    while heard < due and perf_counter() - since < patience:
        now = sum(listener.heard for listener in crowd)
        if now != heard:
            heard, since = now, perf_counter()
        if all(listener.ended for listener in crowd):
            return
        await asyncio.sleep(0.01)


def _address(plan: Plan) -> WebSocketURI:
    base, _, query = plan.url.partition("?")
    asked = [query] if query else []
    if plan.topics:
        asked.append(f"topics={','.join(plan.topics)}")
    place = base.rstrip("/").replace("http", "ws", 1) + "/api/v1/ws"
    return parse_uri("?".join([place, "&".join(asked)] if asked else [place]))


def _allow_files(connections: int) -> None:
    """Let this process have a file descriptor for each; raises Refused where it may not."""
    needed = connections + SPARE_FILES
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < needed:
        if hard != resource.RLIM_INFINITY and hard < needed:
            raise Refused(f"{hard} files may be open here: raise that with `ulimit -n {needed}`")
        resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))


def _require(state: State, run: asyncio.Timeout) -> None:
    """End the run when the connection that gives the commands is lost."""
    if state is State.RECOVERING:
        run.reschedule(asyncio.get_running_loop().time())


def _gone(speaker: LiveClient) -> Refused:
    words = "the connection that gives the commands was lost"
    if speaker.lost is None:
        return Refused(words)
    return _refused(speaker.lost.code, f"{words}: {speaker.lost.reason or speaker.lost.code}")


def _refused(code: int | str, words: str) -> Refused:
    return Refused(f"{words}: {REFUSED[code]}" if code in REFUSED else words)
