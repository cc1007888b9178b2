"""Everything that a client may do wrong, held against the running service."""

import asyncio
import re
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest

from tests.access.keys import SECRET, signed
from tests.attacks.bad_messages import BAD_MESSAGES, Said
from tests.attacks.bad_requests import BAD_REQUESTS, Answer, answer_of
from tests.attacks.watch import at_rest, faults, resident_bytes
from tests.live.transport.peer import TEXT, connected, goodbye, upgraded
from tests.service import Service

pytestmark = pytest.mark.anyio

MIB = 1024 * 1024
LENGTH = re.compile(rb"content-length: (\d+)", re.IGNORECASE)


@pytest.fixture(scope="module")
def attacked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    folder: Path = tmp_path_factory.mktemp("attacked")
    running = Service(folder, APP_ENV="production", APP_JWT_SECRET=SECRET).start()
    yield running
    running.kill()


async def answer_to(service: Service, request: bytes) -> Answer:
    """What a request is answered, before the client says or closes anything else."""
    async with connected(service.port) as peer, asyncio.timeout(10):
        await peer.send(request)
        head = await peer.head()
        length = LENGTH.search(head)
        body = await peer.reader.readexactly(int(length[1]) if length else 0)
        return answer_of(int(head.split(b" ", 2)[1]), body)


async def answers_to(service: Service, frames: list[bytes]) -> Said:
    """What an operator hears who says this, and goodbye."""
    token = f"Bearer {signed(sub='olga', role='operator')}"
    async with upgraded(service.port, "/ws", Authorization=token) as peer:
        await peer.send(*frames, goodbye())
        heard = await peer.read_all()
    words: Said = [_word(orjson.loads(one.payload)) for one in heard if one.opcode == TEXT]
    return [*words, heard[-1].code or 0]


@pytest.mark.parametrize("name", BAD_REQUESTS)
async def test_a_bad_request_is_answered_with(attacked: Service, name: str) -> None:
    request, expected = BAD_REQUESTS[name]

    assert await answer_to(attacked, request) == expected


@pytest.mark.parametrize("name", BAD_MESSAGES)
async def test_a_bad_message_is_answered_with(attacked: Service, name: str) -> None:
    frames, expected = BAD_MESSAGES[name]

    assert await answers_to(attacked, frames) == expected


def test_nobody_is_called_for_a_bad_request(attacked: Service) -> None:
    assert faults(attacked) == []


@pytest.mark.slow
async def test_the_process_holds_no_more_after_many_attacks_than_after_one(
    guarded: Service,
) -> None:
    await attack(guarded)
    before, resident = await at_rest(guarded), resident_bytes(guarded)

    for _ in range(25):
        await attack(guarded)

    assert await at_rest(guarded, before) == before
    # Each round sends 2 MiB. What may grow is bounded: caches, and what the allocator keeps.
    assert resident_bytes(guarded) - resident < 8 * MIB
    assert faults(guarded) == []


async def attack(service: Service) -> None:
    """Everything, once; and then the service still does what it is asked."""
    for request, expected in BAD_REQUESTS.values():
        assert await answer_to(service, request) == expected
    for frames, said in BAD_MESSAGES.values():
        assert await answers_to(service, frames) == said
    assert await answers_to(service, []) == [1000]


def _word(message: dict[str, str]) -> str:
    return message["code"] if message["type"] == "error" else message["type"]
