"""Play container for root: a user namespace with all ids in it, in which no further one may be made.

Then start Postgres in the folder given, print the owner of its files and the answer to SELECT 1.
Exit code 77: this machine allows no such namespace.
"""

import os
import sys
from pathlib import Path

import psycopg

from betterchat import datafolder
from betterchat.embedded.postgres import Postgres


def main(folder: Path) -> None:
    ready, mapped = os.pipe(), os.pipe()
    child = os.fork()
    if child:
        os.read(ready[0], 1)
        for kind in ("uid_map", "gid_map"):
            Path(f"/proc/{child}/{kind}").write_text("0 0 65536")
        os.write(mapped[1], b".")
        sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
    try:
        os.unshare(os.CLONE_NEWUSER)
    except OSError:
        os._exit(77)
    os.write(ready[1], b".")
    os.read(mapped[0], 1)
    os.setgid(0)
    os.setuid(0)
    Path("/proc/sys/user/max_user_namespaces").write_text("0")
    _try(folder)


def _try(folder: Path) -> None:
    server = Postgres(folder, hasty=True)
    try:
        server.start()
        with psycopg.connect(datafolder.embedded_database_url(folder)) as connection:
            row = connection.execute("SELECT 1").fetchone()
        print((folder / "postgres").stat().st_uid, *(row or ()))
    finally:
        server.stop()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
