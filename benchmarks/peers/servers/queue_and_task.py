"""A queue and a task for each client, as most answers to "one slow client stops all" have it."""

import asyncio

import uvicorn
from fastapi import FastAPI, WebSocket, WebSocketDisconnect

from benchmarks.peers.servers.talk import PORT, texts

BOUND = 1_000

app = FastAPI()
queues: set[asyncio.Queue[str]] = set()


async def write(websocket: WebSocket, queue: asyncio.Queue[str]) -> None:
    """Send what is in the queue."""
    while True:
        await websocket.send_text(await queue.get())


@app.websocket("/ws")
async def endpoint(websocket: WebSocket) -> None:
    """A client, for as long as it is there."""
    await websocket.accept()
    own: asyncio.Queue[str] = asyncio.Queue(BOUND)
    queues.add(own)
    writing = asyncio.create_task(write(websocket, own))
    try:
        while True:
            event, ack = texts(await websocket.receive_text())
            for queue in queues:
                queue.put_nowait(event)
            own.put_nowait(ack)
    except WebSocketDisconnect:
        queues.remove(own)
        writing.cancel()


uvicorn.run(app, port=PORT, log_level="warning", ws_per_message_deflate=False)
