"""`manage.py sync_models`: compares with what endpoints list; the admin decides row by row."""

from argparse import ArgumentParser

from django.core.management.base import BaseCommand, CommandError

from providers.sync.proposing import Synced, endpoints_to_sync, sync_endpoint


class Command(BaseCommand):
    help = "Ask endpoints for their models and propose what changed. Nothing changes before you accept it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--endpoint", metavar="NAME", default="", help="Only this one.")

    def handle(self, *args: object, endpoint: str, **options: object) -> None:
        endpoints = endpoints_to_sync(endpoint)
        if not endpoints:
            raise CommandError(
                f"There is no endpoint {endpoint} that is switched on and lists its models."
                if endpoint
                else "No endpoint that is switched on lists its models."
            )
        results = [sync_endpoint(each) for each in endpoints]
        for result in results:
            self._tell(result)
        if any(result.waiting for result in results):
            self.stdout.write("Accept or reject them in the admin under Catalogue changes.")
        if failed := [result.endpoint for result in results if result.failure]:
            raise CommandError(f"Not compared: {', '.join(failed)}.")

    def _tell(self, result: Synced) -> None:
        if result.failure:
            self.stderr.write(f"{result.endpoint}: not compared, nothing changed: {result.failure}.")
            return
        rejected = f" ({result.rejected_before} rejected before)" if result.rejected_before else ""
        self.stdout.write(f"{result.endpoint}: {result.waiting} to decide{rejected}.")
        for note in result.notes:
            self.stdout.write(f"  {note}.")
