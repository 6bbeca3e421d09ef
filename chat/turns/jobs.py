"""The jobs of turns by name: deferred in the transaction that makes them necessary, run by `chat.tasks`."""

from uuid import UUID

from betterchat.core.db import defer_job

RUN_TURN = "run_turn"
MAKE_TITLE = "make_title"
PURGE_DELETED = "purge_deleted"
TURNS_QUEUE = "turns"
BACKGROUND_QUEUE = "background"


def defer_run(turn_id: UUID) -> None:
    defer_job(RUN_TURN, queue=TURNS_QUEUE, turn_id=str(turn_id))


def defer_title(turn_id: UUID) -> None:
    defer_job(MAKE_TITLE, queue=BACKGROUND_QUEUE, turn_id=str(turn_id))
