from django.core.management.base import BaseCommand

from providers.environment import sync_from_environment


class Command(BaseCommand):
    help = "Make providers usable whose keys or servers are found in the environment."

    def handle(self, *args: object, **options: object) -> None:
        for line in sync_from_environment():
            self.stdout.write(line)
