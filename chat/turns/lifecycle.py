"""What the worker stores of a turn: claim, checkpoints and the end. Each is fenced by the attempt number.

Locks in the order Conversation, Turn. An attempt that finds itself replaced gets `Fenced` and stops.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db import transaction
from django.db.models import Case, F, IntegerField, Q, When
from django.db.models.functions import Coalesce, Now
from django.utils import timezone

from betterchat.core.errors import UserFacingError
from chat.broadcast import Broadcast, ToPerson, ToRoom
from chat.models import Conversation, Message, TitleSource, Turn, TurnState
from chat.models.turn import RUNNABLE
from chat.protocol.events import TurnCreated, TurnFinished, TurnStarted
from chat.protocol.parts import Part, encode_parts, text_sha256, written_text
from chat.queries import listed, message_info, running_among, turn_info
from chat.spending import conversation_usage, turn_usages
from chat.turns.fence import Fenced
from chat.turns.jobs import defer_run, defer_title
from chat.turns.usage import UsageMeter, last_writer, settle_orphans


@dataclass(frozen=True, slots=True)
class Claim:
    """A turn in the hands of this worker. `kept` is what an earlier attempt stored of the answer, `writer`
    who wrote it."""

    turn: Turn
    kept: list[Part]
    writer: str
    stop_requested: bool
    broadcasts: tuple[Broadcast, ...]


@dataclass(frozen=True, slots=True)
class Checkpoint:
    turn_id: UUID
    answer_id: UUID
    attempt: int
    sequence: int
    parts: list[dict[str, object]]


@dataclass(frozen=True, slots=True)
class Ending:
    """How a turn ended. `error` is set for FAILED only, `finish_reason` for COMPLETED only."""

    state: TurnState
    finish_reason: str = ""
    error: UserFacingError | None = None


def claim(turn_id: UUID) -> Claim:
    """Take a turn for this worker. Raises Fenced where there is nothing to do any more."""
    with transaction.atomic(durable=True):
        conversation = _locked_conversation(turn_id)
        # One that is still running was not given back: whoever had it died, or is frozen.
        died = Case(
            When(state=TurnState.RUNNING, then=F("deaths") + 1),
            default=F("deaths"),
            output_field=IntegerField(),
        )
        claimed = Turn.objects.filter(pk=turn_id, state__in=RUNNABLE).update(
            state=TurnState.RUNNING,
            attempt=F("attempt") + 1,
            deaths=died,
            started_at=Coalesce("started_at", Now()),
        )
        if not claimed:
            raise Fenced
        turn = Turn.objects.select_related("answer", "message").get(pk=turn_id)
        version = _count_version(conversation)
    started = ToRoom(conversation.pk, TurnStarted(version=version, turn=turn_info(turn)))
    return Claim(
        turn=turn,
        kept=turn.answer.decoded_parts,
        writer=last_writer(turn),
        stop_requested=turn.stop_requested_at is not None,
        broadcasts=(started,),
    )


def _locked_conversation(turn_id: UUID) -> Conversation:
    """Raises Fenced where it was deleted with its person."""
    conversation = Conversation.objects.select_for_update().filter(turns=turn_id).first()
    if conversation is None:
        raise Fenced
    return conversation


def save_checkpoints(checkpoints: Iterable[Checkpoint]) -> None:
    """Store unfinished answers. A replaced attempt's checkpoint changes nothing.

    The turns are locked first: conditions on another table would be looked at as they were when the
    update began, and the end that is just being stored would be overwritten.
    """
    points = list(checkpoints)
    with transaction.atomic(durable=True):
        running = Turn.objects.filter(pk__in=[point.turn_id for point in points], state=TurnState.RUNNING)
        attempts = dict(running.select_for_update(no_key=True).order_by("pk").values_list("pk", "attempt"))
        for point in points:
            if attempts.get(point.turn_id) == point.attempt:
                Message.objects.filter(
                    Q(attempt__lt=point.attempt) | Q(attempt=point.attempt, sequence__lt=point.sequence),
                    pk=point.answer_id,
                ).update(parts=point.parts, attempt=point.attempt, sequence=point.sequence)


def standing(turns: dict[UUID, int]) -> tuple[set[UUID], set[UUID]]:
    """Of running turns and their attempts: those to be stopped, and those that are no longer ours."""
    rows = {
        pk: (attempt, state, stop)
        for pk, attempt, state, stop in Turn.objects.filter(pk__in=list(turns)).values_list(
            "pk", "attempt", "state", "stop_requested_at"
        )
    }
    fenced = {
        pk for pk, attempt in turns.items() if pk not in rows or rows[pk][:2] != (attempt, TurnState.RUNNING)
    }
    stopped = {pk for pk, (_, _, stop) in rows.items() if stop is not None} - fenced
    return stopped, fenced


def finish(
    turn_id: UUID,
    *,
    attempt: int,
    sequence: int,
    parts: list[Part],
    ending: Ending,
    meters: Sequence[UsageMeter] = (),
) -> tuple[Broadcast, ...]:
    """Store the end of a turn and set the next one going. Raises Fenced."""
    with transaction.atomic(durable=True):
        conversation = _locked_conversation(turn_id)
        running = Turn.objects.filter(pk=turn_id, attempt=attempt, state=TurnState.RUNNING)
        if not running.update(**_ending_columns(ending)):
            raise Fenced
        turn = Turn.objects.select_related("message").get(pk=turn_id)
        sha256 = text_sha256(parts)
        Message.objects.filter(pk=turn.answer_id).update(
            parts=encode_parts(parts), attempt=attempt, sequence=sequence, text_sha256=sha256
        )
        for meter in meters:
            meter.store(user_id=turn.message.author_id)
        settle_orphans(turn, characters=len(written_text(parts)))
        if ending.state == TurnState.COMPLETED and _wants_title(conversation, turn):
            defer_title(turn.pk)
        return _after_end(conversation, turn, sha256=sha256)


def stop_waiting(turn: Turn, *, conversation: Conversation) -> tuple[Broadcast, ...]:
    """End a turn that no worker has now: none took it yet, or one gave it back with what it had written.

    Inside a transaction, under the conversation's lock.
    """
    waiting = Turn.objects.filter(pk=turn.pk, state__in=(TurnState.QUEUED, TurnState.STARTING))
    if not waiting.update(**_ending_columns(Ending(TurnState.STOPPED))):
        return ()
    parts = Message.objects.get(pk=turn.answer_id).decoded_parts
    sha256 = text_sha256(parts)
    Message.objects.filter(pk=turn.answer_id).update(text_sha256=sha256)
    turn.refresh_from_db()
    settle_orphans(turn, characters=len(written_text(parts)))
    return _after_end(conversation, turn, sha256=sha256)


def give_back(
    turn_id: UUID, *, attempt: int, sequence: int, parts: list[Part], meters: Sequence[UsageMeter]
) -> None:
    """Hand a turn to the next worker with all that there is of its answer. Raises Fenced."""
    with transaction.atomic(durable=True):
        running = Turn.objects.filter(pk=turn_id, attempt=attempt, state=TurnState.RUNNING)
        if not running.update(state=TurnState.STARTING):
            raise Fenced
        turn = Turn.objects.select_related("message").get(pk=turn_id)
        Message.objects.filter(pk=turn.answer_id).update(
            parts=encode_parts(parts), attempt=attempt, sequence=sequence
        )
        for meter in meters:
            meter.store(user_id=turn.message.author_id)
        defer_run(turn_id)


def _ending_columns(ending: Ending) -> dict[str, object]:
    error = ending.error
    return {
        "state": ending.state,
        "finish_reason": ending.finish_reason,
        "error_code": error.code.value if error else "",
        "error_details": error.details if error else {},
        "retry_after_seconds": error.retry_after_seconds if error else None,
        "finished_at": timezone.now(),
    }


def _after_end(conversation: Conversation, turn: Turn, *, sha256: str) -> tuple[Broadcast, ...]:
    """Start what waited for this answer, and say who must be told."""
    version = _count_version(conversation)
    finished = TurnFinished(
        version=version,
        turn=turn_info(turn, usage=turn_usages([turn.pk]).get(turn.pk)),
        text_sha256=sha256,
        conversation_usage=conversation_usage(conversation.pk),
    )
    broadcasts: list[Broadcast] = [ToRoom(conversation.pk, finished)]
    waiting = Turn.objects.filter(message__parent=turn.answer_id, state=TurnState.QUEUED)
    for following in waiting.select_related("message__author", "answer"):
        Turn.objects.filter(pk=following.pk).update(state=TurnState.STARTING)
        following.state = TurnState.STARTING
        defer_run(following.pk)
        version = _count_version(conversation)
        broadcasts.append(
            ToRoom(
                conversation.pk,
                TurnCreated(
                    version=version,
                    turn=turn_info(following),
                    message=message_info(following.message),
                    answer=message_info(following.answer),
                ),
            )
        )
    is_running = bool(running_among([conversation.pk]))
    broadcasts.append(ToPerson(conversation.owner_id, listed(conversation, is_running=is_running)))
    return tuple(broadcasts)


def _count_version(conversation: Conversation) -> int:
    conversation.version += 1  # under the row lock
    Conversation.objects.filter(pk=conversation.pk).update(version=conversation.version)
    return conversation.version


def _wants_title(conversation: Conversation, turn: Turn) -> bool:
    if conversation.title_source != TitleSource.PLACEHOLDER:
        return False
    completed = conversation.turns.filter(state=TurnState.COMPLETED)
    return not completed.exclude(pk=turn.pk).exists()
