"""Snapshots in a stream of their own, in pieces that one message names once all are there."""

import secrets
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Any

import orjson

from app.runtime.event_log.nats.stream import Stream, WrongSequence
from app.runtime.event_log.port import LogUnavailable, Row, Snapshot, TooLarge

PIECE_BYTES = 256 * 1024
PIECES_A_READ = 64
LOOKS = 3
# Names in `left` of what is deleted already: a save that was under way may have gone on since.
KEPT_NAMES = 8
NOTHING: dict[str, Any] = {"id": "", "position": 0, "fingerprint": "", "pieces": 0, "left": []}


class NatsSnapshots:
    """`head` names the snapshot there is, and in `left` the pieces that are of no use.

    A save that is under way is of no use, too, until its end: the next one deletes it. So of two
    at once the first one fails, and a crash leaves nothing for long.
    """

    def __init__(self, stream: Stream) -> None:
        self._stream = stream

    async def save(
        self, position: int, fingerprint: str, rows: AsyncIterator[Sequence[Row]]
    ) -> None:
        """Store a snapshot in place of the one before; raises LogUnavailable."""
        own = secrets.token_hex(6)
        sequence, head = await self._head()
        useless = head["left"]
        sequence = await self._store(sequence, head | {"left": [*useless, own][-KEPT_NAMES:]})
        await self._delete(useless)
        count = 0
        async for piece in _in_pieces(rows):
            await self._publish(piece, 0, self._of(f"{own}.{count}"))
            count += 1
        useless = [*useless, head["id"]][-KEPT_NAMES:] if head["id"] else useless
        head = {"id": own, "position": position, "fingerprint": fingerprint, "pieces": count}
        await self._store(sequence, head | {"left": useless})
        await self._delete(useless)
        await self._stream.purge(self._of("head"), keep=1)

    async def load(self, fingerprint: str | None) -> Snapshot | None:
        """The snapshot, if there is one and this fingerprint is its own, or None is given."""
        for _ in range(LOOKS):
            _, head = await self._head()
            if not head["id"] or fingerprint not in (None, head["fingerprint"]):
                return None
            pieces = await self._pieces(head["id"], head["pieces"])
            if len(pieces) == head["pieces"]:
                rows = list(_rows(b"".join(pieces)))
                return Snapshot(head["position"], head["fingerprint"], rows)
        return None  # others save one after another

    async def _pieces(self, own: str, count: int) -> Sequence[bytes]:
        """What there is of a snapshot; less than all when another has taken its place meanwhile."""
        pieces: list[bytes] = []
        first = await self._stream.last(self._of(f"{own}.0")) if count else None
        sequence = first.sequence if first is not None else 0
        while first is not None and len(pieces) < count:
            found = await self._stream.some(sequence, PIECES_A_READ, self._of(f"{own}.*"))
            if not found:
                break
            pieces.extend(stored.data for stored in found)
            sequence = found[-1].sequence + 1
        return pieces

    async def _head(self) -> tuple[int, dict[str, Any]]:
        last = await self._stream.last(self._of("head"))
        return (last.sequence, orjson.loads(last.data)) if last is not None else (0, NOTHING)

    async def _store(self, sequence: int, head: dict[str, Any]) -> int:
        return await self._publish(orjson.dumps(head), sequence, self._of("head"))

    async def _publish(self, data: bytes, expected: int, subject: str) -> int:
        try:
            return await self._stream.publish(data, expected, subject)
        except WrongSequence:
            raise LogUnavailable(self._stream.words("another node saves a snapshot")) from None
        except TooLarge as problem:
            words = f"{problem}; raise its max_payload, which is 1 MB when it is not set"
            raise LogUnavailable(self._stream.words(words)) from None

    async def _delete(self, useless: Sequence[str]) -> None:
        for each in useless:
            await self._stream.purge(self._of(f"{each}.*"))

    def _of(self, what: str) -> str:
        return f"{self._stream.subject}.{what}"


async def _in_pieces(rows: AsyncIterator[Sequence[Row]]) -> AsyncIterator[bytes]:
    """Rows as lines of JSON, cut wherever a piece is full: a row may be longer than a piece."""
    rest = bytearray()
    async for some in rows:
        for row in some:
            rest += orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE)
            while len(rest) >= PIECE_BYTES:
                yield bytes(rest[:PIECE_BYTES])
                del rest[:PIECE_BYTES]
    if rest:
        yield bytes(rest)


def _rows(data: bytes) -> Iterator[Row]:
    for line in data.splitlines():
        name, text = orjson.loads(line)
        yield name, text
