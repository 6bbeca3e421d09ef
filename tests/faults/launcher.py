"""`manage.py web` or `worker` in which named points can kill the process: `python -m tests.faults.launcher
worker`. The product is imported as it is; its functions are wrapped from outside.

A point is armed by a file of its name in $FAULTS_DIR. Whoever passes it first takes the file and dies there,
as by kill -9: the file is renamed to `<point>.<pid>`.
"""

import inspect
import os
import runpy
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from importlib import import_module
from pathlib import Path
from typing import Any

import django


@dataclass(frozen=True)
class Point:
    """Before or after a function, which `where` has under the given name (with the class, in a method)."""

    where: str
    name: str
    after: bool = False


WEB_POINTS = {
    "before-commit": Point("chat.turns.start", "start_turn"),
    "between-commit-and-acknowledgement": Point("chat.turns.start", "start_turn", after=True),
    "between-acknowledgement-and-publish": Point("chat.broadcast", "publish"),
    "after-publish": Point("chat.broadcast", "publish", after=True),
}
WORKER_POINTS = {
    "between-acknowledgement-and-job-start": Point("chat.turns.runner", "run_turn"),
    "before-claim": Point("chat.turns.lifecycle", "claim"),
    "after-claim": Point("chat.turns.lifecycle", "claim", after=True),
    "before-live-text": Point("chat.turns.recorder", "Recorder._flush"),
    "after-live-text": Point("chat.turns.recorder", "Recorder._flush", after=True),
    "before-checkpoint": Point("chat.turns.lifecycle", "save_checkpoints"),
    "after-checkpoint": Point("chat.turns.lifecycle", "save_checkpoints", after=True),
    "between-last-delta-and-commit": Point("chat.turns.lifecycle", "finish"),
    "between-commit-and-stream-end": Point("chat.turns.lifecycle", "finish", after=True),
    "between-stream-end-and-publish": Point("chat.turns.recorder", "Recorder.close", after=True),
}
POINTS = {"web": WEB_POINTS, "worker": WORKER_POINTS}


def _pass(point: str) -> None:
    armed = Path(os.environ["FAULTS_DIR"], point)
    try:
        armed.rename(f"{armed}.{os.getpid()}")
    except FileNotFoundError:
        return
    os.kill(os.getpid(), signal.SIGKILL)


def _wrapped(function: Callable[..., Any], *, point: str, after: bool) -> Callable[..., Any]:
    @wraps(function)
    def passing(*args: Any, **kwargs: Any) -> Any:
        if not after:
            _pass(point)
        result = function(*args, **kwargs)
        if after:
            _pass(point)
        return result

    @wraps(function)
    async def passing_async(*args: Any, **kwargs: Any) -> Any:
        if not after:
            _pass(point)
        result = await function(*args, **kwargs)
        if after:
            _pass(point)
        return result

    return passing_async if inspect.iscoroutinefunction(function) else passing


def _install(name: str, point: Point) -> None:
    """Put the wrapper wherever the function was imported to."""
    owner: Any = import_module(point.where)
    *classes, attribute = point.name.split(".")
    for each in classes:
        owner = getattr(owner, each)
    function = getattr(owner, attribute)
    wrapped = _wrapped(function, point=name, after=point.after)
    if classes:
        setattr(owner, attribute, wrapped)
        return
    for module in [m for key, m in sys.modules.items() if key.startswith(("chat.", "betterchat."))]:
        for key, value in list(vars(module).items()):
            if value is function:
                setattr(module, key, wrapped)


def main() -> None:
    kind = sys.argv[1]
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "betterchat.settings")
    django.setup()
    # The command first: that of `web` installs the event loop, which the application must find.
    import_module(f"betterchat.management.commands.{kind}")
    import_module("betterchat.asgi" if kind == "web" else "chat.tasks")
    for name, point in POINTS[kind].items():
        _install(name, point)
    sys.argv[0] = "manage.py"
    runpy.run_module("manage", run_name="__main__")


if __name__ == "__main__":
    main()
