"""`manage.py models`: what a person may pick, one per line: id, name, who serves it."""

from argparse import ArgumentParser

from django.core.management.base import BaseCommand, CommandError

from accounts.models import User
from providers.catalogue import default_model, pickable_models


class Command(BaseCommand):
    help = "List the models a person may pick. The default one is marked with *."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--user", metavar="EMAIL", help="For this account; else for any account.")

    def handle(self, *args: object, user: str | None, **options: object) -> None:
        person = User() if user is None else User.objects.filter(email=user).first()
        if person is None:
            raise CommandError(f"There is no account with the address {user}.")
        models = pickable_models(person)
        if not models:
            raise CommandError("No model can be picked: every endpoint or model is switched off.")
        default = default_model(person)
        width = max(len(model.id) for model in models)
        for model in models:
            mark = "*" if model.id == default.id else " "
            self.stdout.write(f"{mark} {model.id:<{width}}  {model.name} ({model.provider})")
