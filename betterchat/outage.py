"""A database or Valkey that is away is no fault of the program: pages say so, and the log has one line."""

import logging
import sys

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.template import loader
from django.views import defaults
from redis.exceptions import RedisError

RETRY_AFTER_SECONDS = 5
_AWAY = (OperationalError, InterfaceError, RedisError)


def server_error(request: HttpRequest) -> HttpResponse:
    """`handler500`: 503 where a server we need can't be reached. The page itself asks neither of them."""
    if not isinstance(sys.exception(), _AWAY):
        return defaults.server_error(request)
    page = loader.get_template("503.html").render()
    return HttpResponse(page, status=503, headers={"Retry-After": str(RETRY_AFTER_SECONDS)})


class OneLine(logging.Filter):
    """A log filter: such a failure without its traceback."""

    def filter(self, record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if record.exc_info else None
        if isinstance(error, _AWAY):
            record.msg, record.args = "a page could not be made: %s", (type(error).__name__,)
            record.exc_info = record.exc_text = None
            record.levelno, record.levelname = logging.WARNING, "WARNING"
        return True
