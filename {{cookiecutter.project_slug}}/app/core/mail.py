"""The port through which mail leaves."""

from typing import Protocol


class Mail(Protocol):
    """Sends letters."""

    async def send(self, to: str, subject: str, text: str, *, key: str) -> None:
        """Send a letter once, however often it is asked for under one `key`.

        Raises Unavailable for what may succeed later.
        """
