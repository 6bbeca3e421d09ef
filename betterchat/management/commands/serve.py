"""`manage.py serve`: one command that starts everything and takes everything down again."""

import json
import os
import sys
import time
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand

from betterchat import datafolder
from betterchat.core import env
from betterchat.embedded.interrupt import Interrupted, Interrupts, run
from betterchat.embedded.keeper import Child, Keeper
from betterchat.embedded.lifeline import Lifeline, follow_parent
from betterchat.embedded.postgres import Postgres
from betterchat.embedded.processes import CannotStart, Supervised, last_line
from betterchat.embedded.surroundings import (
    answers_http,
    check_database,
    check_port,
    check_redis,
    in_url,
    lan_addresses,
    local_host,
)
from betterchat.embedded.valkey import Valkey
from betterchat.middleware import require_front_end

_LOOK_SECONDS = 0.25
_WEB_SECONDS = 60.0
_STEP_SECONDS = 600.0  # migrations of a large database
_PORT_PATIENCE_SECONDS = 2.0


class Command(BaseCommand):
    help = "Start Better Chat: databases, web and worker. Ctrl-C stops all of it."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default="127.0.0.1", help="0.0.0.0 for the whole LAN")
        parser.add_argument("--port", type=int, default=8000)

    def handle(self, *, host: str, port: int, **_options: object) -> None:
        follow_parent()
        interrupts = Interrupts()
        with interrupts.installed():
            try:
                _Serving(host=host, port=port, interrupts=interrupts).run()
            except Interrupted:
                return
            except (CannotStart, ImproperlyConfigured) as error:
                sys.exit(f"error: {error}")


class _Serving:
    """One run of `serve`. What was started is on the stack and stopped in reverse order."""

    def __init__(self, *, host: str, port: int, interrupts: Interrupts) -> None:
        self._host = host
        self._port = port
        self._interrupts = interrupts
        self._data_dir: Path = settings.DATA_DIR
        self._url = f"http://{in_url(local_host(host))}:{port}"
        self._environment = self._make_environment()
        self._lifeline = Lifeline()
        self._keepers: list[Keeper] = []

    def run(self) -> None:
        """Start, say so, and keep everything running until interrupted."""
        datafolder.prepare(self._data_dir)
        with datafolder.held(self._data_dir) as alone, ExitStack() as started:
            if not alone:
                raise CannotStart(f"Better Chat is already running{self._where_it_runs()}.")
            check_port(host=self._host, port=self._port, patience_seconds=_PORT_PATIENCE_SECONDS)
            require_front_end()
            _say(f"Better Chat keeps its data in {self._data_dir}")
            _check_given_servers()
            self._start_databases(started)
            operator_link = self._prepare_database()
            self._start_processes(started)
            self._announce(started, operator_link=operator_link)
            while True:
                self._look_after_all()

    def _start_databases(self, started: ExitStack) -> None:
        if not env.text("DATABASE_URL"):
            self._start(Postgres(self._data_dir), started=started)
        if not env.text("REDIS_URL"):
            self._start(Valkey(self._data_dir), started=started)

    def _prepare_database(self) -> str:
        """The operator's link, "" where there is an operator."""
        with _step("Preparing the database"):
            log = self._data_dir / "logs" / "prepare.log"
            code, output = run(
                _argv("prepare", "--json", "--base-url", settings.PUBLIC_URL or self._url),
                environment=self._environment,
                log=log,
                interrupts=self._interrupts,
                seconds=_STEP_SECONDS,
            )
            if code != 0:
                raise CannotStart(
                    f"the database could not be prepared ({last_line(log.read_text())}); {log} has more."
                )
        told: dict[str, str] = json.loads(output.splitlines()[-1])
        for line in told["models"].splitlines():
            _say(f"  {line}")
        if told["warning"]:
            _say(told["warning"])
        return told["operator_link"]

    def _start_processes(self, started: ExitStack) -> None:
        with _step("Starting web and worker", end="\n"):  # they may have something to say meanwhile
            self._keep(self._child("worker"), started=started)
            address = (f"--host={self._host}", f"--port={self._port}")
            self._keep(self._child("web", *address), started=started)
            deadline = time.monotonic() + _WEB_SECONDS
            while not answers_http(host=local_host(self._host), port=self._port):
                if time.monotonic() > deadline:
                    raise CannotStart(f"the web process does not answer within {_WEB_SECONDS:g} s.")
                self._look_after_all(seconds=0.05)

    def _announce(self, started: ExitStack, *, operator_link: str) -> None:
        about = self._data_dir / "serve.json"
        about.write_text(json.dumps({"url": self._url, "pid": os.getpid()}))
        started.callback(about.unlink, missing_ok=True)
        _say(f"\nBetter Chat is running at {settings.PUBLIC_URL or self._url}/")
        for address in lan_addresses(self._host):
            _say(f"  on your network: http://{in_url(address)}:{self._port}/")
        if operator_link:
            _say(f"Make the operator's account there (this link works once):\n  {operator_link}")
        if not env.text("EMAIL_HOST"):
            _say("Mail is shown here on the console, for EMAIL_HOST is not set.")
        _say("Ctrl-C stops it.\n")

    def _start(self, server: Supervised, *, started: ExitStack) -> None:
        with _step(f"Starting {server.name}"):
            self._keep(server, started=started)

    def _keep(self, kept: Supervised, *, started: ExitStack) -> None:
        started.callback(self._stop, kept)
        kept.start()
        self._keepers.append(Keeper(kept, say=_say))
        self._interrupts.check()

    def _stop(self, kept: Supervised) -> None:
        if kept.alive():
            _say(f"Stopping {kept.name} …")
        kept.stop(hurry=self._interrupts.hurry)

    def _look_after_all(self, *, seconds: float = _LOOK_SECONDS) -> None:
        for keeper in self._keepers:
            keeper.look()
        self._interrupts.wait(seconds)

    def _child(self, name: str, *arguments: str) -> Child:
        return Child(name, _argv(name, *arguments), environment=self._environment, lifeline=self._lifeline)

    def _make_environment(self) -> dict[str, str]:
        """The children's: the same folder whatever their working directory, and our addresses as hosts."""
        hosts = [*env.words("BETTERCHAT_HOSTS"), *map(in_url, lan_addresses(self._host))]
        return {
            **os.environ,
            "BETTERCHAT_DATA_DIR": str(self._data_dir),
            "BETTERCHAT_HOSTS": ",".join(dict.fromkeys(hosts)),
            "PYTHONUNBUFFERED": "1",
        }

    def _where_it_runs(self) -> str:
        try:
            return f" at {json.loads((self._data_dir / 'serve.json').read_text())['url']}/"
        except (OSError, ValueError, KeyError):
            return f" (it is just starting) in {self._data_dir}"


def _check_given_servers() -> None:
    for setting in ("DATABASE_URL", "DATABASE_URL_DIRECT"):
        if url := env.text(setting):
            check_database(url, setting=setting)
    if url := env.text("REDIS_URL"):
        check_redis(url)


def _argv(*arguments: str) -> list[str]:
    return [sys.executable, str(settings.BASE_DIR / "manage.py"), *arguments]


def _say(text: str, *, end: str = "\n") -> None:
    print(text, end=end, flush=True)


@contextmanager
def _step(text: str, *, end: str = " ") -> Iterator[None]:
    _say(f"{text} …", end=end)
    began = time.monotonic()
    try:
        yield
    except BaseException:
        _say("stopped.")
        raise
    _say(f"ready in {time.monotonic() - began:.1f} s")
