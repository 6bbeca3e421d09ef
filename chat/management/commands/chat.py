import asyncio
import contextlib
import json
import sys
import uuid
from datetime import timedelta
from typing import Literal, NoReturn, get_args
from uuid import UUID

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandParser
from django.db import Error as DatabaseError
from django.utils import timezone

from accounts import tokens
from accounts.models import User
from chat.client import ConnectionLost, Replica, connect, decode_frame, follow
from chat.protocol.commands import EffortName, StartTurn
from chat.protocol.events import (
    CommandAccepted,
    CommandRefused,
    ConversationCurrent,
    ConversationSnapshot,
    TurnInfo,
)
from chat.protocol.parts import plain_text

EXIT_FAILED = 1
EXIT_USAGE = 2
TOKEN_MINUTES = 60


class Refused(Exception):
    """The server said no; the text says why."""


class Command(BaseCommand):
    help = (
        "Send a message and print the answer as it comes. The protocol is told in chat/protocol/PROTOCOL.md."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("text", help="The message.")
        parser.add_argument(
            "--url", help="The server, e.g. http://127.0.0.1:8000. Default: the one of the data folder."
        )
        parser.add_argument(
            "--token", help="A personal access token. Default: the operator of the data folder."
        )
        parser.add_argument("--conversation", type=UUID, help="Continue this conversation.")
        parser.add_argument("--model", default="", help="A model id as `manage.py models` lists them.")
        parser.add_argument(
            "--effort", default="", choices=get_args(EffortName), help="How much the model should think."
        )
        parser.add_argument(
            "--json", action="store_true", dest="as_json", help="Print every event as one line of JSON."
        )

    def handle(
        self,
        *,
        text: str,
        url: str | None,
        token: str | None,
        conversation: UUID | None,
        model: str,
        effort: EffortName | Literal[""],
        as_json: bool,
        **options: object,
    ) -> None:
        url = url or _address_of_data_folder()
        issued = None if token else self._operators_token(url)
        try:
            exit_code = asyncio.run(
                _Talk(url=url, token=token or issued or "", as_json=as_json).run(
                    text=text, conversation_id=conversation, model_id=model, effort=effort
                )
            )
        except Refused as error:
            self._fail(str(error))
        except ConnectionLost as lost:
            self._fail(_connection_sentence(url, lost))
        except KeyboardInterrupt:
            exit_code = 130
        finally:
            if issued and (own := tokens.find(issued)):
                tokens.revoke(own.user, token_id=own.pk)
        sys.exit(exit_code)

    def _operators_token(self, url: str) -> str:
        """A short-lived token of the operator; where there is none yet, the link that makes one."""
        try:
            operator = User.objects.filter(is_superuser=True, is_active=True).order_by("pk").first()
            if operator is not None:
                ends = timezone.now() + timedelta(minutes=TOKEN_MINUTES)
                return tokens.issue(operator, name="manage.py chat", expires_at=ends)
            self.stdout.write("There is no operator yet. Open this link once to become it:")
            call_command("operator_link", base_url=url, stdout=self.stdout)
        except DatabaseError:
            self._fail("The database can't be reached. Start `manage.py serve`, or give --url and --token.")
        sys.exit(EXIT_USAGE)

    def _fail(self, sentence: str) -> NoReturn:
        self.stderr.write(f"error: {sentence}")
        sys.exit(EXIT_USAGE)


class _Talk:
    """One message and its answer."""

    def __init__(self, *, url: str, token: str, as_json: bool) -> None:
        self._url = url
        self._token = token
        self._as_json = as_json
        self._printed = 0

    async def run(
        self, *, text: str, conversation_id: UUID | None, model_id: str, effort: EffortName | Literal[""]
    ) -> int:
        replica = Replica()
        start = StartTurn(
            command_id=uuid.uuid4(),
            conversation_id=conversation_id or uuid.uuid4(),
            turn_id=uuid.uuid4(),
            message_id=uuid.uuid4(),
            parent_id=None,
            text=text,
            model_id=model_id,
            effort=effort,
        )
        if conversation_id is None:
            await self._start_new(start)
        frames = follow(self._url, start.conversation_id, token=self._token, replica=replica)
        accepted = conversation_id is None
        async with contextlib.aclosing(frames):
            async for frame, socket in frames:
                self._print_frame(frame)
                event = decode_frame(frame)
                if isinstance(event, CommandRefused) and event.command_id == start.command_id:
                    raise Refused(_refusal(event))
                if isinstance(event, CommandAccepted):
                    accepted = True
                if isinstance(event, ConversationSnapshot | ConversationCurrent) and not accepted:
                    await socket.send(start)  # after a lost connection again: it does nothing twice
                turn = replica.turns.get(start.turn_id)
                if turn is not None:
                    self._print_text(replica, turn)
                    if turn.state in ("completed", "stopped", "failed") and not replica.needs_resync:
                        return self._end(turn)
        raise AssertionError("a room has no end")

    async def _start_new(self, start: StartTurn) -> None:
        """The first message of a conversation creates it, over the person's socket."""
        async with connect(self._url, "/ws/me/", token=self._token) as socket:
            await socket.send(start)
            async for frame in socket.frames():
                self._print_frame(frame)
                match decode_frame(frame):
                    case CommandAccepted(command_id=command_id) if command_id == start.command_id:
                        return
                    case CommandRefused() as refused:
                        raise Refused(_refusal(refused))

    def _print_frame(self, frame: str) -> None:
        if self._as_json:
            print(frame, flush=True)

    def _print_text(self, replica: Replica, turn: TurnInfo) -> None:
        if self._as_json or (answer := replica.messages.get(turn.answer_id)) is None:
            return
        text = plain_text(answer.parts)
        print(text[self._printed :], end="", flush=True)
        self._printed = max(self._printed, len(text))

    def _end(self, turn: TurnInfo) -> int:
        if not self._as_json:
            print(flush=True)
        if turn.state == "completed":
            return 0
        if turn.error is None:
            print("stopped", file=sys.stderr)
        else:
            print(f"{turn.error.code}: {turn.error.sentence} {turn.error.next_step}", file=sys.stderr)
        return EXIT_FAILED


def _refusal(event: CommandRefused) -> str:
    return f"{event.error.code}: {event.error.sentence} {event.error.next_step}"


def _connection_sentence(url: str, lost: ConnectionLost) -> str:
    match lost.code:
        case 4401:
            return f"{url} does not accept this token."
        case 4404:
            return "That conversation isn't there, or it isn't yours."
        case 4406:
            return f"{url} speaks another version of the protocol."
        case _:
            return f"{url} can't be reached."


def _address_of_data_folder() -> str:
    """Where `manage.py serve` of this data folder listens, as it noted itself."""
    try:
        note = json.loads((settings.DATA_DIR / "serve.json").read_text())
        return str(note["url"])
    except (OSError, ValueError, KeyError):
        return "http://127.0.0.1:8000"
