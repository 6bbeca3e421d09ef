"""The whole product as a person has it: `manage.py serve`, an operator, a token, a fake provider."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.fakes.upstream import FakeUpstream
from tests.processes import ServeProcess

OPERATOR = "olive@example.org"
PASSWORD = "correct horse battery 9"


@dataclass
class Product:
    serve: ServeProcess
    upstream: FakeUpstream
    token: str

    @property
    def url(self) -> str:
        return self.serve.base_url

    def manage(self, *arguments: str, seconds: float = 60) -> subprocess.CompletedProcess[str]:
        """Run `manage.py …` on the same data folder."""
        return manage(self.serve, *arguments, seconds=seconds)

    def answer_text(self, conversation_id: str) -> str:
        """All text of the newest answer as Postgres has it, reasoning included."""
        rows = self.serve.query(
            "SELECT parts FROM chat_message WHERE role = 'assistant' "
            f"AND conversation_id = '{conversation_id}' ORDER BY created_at DESC LIMIT 1"
        )
        parts = rows[0][0]
        assert isinstance(parts, list)
        return "".join(part["text"] for part in parts)


def manage(
    serve: ServeProcess, *arguments: str, environment: dict[str, str] | None = None, seconds: float = 60
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [serve.argv[0], serve.argv[1], *arguments],
        env=serve.environment | (environment or {}),
        cwd=Path(serve.argv[1]).parent,
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )


def make_operator(serve: ServeProcess) -> str:
    """An operator with a password; a token of theirs."""
    made = manage(
        serve,
        "createsuperuser",
        "--noinput",
        f"--email={OPERATOR}",
        environment={"DJANGO_SUPERUSER_PASSWORD": PASSWORD},
    )
    assert made.returncode == 0, made.stderr
    token = manage(serve, "token", OPERATOR, "--name", "tests")
    assert token.returncode == 0, token.stderr
    return next(word for word in token.stdout.split() if word.startswith("bct_"))
