"""The sender's own name for a command, by which one that is sent twice is done once."""

from typing import Annotated, TypeAlias

from fastapi import Header

CommandId: TypeAlias = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=64,
        description="your own id of this command: sent again, it is done once",
    ),
]
