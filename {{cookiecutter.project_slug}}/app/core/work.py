"""The port behind which the work of a batch is done."""

from typing import Protocol


class Work(Protocol):
    """Does one item of a batch."""

    async def do(self, batch_id: str, item: int) -> bool:
        """Whether the item, counted from 0, succeeded; doing one twice does no harm.

        Raises Unavailable for what may succeed later.
        """
