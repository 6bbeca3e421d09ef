"""`manage.py prepare`: what must be true of the database before web and worker start."""

import io
import json
from argparse import ArgumentParser

from django.core.management import call_command
from django.core.management.base import BaseCommand

from betterchat.core import sealed


class Command(BaseCommand):
    help = "Migrate the database, read models from the environment, show the operator's link if needed."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--base-url", default="http://127.0.0.1:8000", help="for the operator's link")
        parser.add_argument(
            "--json", action="store_true", help="one JSON object: models, operator_link, warning"
        )

    def handle(self, *, base_url: str, json: bool, **_options: object) -> None:
        call_command("migrate", interactive=False, verbosity=0)
        models, link = _output_of("sync_environment"), _output_of("operator_link", base_url=base_url)
        warning = master_key_warning()
        text = "\n".join(filter(None, [models, link, warning]))
        self.stdout.write(_as_json(models, link=link, warning=warning) if json else text)


def master_key_warning() -> str:
    """One sentence where stored keys can't be opened, else "". No reason not to start: the rest works."""
    if not (missing := sealed.missing_keys()):
        return ""
    ids = ", ".join(sorted(missing))
    return (
        f"Warning: {sum(missing.values())} stored keys can't be opened, for they were wrapped with the master"
        f" key {ids}, which is not among MASTER_KEYS: add it there, or have those keys entered again."
    )


def _as_json(models: str, *, link: str, warning: str) -> str:
    return json.dumps({"models": models, "operator_link": link, "warning": warning})


def _output_of(command: str, **options: str) -> str:
    output = io.StringIO()
    call_command(command, stdout=output, **options)
    return output.getvalue().strip()
