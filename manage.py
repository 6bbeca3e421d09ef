#!/usr/bin/env python
"""Every command of Better Chat: `uv run manage.py serve` starts all of it."""

import os
import sys

from django.core.exceptions import ImproperlyConfigured
from django.core.management import execute_from_command_line

from betterchat.management.commands import serve


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "betterchat.settings")
    try:
        if sys.argv[1:2] == ["serve"]:
            # It only starts other processes: without the applications it is there 2.5 s sooner.
            serve.Command().run_from_argv(sys.argv)
        else:
            execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
