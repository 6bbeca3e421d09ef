from argparse import ArgumentParser
from datetime import timedelta

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from accounts import tokens
from accounts.models import PersonalAccessToken, User

_NAME_MAX = PersonalAccessToken._meta.get_field("name").max_length or 0
_DAYS_MAX = 3650


class Command(BaseCommand):
    help = "Make a personal access token and print it, once."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("email", help="whose account the token acts for")
        parser.add_argument("--name", required=True, help="what it is for")
        parser.add_argument("--expires-days", type=int, help="days until it ends (default: never)")

    def handle(
        self, *args: object, email: str, name: str, expires_days: int | None, **options: object
    ) -> None:
        del args, options
        user = User.objects.filter(email=email, is_active=True).first()
        if user is None:
            raise CommandError(f"There is no active account with the address {email}.")
        if not 0 < len(name) <= _NAME_MAX:
            raise CommandError(f"A name has between 1 and {_NAME_MAX} characters.")
        if expires_days is not None and not 0 < expires_days <= _DAYS_MAX:
            raise CommandError(f"--expires-days is between 1 and {_DAYS_MAX}.")
        expires_at = timezone.now() + timedelta(days=expires_days) if expires_days else None
        self.stdout.write(tokens.issue(user, name=name, expires_at=expires_at))
