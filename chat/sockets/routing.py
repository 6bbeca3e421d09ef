"""Which socket address leads to which consumer."""

from channels.generic.websocket import AsyncWebsocketConsumer
from django.urls import path, re_path

from chat.protocol.close_codes import NOT_FOUND
from chat.sockets.consumers import PersonConsumer, RoomConsumer


class UnknownConsumer(AsyncWebsocketConsumer):  # type: ignore[misc] # channels has no types
    """Any other address: closed with a code, where Channels would log an uncaught error."""

    async def connect(self) -> None:
        await self.accept()
        await self.close(NOT_FOUND.code)


websocket_urlpatterns = [
    path("ws/me/", PersonConsumer.as_asgi()),
    path("ws/c/<uuid:conversation_id>/", RoomConsumer.as_asgi()),
    re_path(r"", UnknownConsumer.as_asgi()),
]
