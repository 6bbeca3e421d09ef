from pathlib import Path

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from chat.protocol.document import protocol_text, schema_text


class Command(BaseCommand):
    help = "Write PROTOCOL.md and the JSON Schema from the types in chat/protocol."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--check", action="store_true", help="Write nothing; fail where they differ.")

    def handle(self, *, check: bool, **options: object) -> None:
        root: Path = settings.BASE_DIR
        targets = {
            root / "chat" / "protocol" / "PROTOCOL.md": protocol_text(),
            root / "static" / "src" / "protocol" / "schema.json": schema_text(),
        }
        for path, text in targets.items():
            if check and (not path.exists() or path.read_text() != text):
                raise CommandError(f"{path.name} is not what the types say. Run manage.py export_protocol.")
            if not check:
                path.write_text(text)
