"""The work of a batch, outside of the service."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from itertools import pairwise

from app.core.ports import Attempt, Ports
from app.domain.jobs.actions import RecordProgress

# What is reported already is counted in chunks: change their number while no batch runs.
CHUNKS = 10


@dataclass(frozen=True, slots=True)
class ProcessItems:
    """Work through the items of a batch from `first` to `last`, and report now and then."""

    batch_id: str
    first: int
    last: int

    async def __call__(self, ports: Ports, attempt: Attempt) -> AsyncIterator[RecordProgress]:
        """Report after each chunk, but begin after those that are reported already.

        Items of a chunk that was not reported are done again: the port says that this is harmless.
        """
        for chunk in self.chunks()[attempt.given :]:
            done = [await ports.work.do(self.batch_id, item) for item in chunk]
            succeeded = sum(done)
            yield RecordProgress(self.batch_id, succeeded, len(done) - succeeded)

    def chunks(self) -> list[range]:
        """The items in at most ten parts, of about the same size."""
        size = self.last + 1 - self.first
        parts = min(CHUNKS, size)
        ends = [self.first + size * part // parts for part in range(parts + 1)]
        return [range(begin, end) for begin, end in pairwise(ends)]
