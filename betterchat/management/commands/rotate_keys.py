"""`manage.py rotate_keys`: every stored secret under the current master key, while everything runs."""

import os
from argparse import ArgumentParser
from pathlib import Path

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from betterchat.core import sealed, secrets
from betterchat.core.secrets import MasterKeys, new_master_key

_BATCH = 100
_PASSES_MAX = 10
_ROWS_NAMED_MAX = 20


class Command(BaseCommand):
    help = "Wrap every stored key with the first of the master keys. May be stopped and run again."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--status", action="store_true", help="Only say which master key wraps what.")
        parser.add_argument(
            "--new-key", action="store_true", help="First put a new master key in front of the file's."
        )
        parser.add_argument("--batch", type=int, default=_BATCH, metavar="ROWS", help="In one transaction.")

    def handle(self, *, status: bool, new_key: bool, batch: int, **_options: object) -> None:
        if not secrets.key_ids():
            raise CommandError("There is no master key: set MASTER_KEYS, or run `manage.py serve` once.")
        if status:
            self._say_status()
            self._refuse_if_unopened(sealed.unopened_rows())
            return
        if new_key:
            self._add_key()
        self._refuse_if_unopened(self._rotate(batch_size=max(1, batch)))
        self._say_status()
        self._say_what_is_spare()

    def _rotate(self, *, batch_size: int) -> list[str]:
        """Passes until nothing is left: a process with older keys may seal something meanwhile."""
        current = secrets.current_key_id()
        for _ in range(_PASSES_MAX):
            unopened: list[str] = []
            total = 0
            for step in sealed.rotate(batch_size=batch_size):
                total += step.rewrapped
                unopened += step.unopened
                self.stdout.write(f"wrapped with {current}: {total}")
            if total == 0 or unopened:
                return unopened
        raise CommandError(
            f"Some process goes on sealing with another key than {current}: restart it, then run this again."
        )

    def _say_status(self) -> None:
        known, counts = secrets.key_ids(), sealed.counts_by_key()
        for key_id in (*known, *sorted(set(counts) - set(known))):
            about = " (current)" if key_id == known[0] else "" if key_id in known else " (missing)"
            self.stdout.write(f"{key_id}{about} wraps {counts.get(key_id, 0)}")

    def _say_what_is_spare(self) -> None:
        spare = [key_id for key_id in secrets.key_ids()[1:] if key_id not in sealed.counts_by_key()]
        if spare:
            where = _keys().file or "MASTER_KEYS"
            self.stdout.write(
                f"No stored key needs {', '.join(spare)} any more: remove it from {where} once every process"
                " has the current one. Older backups still need it."
            )

    def _refuse_if_unopened(self, rows: list[str]) -> None:
        if not rows:
            return
        for row in rows[:_ROWS_NAMED_MAX]:
            self.stderr.write(f"can't be opened: {row}")
        raise CommandError(
            f"{len(rows)} stored keys can't be opened and stay as they are: a master key is missing, or they"
            " were tampered with. Keep the old master keys, or have those keys entered again."
        )

    def _add_key(self) -> None:
        file = _keys().file
        if file is None:
            raise CommandError(
                "MASTER_KEYS is set in the environment: put a new one in front there, name:32 random bytes"
                " in base64 (`openssl rand -base64 32`), restart every process, then run this again."
            )
        _prepend(file, new_master_key())
        self.stdout.write(f"New master key: {secrets.current_key_id()}, in {file}")


def _keys() -> MasterKeys:
    keys: MasterKeys = settings.MASTER_KEYS
    return keys


def _prepend(file: Path, line: str) -> None:
    """Whole or not at all: a half-written file would lock every secret away."""
    draft = file.with_name(f".{file.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as opened:
        opened.write(f"{line}\n{file.read_text()}")
        opened.flush()
        os.fsync(opened.fileno())
    draft.replace(file)
