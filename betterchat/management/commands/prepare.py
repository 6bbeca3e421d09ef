"""`manage.py prepare`: what must be true of the database before web and worker start."""

import io
import json
from argparse import ArgumentParser

from django.core.management import call_command
from django.core.management.base import BaseCommand


class Command(BaseCommand):
    help = "Migrate the database, read models from the environment, show the operator's link if needed."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--base-url", default="http://127.0.0.1:8000", help="for the operator's link")
        parser.add_argument("--json", action="store_true", help="one JSON object: models, operator_link")

    def handle(self, *, base_url: str, json: bool, **_options: object) -> None:
        call_command("migrate", interactive=False, verbosity=0)
        models, link = _output_of("sync_environment"), _output_of("operator_link", base_url=base_url)
        self.stdout.write(_as_json(models, link=link) if json else "\n".join([models, link]))


def _as_json(models: str, *, link: str) -> str:
    return json.dumps({"models": models, "operator_link": link})


def _output_of(command: str, **options: str) -> str:
    output = io.StringIO()
    call_command(command, stdout=output, **options)
    return output.getvalue().strip()
