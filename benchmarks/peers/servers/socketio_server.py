"""python-socketio on uvicorn: emitting to everybody."""

# It is installed beside the peers only, where nothing is type-checked.
# mypy: disable-error-code="import-not-found,untyped-decorator"

from typing import Any

import socketio
import uvicorn

from benchmarks.peers.servers.talk import PORT, event_and_ack

sio = socketio.AsyncServer(async_mode="asgi", async_handlers=False)  # in order


@sio.event
async def command(sid: str, data: dict[str, Any]) -> None:
    """Tell everybody, and then whoever asked."""
    event, ack = event_and_ack(data)
    await sio.emit("event", event)
    await sio.emit("ack", ack, to=sid)


app = socketio.ASGIApp(sio)
uvicorn.run(app, port=PORT, log_level="warning", ws_per_message_deflate=False)
