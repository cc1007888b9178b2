"""Datagrams between the processes of one machine that have the same file open."""

import asyncio
import os
import secrets
import socket
import tempfile
from collections.abc import Callable
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

from app.core.rejected import StartRefused

DATAGRAM_BYTES = 256 * 1024
DATAGRAMS_A_TURN = 100
# A neighbour that has not read the ten datagrams that the kernel keeps for it gets no more.
TRIES, SECONDS_BETWEEN_TRIES = 50, 0.002


class Neighbours:
    """A socket of this process, in a folder where the others have theirs.

    What is sent may get lost, so nothing may depend on it but how soon.
    """

    def __init__(self, path: Path, received: Callable[[bytes], None]) -> None:
        self._folder = _folder_for(path)
        self._own = self._folder / secrets.token_hex(6)
        self._received = received
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, DATAGRAM_BYTES)
        try:
            self._socket.bind(str(self._own))
        except OSError as problem:
            self._socket.close()
            words = f"no socket can be made at {self._own}: {problem}; set TMPDIR to a short path"
            raise StartRefused(words) from None
        asyncio.get_running_loop().add_reader(self._socket, self._read)

    def notify(self, data: bytes) -> list[Path]:
        """Send to every neighbour, now; those that had no room are given."""
        with suppress(OSError):  # no folder, no descriptor for it: all look for themselves then
            return [path for path in self._folder.iterdir() if not self._sent(path, data)]
        return []

    async def send(self, data: bytes) -> None:
        """Send to every neighbour, and wait a moment for those that have no room."""
        full = self.notify(data)
        for _ in range(TRIES):
            if not full:
                return
            await asyncio.sleep(SECONDS_BETWEEN_TRIES)
            full = [path for path in full if not self._sent(path, data)]

    def close(self) -> None:
        """Hear no more."""
        asyncio.get_running_loop().remove_reader(self._socket)
        self._socket.close()
        self._own.unlink(missing_ok=True)

    def _sent(self, path: Path, data: bytes) -> bool:
        """Whether that is done with: it was sent, there is nobody, or it is lost."""
        if path == self._own:
            return True
        try:
            self._socket.sendto(data, str(path))
        except BlockingIOError:
            return False
        except ConnectionRefusedError:  # its process was killed
            path.unlink(missing_ok=True)
        except OSError:  # it has gone meanwhile, or the system has no memory for it
            pass
        return True

    def _read(self) -> None:
        with suppress(BlockingIOError):
            for _ in range(DATAGRAMS_A_TURN):
                self._received(self._socket.recv(DATAGRAM_BYTES))


def _folder_for(path: Path) -> Path:
    """Where the sockets lie: a path of a socket has room for 100 characters only.

    Raises StartRefused when somebody else's folder is there, or anybody may write to it.
    """
    name = sha256(os.fsencode(path.resolve())).hexdigest()[:16]
    folder = Path(tempfile.gettempdir()) / f"event-log-{name}-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    if found.st_uid != os.getuid() or found.st_mode & 0o077:
        raise StartRefused(f"{folder} belongs to others, or is open to them: take it away")
    return folder
