"""Static files, straight from the built front end and the packages: no copying step before the start."""

import re
from collections.abc import Awaitable, Callable
from pathlib import Path

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from whitenoise.middleware import WhiteNoiseMiddleware
from whitenoise.responders import Redirect, StaticFile

_HASHED_NAME = re.compile(r"-[A-Z0-9]{8}\.[a-z0-9.]+$")


def front_end_dir() -> Path:
    return Path(settings.STATICFILES_DIRS[0])


def require_front_end() -> None:
    """Say so once at the start instead of failing on every page."""
    manifest = front_end_dir() / "manifest.json"
    if not manifest.is_file():
        raise ImproperlyConfigured(
            f"the front end is not built: {manifest} is missing."
            " `uv sync --reinstall-package betterchat` builds it."
        )


class StaticFilesMiddleware(WhiteNoiseMiddleware):  # type: ignore[misc]  # no type information
    """WhiteNoise over Django's finders, for ASGI.

    It passes async requests on as they are (a sync middleware costs every request a thread), and it
    answers with bytes: whitenoise's own streaming responses make Django warn under ASGI, and these
    files are small.
    """

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        super().__init__(get_response)
        if iscoroutinefunction(get_response):
            markcoroutinefunction(self)
        self.add_files_from_finders()

    def __call__(self, request: HttpRequest) -> HttpResponseBase | Awaitable[HttpResponseBase]:
        if iscoroutinefunction(self):
            return self._answer(request)
        file = self.files.get(request.path_info)
        return self.get_response(request) if file is None else self.serve(file, request)

    async def _answer(self, request: HttpRequest) -> HttpResponseBase:
        file = self.files.get(request.path_info)
        return await self.get_response(request) if file is None else self.serve(file, request)

    @staticmethod
    def serve(static_file: StaticFile | Redirect, request: HttpRequest) -> HttpResponse:
        found = static_file.get_response(request.method, request.META)
        content = b""
        if found.file is not None:
            with found.file as opened:
                content = opened.read()
        response = HttpResponse(content, status=int(found.status))
        del response["Content-Type"]
        for name, value in found.headers:
            response[name] = value
        return response

    def immutable_file_test(self, path: str, url: str) -> bool:
        """The bundler puts a hash of the content into the name: `app-K3WZ2Q7A.js`."""
        return Path(path).is_relative_to(front_end_dir()) and _HASHED_NAME.search(url) is not None
