"""The Python client against the real service: it comes back, misses nothing, repeats nothing."""

import asyncio
import json
import os
import shutil
import sys
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from random import Random

import jwt
import pytest
from websockets.asyncio.server import ServerConnection, serve

import app.client
from app.client import (
    CloseCode,
    CommandError,
    Event,
    LiveClient,
    Lost,
    Snapshot,
    State,
    Stopped,
    Timing,
    connect,
)
from tests.client.wire import Wire, wire_to
from tests.service import Service

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

SECRET = "0123456789abcdefghijklmnopqrstuvwxyz"  # noqa: S105 - a test's
QUICK = Timing(first_delay=0.02, longest_delay=0.1, drain_delay=0.1)
SECONDS = 60


@pytest.fixture
async def wire(shared_service: Service) -> AsyncIterator[Wire]:
    """A wire to the service of all tests."""
    async with wire_to(shared_service.port) as found:
        yield found


def revoke(name: object) -> dict[str, dict[str, str]]:
    """A command whose event everybody hears in these tests."""
    return {"RevokeTokens": {"user_id": str(name)}}


async def next_event(client: LiveClient) -> Event:
    """What happened next."""
    async with asyncio.timeout(SECONDS):
        async for item in client:
            if isinstance(item, Event):
                return item
    raise AssertionError("the client is closed")


async def users(client: LiveClient, number: int) -> list[str]:
    """Whom the next events are about."""
    events = [await next_event(client) for _ in range(number)]
    return [event.action["TokensRevoked"]["user_id"] for event in events]  # type: ignore[index]


async def became(client: LiveClient, state: State) -> None:
    """Return when the client is in this state."""
    async with asyncio.timeout(SECONDS):
        while client.state is not state:  # noqa: ASYNC110 - told by an attribute
            await asyncio.sleep(0.01)


async def test_a_snapshot_comes_first_and_then_what_happens(shared_service: Service) -> None:
    async with connect(shared_service.url, topics=["revocation"]) as client:
        first = await anext(client)
        ack = await client.send(revoke("eve"))
        event = await next_event(client)

    assert isinstance(first, Snapshot)
    assert event.action["TokensRevoked"]["user_id"] == "eve"  # type: ignore[index]
    assert (event.seq, event.cause) == (ack.seq, ack.id)
    assert first.seq < ack.seq
    assert first.epoch == client.epoch


async def test_cut_off_again_and_again_it_does_everything_once_and_hears_everything_once(
    shared_service: Service, wire: Wire
) -> None:
    chance, names = Random(7), [f"cut-{number}" for number in range(300)]  # noqa: S311

    async with connect(wire.url, timing=QUICK) as client:
        hearing = asyncio.create_task(users(client, len(names)))
        sending = []
        for number, name in enumerate(names):
            sending.append(asyncio.create_task(client.send(revoke(name))))
            if number % 10 == 9:
                await asyncio.sleep(chance.uniform(0, 0.02))
                wire.cut()
                await asyncio.wait_for(wire.another(), SECONDS)
        acks = await asyncio.wait_for(asyncio.gather(*sending), SECONDS)
        heard = await hearing

    assert heard == names
    assert len({ack.seq for ack in acks}) == len(names)
    assert wire.connections >= len(names) / 10, "the first cut may come before there is any"


async def test_after_a_power_cut_it_goes_on_where_it_was(service: Service) -> None:
    async with connect(service.url, timing=QUICK) as client:
        await client.send(revoke("before"))
        assert await users(client, 1) == ["before"]
        service.kill()
        waiting = asyncio.create_task(client.send(revoke("meanwhile")))
        await asyncio.to_thread(service.start)
        ack = await asyncio.wait_for(waiting, SECONDS)

        assert await users(client, 1) == ["meanwhile"]
        assert ack.seq == client.seq


async def test_a_command_that_was_done_is_not_done_again_when_its_answer_was_lost(
    shared_service: Service, wire: Wire
) -> None:
    async with (
        connect(shared_service.url) as witness,
        connect(wire.url, topics=[], timing=QUICK) as client,
    ):
        assert isinstance(await anext(witness), Snapshot)  # it is there, and hears what comes
        await client.send(revoke("first"))
        assert await users(witness, 1) == ["first"]
        waiting = asyncio.create_task(client.send(revoke("once")))
        await asyncio.sleep(0)
        wire.freeze_answers()
        assert await users(witness, 1) == ["once"]
        wire.cut()
        wire.thaw()
        ack = await asyncio.wait_for(waiting, SECONDS)
        await client.send(revoke("last"))

        assert ack.duplicate
        assert await users(witness, 1) == ["last"]


async def test_what_was_done_is_not_said_to_be_too_fast_when_it_is_sent_again(
    tmp_path: Path,
) -> None:
    names = [f"fast-{number}" for number in range(20)]
    service = Service(tmp_path, APP_COMMANDS_PER_SECOND="20", APP_COMMAND_BURST="20").start()
    try:
        async with (
            wire_to(service.port) as wire,
            connect(service.url) as witness,
            connect(f"{wire.url}?user=ada&role=operator", topics=[], timing=QUICK) as client,
        ):
            await anext(witness)
            await became(client, State.LIVE)
            wire.freeze_answers()
            sending = [asyncio.create_task(client.send(revoke(name))) for name in names]
            assert await users(witness, len(names)) == names
            wire.cut()
            wire.thaw()
            acks = await asyncio.wait_for(asyncio.gather(*sending), SECONDS)
            last = await client.send(revoke("last"))
    finally:
        service.kill()

    assert all(ack.duplicate for ack in acks)
    assert last.seq == len(names) + 1


async def test_away_for_too_long_it_starts_from_a_snapshot(tmp_path: Path) -> None:
    service = Service(tmp_path, APP_RESUME_EVENTS="5").start()
    try:
        async with (
            wire_to(service.port) as wire,
            connect(service.url, topics=[]) as other,
            connect(wire.url, timing=QUICK) as client,
        ):
            assert isinstance(await anext(client), Snapshot)
            wire.freeze()
            for number in range(10):
                last = await other.send(revoke(f"away-{number}"))
            wire.cut()
            wire.thaw()
            items = [item async for item in until(client, last.seq)]
    finally:
        service.kill()

    snapshots = [item for item in items if isinstance(item, Snapshot)]
    assert [snapshot.seq for snapshot in snapshots] == [last.seq]


async def until(client: LiveClient, seq: int) -> AsyncIterator[Event | Snapshot]:
    """Every item until one has reached this position."""
    async with asyncio.timeout(SECONDS):
        async for item in client:
            yield item
            if item.seq is not None and item.seq >= seq:
                return


async def test_who_does_not_read_misses_nothing_and_holds_no_more_than_it_may(
    shared_service: Service,
) -> None:
    names = [f"slow-{number}" for number in range(3000)]

    async with (
        connect(shared_service.url, topics=[]) as other,
        connect(shared_service.url, unread=10) as client,
    ):
        await anext(client)
        await asyncio.gather(*(other.send(revoke(name)) for name in names))
        held = len(client._inbox)
        heard = await users(client, len(names))

    assert held == 10
    assert heard == names


async def test_an_answer_that_lies_behind_unread_events_comes_nevertheless(
    shared_service: Service,
) -> None:
    names = [f"behind-{number}" for number in range(100)]

    async with connect(shared_service.url, unread=10) as client:
        await anext(client)
        for name in names:
            await asyncio.wait_for(client.send(revoke(name)), SECONDS)

        assert len(client._inbox) == 10
        assert await users(client, len(names)) == names


async def test_what_is_told_a_second_time_is_not_heard_again() -> None:
    async def repeat_itself(socket: ServerConnection) -> None:
        subscribed = {"type": "subscribed", "recovered": True, "seq": 2, "epoch": "e"}
        events = [{"type": "event", "action": "Done", "seq": seq} for seq in (1, 2, 1, 2, 3)]
        await socket.recv()
        for message in (subscribed, *events):
            await socket.send(json.dumps(message))
        await socket.wait_closed()

    async with serve(repeat_itself, "127.0.0.1", 0) as server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        async with connect(url, since=0) as client:
            heard = [await next_event(client) for _ in range(3)]

    assert [event.seq for event in heard] == [1, 2, 3]


async def test_what_cannot_be_read_ends_the_connection_and_not_the_client() -> None:
    told = iter(
        ["nonsense", '{"type":"event","action":"Done","seq":"one"}', '{"type":"ack","id":[]}']
    )

    async def say(socket: ServerConnection) -> None:
        asked = json.loads(await socket.recv())
        subscribed = {"type": "subscribed", "recovered": True, "seq": 0, "epoch": "e"}
        done = {"type": "event", "action": "Done", "seq": asked["since"] + 1}
        await socket.send(json.dumps(subscribed))
        await socket.send(json.dumps(done))
        await socket.send(next(told, "{}"))
        await socket.wait_closed()

    async with serve(say, "127.0.0.1", 0) as server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        async with connect(url, since=0, epoch="e", timing=QUICK) as client:
            heard = [await next_event(client) for _ in range(4)]

    assert [event.seq for event in heard] == [1, 2, 3, 4]


async def test_a_mistake_of_its_caller_about_a_state_stops_nothing() -> None:
    async def stay(socket: ServerConnection) -> None:
        await socket.recv()
        await socket.send('{"type":"subscribed","recovered":true,"seq":0,"epoch":"e"}')
        await socket.send('{"type":"event","action":"Done","seq":1}')
        await socket.wait_closed()

    def fail(state: State) -> None:
        raise RuntimeError(f"a mistake about {state}")

    async with serve(stay, "127.0.0.1", 0) as server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        async with connect(url, since=0, on_state=fail) as client:
            event = await next_event(client)

    assert event.seq == 1


async def test_a_refusal_is_the_senders_and_the_connection_stays(shared_service: Service) -> None:
    async with connect(shared_service.url, topics=[]) as client:
        with pytest.raises(CommandError, match="user_id") as refusal:
            await client.send({"RevokeTokens": {}})
        await client.send(revoke("fine"))

        assert refusal.value.code == "invalid"


async def test_a_command_that_is_too_big_is_given_up_and_the_others_are_done(
    shared_service: Service,
) -> None:
    async with connect(shared_service.url, topics=[], timing=QUICK) as client:
        big = asyncio.create_task(client.send(revoke("x" * 100_000)))
        others = [asyncio.create_task(client.send(revoke(f"small-{n}"))) for n in range(3)]
        async with asyncio.timeout(SECONDS):
            with pytest.raises(CommandError, match="too many bytes") as refusal:
                await big
            await asyncio.gather(*others)

        assert refusal.value.code == "too_large"


async def test_silence_is_asked_whether_anybody_is_there_and_ends_the_connection(
    wire: Wire,
) -> None:
    states: list[State] = []
    timing = Timing(first_delay=0.02, ping_after=0.05, pong_within=0.5)

    async with connect(wire.url, topics=[], timing=timing, on_state=states.append) as client:
        await client.send(revoke("there"))
        await asyncio.sleep(0.3)
        assert states == [State.LIVE], "every ping was answered"
        wire.freeze()
        waiting = asyncio.create_task(client.send(revoke("back")))
        async with asyncio.timeout(SECONDS):
            while State.RECOVERING not in states:  # noqa: ASYNC110 - told by a list
                await asyncio.sleep(0.01)
        wire.thaw()
        await asyncio.wait_for(waiting, SECONDS)

    assert states[:3] == [State.LIVE, State.RECOVERING, State.LIVE]
    assert states[-1] is State.STOPPED


async def test_at_most_so_many_commands_wait_for_their_answers(wire: Wire) -> None:
    async with connect(wire.url, topics=[], outbox=5, timing=QUICK) as client:
        await client.send(revoke("connected"))
        wire.freeze()
        sending = [asyncio.create_task(client.send(revoke(number))) for number in range(20)]
        await asyncio.sleep(0)
        assert len(client._outbox) == 5
        wire.thaw()
        acks = await asyncio.wait_for(asyncio.gather(*sending), SECONDS)

    assert [ack.seq for ack in acks] == sorted(ack.seq for ack in acks)


async def test_nothing_is_left_of_it_and_what_waited_is_told(wire: Wire) -> None:
    before = asyncio.all_tasks()
    async with connect(wire.url, topics=[]) as client:
        await client.send(revoke("connected"))
        wire.freeze()
        waiting = asyncio.create_task(client.send(revoke("never answered")))
        await asyncio.sleep(0)
    with pytest.raises(CommandError, match="closed") as lost:
        await waiting
    with pytest.raises(CommandError, match="closed") as offline:
        await client.send(revoke("too late"))

    assert (lost.value.code, offline.value.code) == ("lost", "offline")
    assert client.state is State.STOPPED
    assert [item async for item in client] == []
    assert {task for task in asyncio.all_tasks() - before if "client" in task.get_name()} == set()


async def test_what_is_not_there_or_not_allowed_stops_it_with_words(
    shared_service: Service,
) -> None:
    for url, topics, words in (
        (shared_service.url, ["nonsense"], "no topic 'nonsense'"),
        (f"{shared_service.url}/elsewhere", [], "HTTP 404"),
    ):
        async with connect(url, topics=topics) as client:
            with pytest.raises(Stopped, match=words):
                async for _ in client:
                    pass
            with pytest.raises(CommandError, match=words):
                await client.send(revoke("nobody"))


def test_pauses_double_up_to_the_longest_and_a_stable_connection_ends_that() -> None:
    timing = Timing()

    assert [timing.pause(failures, CloseCode.LOST) for failures in range(7)] == [
        1, 2, 4, 8, 16, 30, 30,
    ]  # fmt: skip
    assert timing.pause(0, CloseCode.DRAINING) == 5
    assert timing.pause(10_000, CloseCode.DRAINING) == 30


def token(seconds: float, name: str = "alice", role: str = "operator") -> str:
    """A token of this test's issuer, which expires then."""
    now = time.time()
    claims = {"sub": name, "role": role, "iat": int(now), "exp": now + seconds}
    return jwt.encode(claims, SECRET, algorithm="HS256")


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service that wants to know who is there."""
    running = Service(tmp_path_factory.mktemp("guarded"), APP_JWT_SECRET=SECRET).start()
    yield running
    running.kill()


async def test_a_token_is_renewed_before_it_expires_and_nothing_is_missed(
    guarded: Service,
) -> None:
    asked, states = 0, list[State]()

    async def get_token() -> str:
        nonlocal asked
        asked += 1
        return token(1.5)

    quick = Timing(first_delay=0.1)
    async with connect(
        guarded.url, get_token=get_token, timing=quick, on_state=states.append
    ) as client:
        begun = time.monotonic()
        names = list[str]()
        while time.monotonic() < begun + 4:
            names.append(f"renewed-{len(names)}")
            await client.send(revoke(names[-1]))
            await asyncio.sleep(0.1)
        assert await users(client, len(names)) == names
        assert states == [State.LIVE], "one connection all the time"

    assert asked > 2


async def test_a_token_that_has_expired_is_renewed_once_and_then_counts_for_nothing(
    guarded: Service,
) -> None:
    tokens = [token(-60), token(60)]

    async def get_token() -> str:
        return tokens.pop(0)

    timing = Timing(first_delay=0.02)
    async with connect(guarded.url, topics=[], get_token=get_token, timing=timing) as client:
        await client.send(revoke("let in"))
    assert tokens == []

    tokens = [token(-60), token(-60), token(60)]
    async with connect(guarded.url, get_token=get_token, timing=timing) as client:
        with pytest.raises(Stopped, match="expired"):
            await anext(client)
    assert len(tokens) == 1


async def test_who_is_one_too_many_comes_in_when_the_dead_are_found(tmp_path: Path) -> None:
    service = Service(tmp_path, APP_CONNECTIONS_PER_PRINCIPAL="1", APP_PING_SECONDS="1").start()
    query = "?user=ada&role=operator"
    try:
        async with (
            wire_to(service.port) as wire,
            connect(f"{wire.url}{query}", topics=[]) as first,
        ):
            await became(first, State.LIVE)
            async with connect(f"{service.url}{query}", topics=[], timing=QUICK) as second:
                await became(second, State.RECOVERING)
                lost = second.lost
                wire.freeze()
                await became(second, State.LIVE)
                await second.send(revoke("in"))
                assert first.state is State.LIVE, "it has not noticed"
    finally:
        service.kill()

    assert lost == Lost(CloseCode.TOO_MANY_CONNECTIONS, "ada has 1 connections already")


async def test_whoever_is_sent_away_for_good_stays_away_and_knows_why(guarded: Service) -> None:
    async with (
        connect(guarded.url, topics=[], token=token(60)) as operator,
        connect(guarded.url, token=token(60, "mallory", "customer")) as client,
    ):
        assert isinstance(await anext(client), Snapshot)
        await became(client, State.LIVE)
        await operator.send(revoke("mallory"))
        with pytest.raises(Stopped, match="revoked") as stopped:
            await asyncio.wait_for(next_event(client), SECONDS)

    assert stopped.value.code == CloseCode.REVOKED


async def test_its_folder_can_be_copied_to_where_there_is_no_service(tmp_path: Path) -> None:
    shutil.copytree(Path(app.client.__file__).parent, tmp_path / "shop")
    names = "{name.partition('.')[0] for name in sys.modules}"
    needs = "{'app', 'fastapi', 'pydantic', 'starlette', 'uvicorn'}"
    script = f"import sys; from shop import connect; sys.exit(str({names} & {needs} or ''))"

    run = await asyncio.create_subprocess_exec(
        sys.executable,
        "-P",
        "-c",
        script,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        stderr=asyncio.subprocess.PIPE,
    )
    _, said = await run.communicate()

    assert said == b"\n"
