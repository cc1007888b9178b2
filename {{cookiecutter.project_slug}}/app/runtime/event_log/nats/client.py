"""The client of nats-py, and what must not be left to it."""

from __future__ import annotations

from typing import Any

import nats.errors
from nats.aio.client import Client


class NotEncrypted(nats.errors.Error):
    """The server would speak in the clear, and the address says that it must not."""


class StrictClient(Client):
    """The library's client, which says no password in the clear to whoever asks for it so.

    And which sends nothing late: at its end, what was not sent yet is forgotten. Both hang on names
    of the library's own, for it has no setting for them.
    """

    def __init__(self, *, must_encrypt: bool) -> None:
        super().__init__()
        self._must_encrypt = must_encrypt

    @property
    def server_info(self) -> dict[str, Any]:
        """What the server has told of itself."""
        return self._server_info

    async def _process_info(self, info: dict[str, Any], initial_connection: bool = False) -> None:
        if initial_connection and self._must_encrypt and not info.get("tls_required"):
            raise NotEncrypted("the server takes no TLS: use nats://, or give it a certificate")
        await super()._process_info(info, initial_connection)

    async def _close(self, status: int, do_cbs: bool = True) -> None:
        self._pending, self._pending_data_size = [], 0
        await super()._close(status, do_cbs)

    def drop(self) -> None:
        """Break the connection at once, whatever is still to be sent."""
        writer = getattr(self._transport, "_io_writer", None)
        if writer is not None:
            writer.transport.abort()
