"""`manage.py web`: one web process (pages and websockets). Start as many as wanted behind any proxy."""

import sys
from argparse import ArgumentParser

from django.conf import settings
from django.core.management.base import BaseCommand
from django.utils.module_loading import import_string

from betterchat.core import env
from betterchat.datafolder import require_secret
from betterchat.embedded.lifeline import exit_within, follow_parent
from betterchat.middleware import require_front_end
from betterchat.webserver import WebServer, behind_proxy

_EXIT_SECONDS = 3.0


class Command(BaseCommand):
    help = "Run one web process."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--port", type=int, default=8000)

    def handle(self, *, host: str, port: int, **_options: object) -> None:
        follow_parent()
        require_secret(settings.DATA_DIR)
        require_front_end()
        application = import_string(settings.ASGI_APPLICATION)
        if env.flag("BETTERCHAT_TRUST_PROXY"):
            application = behind_proxy(application)
        server = WebServer(application, host=host, port=port, threads=env.number("DATABASE_POOL", 16))
        server.run()
        if server.listen_failure:
            sys.exit(f"error: {server.listen_failure}")
        exit_within(_EXIT_SECONDS)
