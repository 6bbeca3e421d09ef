"""Mail on a server where none is set up: it appears in the console, readable."""

import sys
from collections.abc import Sequence

from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend


class ConsoleBackend(BaseEmailBackend):
    """Prints whom a mail is for and what it says, one plain line each."""

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        for message in email_messages:
            lines = [f"To {', '.join(message.to)}: {message.subject}", *str(message.body).splitlines()]
            sys.stdout.write("".join(f"[mail] {line}\n" for line in lines if line.strip()))
        sys.stdout.flush()
        return len(email_messages)
