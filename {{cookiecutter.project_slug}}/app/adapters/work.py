"""Work that takes a moment and fails now and then, in place of real work."""

import asyncio
from hashlib import blake2b

SECONDS = 0.003
ONE_FAILS_OF = 100


class SimulatedWork:
    """Behind the port `Work`: the same items fail at every attempt, about one in a hundred."""

    async def do(self, batch_id: str, item: int) -> bool:
        """Wait a moment, and say whether the item succeeded."""
        await asyncio.sleep(SECONDS)
        digest = blake2b(f"{batch_id}/{item}".encode(), digest_size=4).digest()
        return int.from_bytes(digest, "big") % ONE_FAILS_OF != 0
