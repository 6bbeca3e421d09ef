"""Postgres refuses to run as root. As root it is started as somebody else, in one of two ways."""

import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from betterchat.embedded.processes import CannotStart

NOBODY = 65534
# A user namespace in which root is called nobody. Files stay root's own, so nothing is chowned, and
# binaries and data may be below a folder that only root can enter.
_NAMESPACE = ("unshare", "--user", f"--map-user={NOBODY}", f"--map-group={NOBODY}", "--")
# Containers usually forbid namespaces. Then really nobody, who keeps of root's powers the one to pass
# through folders closed to others: the venv or the data may be below /root.
_NOBODY = (
    "setpriv",
    f"--reuid={NOBODY}",
    f"--regid={NOBODY}",
    "--clear-groups",
    "--inh-caps=-all,+dac_override",
    "--ambient-caps=-all,+dac_override",
    "--",
)


@dataclass(frozen=True, slots=True)
class Identity:
    """How to start Postgres: what to write before its command line, and who must own its files."""

    prefix: tuple[str, ...]
    owner: int

    def own(self, folder: Path) -> None:
        """Give the folder and all in it to the owner, where it isn't theirs yet."""
        if folder.stat().st_uid == self.owner:
            return
        for path in [*folder.rglob("*"), folder]:  # the folder last: it tells that all of it is done
            os.chown(path, self.owner, -1, follow_symlinks=False)


def postgres_identity() -> Identity:
    if os.geteuid() != 0:
        return Identity(prefix=(), owner=os.geteuid())
    if _works(_NAMESPACE):
        return Identity(prefix=_NAMESPACE, owner=0)
    if _works(_NOBODY):
        return Identity(prefix=_NOBODY, owner=NOBODY)
    raise CannotStart(
        "Postgres can't run as root, and this machine lets root become nobody else:"
        " run this as a normal user, or set DATABASE_URL to a server of your own."
    )


def _works(prefix: Sequence[str]) -> bool:
    try:
        trial = subprocess.run([*prefix, "true"], capture_output=True, timeout=5, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return trial.returncode == 0
