"""A client of the live connection: a folder to copy, which needs Python 3.11 and `websockets`.

    async with connect("https://shop.example", get_token=fetch_token) as client:
        ack = await client.send({"RevokeTokens": {"user_id": "mallory"}})
        async for item in client:
            match item:
                case Snapshot(state=state): ...     # forget what was known, and start from this
                case Event(action={"TokensRevoked": fields}): ...

It comes back by itself and goes on where it was; `docs/protocol.md` says how. A caller that does
not read slows the connection down, and misses nothing that is stored.
"""

from .ending import CloseCode, Lost, Stopped
from .live import LiveClient
from .messages import Ack, Action, CommandError, Event, Snapshot, State
from .timing import Timing

__all__ = [
    "Ack",
    "Action",
    "CloseCode",
    "CommandError",
    "Event",
    "LiveClient",
    "Lost",
    "Snapshot",
    "State",
    "Stopped",
    "Timing",
    "connect",
]

connect = LiveClient  # async with connect(...) as client
