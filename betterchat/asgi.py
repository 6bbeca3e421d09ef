"""The application: pages over HTTP, conversations over websockets. Plain ASGI, any server runs it."""

import os

from channels.routing import ProtocolTypeRouter, URLRouter
from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "betterchat.settings")
_pages = get_asgi_application()  # before anything that imports models

from accounts.websocket import authenticate  # noqa: E402
from chat.sockets.routing import websocket_urlpatterns  # noqa: E402

application = ProtocolTypeRouter(
    {"http": _pages, "websocket": authenticate(URLRouter(websocket_urlpatterns))}
)
