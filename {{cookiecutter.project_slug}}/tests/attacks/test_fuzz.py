"""Random conversations: every message with an id is answered once, and others notice nothing."""

import asyncio
import json
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from websockets.asyncio.client import connect

from tests.access.keys import SECRET, signed
from tests.attacks.watch import at_rest, faults
from tests.live.transport.peer import (
    BINARY,
    CLOSE,
    CONTINUATION,
    PING,
    PONG,
    TEXT,
    Frame,
    Peer,
    frame,
    goodbye,
    upgraded,
)
from tests.service import Service
from tests.talk import Talk

# Those of RFC 6455 that the service uses for this, and 3000, which the client says by itself.
EXPECTED = {None, 1000, 1002, 1007, 1008, 1009, 3000, 4501}
GOOD = signed(sub="fuzz", role="operator")
REVOKE = {"RevokeTokens": {"user_id": "mallory"}}


class Step(NamedTuple):
    """What the client says next, and the id, if it has one, that the answer must have."""

    frame: bytes
    id: str | None = None


def said(message: object, key: str | None = None) -> Step:
    return Step(frame(TEXT, json.dumps(message).encode()), key)


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=10,
)
actions = st.text("abc-_:", min_size=1, max_size=8).map(
    lambda name: {"RevokeTokens": {"user_id": name}}
)
topics = st.lists(
    st.sampled_from(["revocation", "evil", "revocation:x", ""]) | st.text(max_size=140), max_size=5
)
steps = st.one_of(
    st.builds(
        lambda key, action: said({"type": "command", "id": str(key), "action": action}, str(key)),
        st.uuids(version=4),
        actions | actions | json_values,
    ),
    st.just(said({"type": "ping"})),
    st.just(said({"type": "pong"})),
    st.builds(
        lambda topics, since, epoch: said(
            {"type": "subscribe", "topics": topics, "since": since, "epoch": epoch}
        ),
        topics | st.none() | json_values,
        st.integers(0, 30) | st.none() | json_values,
        st.none() | st.text(max_size=70),
    ),
    st.sampled_from([GOOD, GOOD, GOOD, signed(sub="other"), "rubbish", ""]).map(
        lambda token: said({"type": "auth", "token": token})
    ),
    json_values.map(said),
    st.dictionaries(
        st.sampled_from(["type", "action", "topics", "since", "token"]), json_values
    ).map(said),
    st.binary(max_size=40).map(lambda data: Step(frame(TEXT, data))),
    st.builds(
        lambda opcode, data, fin: Step(frame(opcode, data, fin=fin)),
        st.sampled_from([TEXT, CONTINUATION, BINARY, PING, PONG]),
        st.binary(max_size=130),
        st.booleans(),
    ),
    st.sampled_from([b"", b"\x03", b"\x00\x01", b"\x0b\xb8"]).map(
        lambda code: Step(frame(CLOSE, code))
    ),
)


@pytest.fixture(scope="module")
def fuzzed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    folder: Path = tmp_path_factory.mktemp("fuzzed")
    running = Service(folder, APP_ENV="production", APP_JWT_SECRET=SECRET).start()
    yield running
    running.kill()


@pytest.mark.slow
def test_whatever_a_client_says_each_message_is_answered_once(fuzzed: Service) -> None:
    with asyncio.Runner() as runner:
        before = runner.run(at_rest(fuzzed))

        @given(
            script=st.lists(steps, max_size=30),
            cuts=st.lists(st.integers(1, 400), max_size=10),
            last=st.none() | st.binary(max_size=20),
        )
        @settings(max_examples=300, suppress_health_check=list(HealthCheck))
        def holds(script: list[Step], cuts: list[int], last: bytes | None) -> None:
            runner.run(_converse(fuzzed, script, cuts, last))

        holds()
        assert runner.run(at_rest(fuzzed, before)) == before
    assert faults(fuzzed) == []


async def _converse(
    service: Service, script: list[Step], cuts: list[int], last: bytes | None
) -> None:
    """Say all of it, cut into segments, and a command; or these last bytes, and be gone."""
    key = str(uuid4())
    script = [*script, said({"type": "command", "id": key, "action": REVOKE}, key)]
    witness = {"Authorization": f"Bearer {signed(sub='olga', role='operator')}"}
    async with (
        connect(f"{service.ws}/ws", additional_headers=witness) as socket,
        upgraded(service.port, "/ws", Authorization=f"Bearer {GOOD}") as peer,
    ):
        listener = Talk(socket)
        await listener.say("subscribe")
        begin: int = (await listener.hear())["seq"]
        data = b"".join(step.frame for step in script)
        if last is not None:
            await peer.send(*_segments(data + last, cuts))
            with suppress(OSError):  # where the service has closed it already
                peer.reset()
        else:
            await peer.send(*_segments(data, cuts))
            asked = Counter(step.id for step in script if step.id is not None)
            heard = await _heard(peer, asked)
            assert not heard or heard[-1].opcode == CLOSE
            assert not heard or heard[-1].code in EXPECTED
            assert _answered(heard) <= asked, "nothing is answered twice, or to nobody"
        async with asyncio.timeout(10):
            *events, answer = await listener.command(REVOKE)
    seqs = [event["seq"] for event in events]  # and what others did at the same moment
    assert seqs == list(range(begin + 1, begin + 1 + len(seqs)))
    assert answer["seq"] in seqs


def _segments(data: bytes, cuts: list[int]) -> Iterator[bytes]:
    for size in cuts:
        yield data[:size]
        data = data[size:]
    yield data


async def _heard(peer: Peer, asked: Counter[str]) -> list[Frame]:
    """All that is heard until every command has its answer, and the connection its end.

    Nothing, if the service closed the connection while the client still spoke: what is said to a
    socket that is closed resets it, and what has come is lost.
    """
    heard: list[Frame] = []
    try:
        while asked - _answered(heard):
            heard.append(await peer.read())
            if heard[-1].opcode == CLOSE:
                await peer.send(frame(CLOSE, heard[-1].payload))
                return heard + await peer.read_all()
        await peer.send(goodbye())
        return heard + await peer.read_all()
    except ConnectionError:
        return []


def _answered(heard: list[Frame]) -> Counter[str]:
    messages = [json.loads(one.payload) for one in heard if one.opcode == TEXT]
    return Counter(message["id"] for message in messages if "id" in message)
