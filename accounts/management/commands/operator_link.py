from argparse import ArgumentParser

from django.conf import settings
from django.core.management.base import BaseCommand

from accounts.operators import operator_link


class Command(BaseCommand):
    help = "Print the one-time link that makes the operator's account; nothing where there is an operator."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--base-url",
            default=settings.PUBLIC_URL or "http://localhost:8000",
            help="where the server is reached (default: BETTERCHAT_URL, else %(default)s)",
        )

    def handle(self, *args: object, base_url: str, **options: object) -> None:
        del args, options
        link = operator_link(base_url)
        if link:
            self.stdout.write(link)
