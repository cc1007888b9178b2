"""A service that tells one of its clients the wrong thing, once."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from websockets.asyncio.server import ServerConnection, broadcast, serve

Mistake = Callable[[list[str]], list[str]]


@asynccontextmanager
async def crooked(mistake: Mistake, *, at: int, client: int = 3) -> AsyncIterator[str]:
    """Where it is; from event `at` on, one client hears what `mistake` makes of what is due."""
    listeners: list[ServerConnection] = []
    due: list[str] = []
    seq = 0

    async def tell(event: str) -> None:
        broadcast([one for number, one in enumerate(listeners) if number != client], event)
        due.append(event)
        if seq < at or seq > at + 1:
            told, due[:] = list(due), []
            for message in mistake(told) if len(told) > 1 else told:
                await listeners[client].send(message)

    async def talk(socket: ServerConnection) -> None:
        nonlocal seq
        listeners.append(socket)
        async for text in socket:
            match json.loads(text):
                case {"type": "subscribe"}:
                    listeners.remove(socket)  # it speaks
                    answer = {"seq": seq, "epoch": "e", "topics": [], "recovered": False}
                    await socket.send(json.dumps({"type": "subscribed", **answer}))
                case {"type": "command", "id": id, "action": action}:
                    seq += 1
                    event = {"type": "event", "action": action, "seq": seq, "cause": id}
                    await tell(json.dumps(event, separators=(",", ":")))
                    await socket.send(json.dumps({"type": "ack", "id": id, "seq": seq}))
        if socket in listeners:
            listeners.remove(socket)

    async with serve(talk, "127.0.0.1", 0) as server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
