"""Django Channels on uvicorn: a group of everybody, on the layer that is in memory."""

# It is installed beside the peers only, where nothing is type-checked.
# mypy: disable-error-code="import-not-found,import-untyped,misc"

from typing import ClassVar

import django
import uvicorn
from channels.generic.websocket import AsyncWebsocketConsumer
from channels.routing import ProtocolTypeRouter, URLRouter
from django.conf import settings
from django.urls import path

from benchmarks.peers.servers.talk import PORT, texts

settings.configure(
    CHANNEL_LAYERS={"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}},
)
django.setup()


class Everybody(AsyncWebsocketConsumer):
    """A client: one of the group."""

    groups: ClassVar = ["everybody"]

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        """Tell the group, and then whoever asked, who is told by its own channel, in order."""
        event, ack = texts(text_data or "")
        await self.channel_layer.group_send("everybody", {"type": "tell", "text": event})
        await self.channel_layer.send(self.channel_name, {"type": "tell", "text": ack})

    async def tell(self, message: dict[str, str]) -> None:
        """Pass on what the group is told."""
        await self.send(text_data=message["text"])


app = ProtocolTypeRouter({"websocket": URLRouter([path("ws", Everybody.as_asgi())])})
uvicorn.run(app, port=PORT, log_level="warning", lifespan="off", ws_per_message_deflate=False)
