"""A real service that cannot put one event into words: it says so, and tells all the others."""

from pathlib import Path

import pytest

from tests.service import Service
from tests.talk import talk

pytestmark = pytest.mark.anyio

PROGRAM = """
import sys
from app.__main__ import main
from app.wire import codec

encode = codec.event_message

def encode_some(action, seq, cause):
    if "unspeakable" in action:
        raise ValueError("no JSON for this one")
    return encode(action, seq, cause)

codec.event_message = encode_some
sys.exit(main())
"""


class Tongueless(Service):
    """The service, but for one name that it cannot say."""

    program = ("-c", PROGRAM)


async def test_an_event_that_cannot_be_encoded_is_logged_and_nobody_misses_another(
    tmp_path: Path,
) -> None:
    service = Tongueless(tmp_path).start()
    try:
        async with talk(service) as client, talk(service) as other:
            answers = []
            for name in "ada", "unspeakable", "bob":
                answers += await client.command({"RevokeTokens": {"user_id": name}}, name)
            heard = await other.heard()
        status = service.stop()
    finally:
        service.kill()

    events = [each for each in answers if each["type"] == "event"]
    acks = [each["id"] for each in answers if each["type"] == "ack"]
    assert [each["action"]["TokensRevoked"]["user_id"] for each in events] == ["ada", "bob"]
    assert acks == ["ada", "unspeakable", "bob"], "it has happened all the same"
    assert heard == events
    (line,) = [each for each in service.words().splitlines() if "an event was not told" in each]
    assert "event_type=TokensRevoked" in line
    assert "no JSON for this one" in service.words(), "and why"
    assert status == 0
