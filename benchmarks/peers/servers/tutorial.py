"""The tutorial of FastAPI: a ConnectionManager, which sends to one client after the other.

With a file it commits each command to SQLite first, as safely as the service does.
"""

import sqlite3
import sys

import uvicorn
from fastapi import FastAPI, WebSocket, WebSocketDisconnect

from benchmarks.peers.servers.talk import PORT, texts


class ConnectionManager:
    """As it stands there."""

    def __init__(self) -> None:
        self.active_connections: list[WebSocket] = []

    async def connect(self, websocket: WebSocket) -> None:
        """Take one more."""
        await websocket.accept()
        self.active_connections.append(websocket)

    def disconnect(self, websocket: WebSocket) -> None:
        """Forget one."""
        self.active_connections.remove(websocket)

    async def send_personal_message(self, message: str, websocket: WebSocket) -> None:
        """Tell one."""
        await websocket.send_text(message)

    async def broadcast(self, message: str) -> None:
        """Tell all."""
        for connection in self.active_connections:
            await connection.send_text(message)


app = FastAPI()
manager = ConnectionManager()
database = sqlite3.connect(sys.argv[2], isolation_level=None) if len(sys.argv) > 2 else None
if database is not None:
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("PRAGMA synchronous = FULL")
    database.execute("CREATE TABLE events (position INTEGER PRIMARY KEY, event TEXT) STRICT")


@app.websocket("/ws")
async def endpoint(websocket: WebSocket) -> None:
    """A client, for as long as it is there."""
    await manager.connect(websocket)
    try:
        while True:
            event, ack = texts(await websocket.receive_text())
            if database is not None:
                database.execute("INSERT INTO events (event) VALUES (?)", (event,))
            await manager.broadcast(event)
            await manager.send_personal_message(ack, websocket)
    except WebSocketDisconnect:
        manager.disconnect(websocket)


uvicorn.run(app, port=PORT, log_level="warning", ws_per_message_deflate=False)
