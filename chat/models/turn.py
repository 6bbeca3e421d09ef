"""Turn: one request until its answer is complete."""

from django.db import models
from django.db.models.functions import Now


class TurnState(models.TextChoices):
    QUEUED = "queued", "Waiting for the answer before it"
    STARTING = "starting", "Waiting for a worker"
    RUNNING = "running", "Being answered"
    COMPLETED = "completed", "Completed"
    STOPPED = "stopped", "Stopped"
    FAILED = "failed", "Failed"


UNFINISHED = (TurnState.QUEUED, TurnState.STARTING, TurnState.RUNNING)
RUNNABLE = (TurnState.STARTING, TurnState.RUNNING)


class Turn(models.Model):
    """`attempt` counts the workers that took the turn and fences them: a write with an older number
    than the stored one is refused, by Postgres and by the turn's stream alike."""

    id = models.UUIDField(primary_key=True)
    conversation = models.ForeignKey("chat.Conversation", models.CASCADE, related_name="turns")
    message = models.ForeignKey("chat.Message", models.CASCADE, related_name="turns")
    answer = models.OneToOneField("chat.Message", models.CASCADE, related_name="turn")
    model_id = models.CharField(max_length=200)
    effort = models.CharField(max_length=8, blank=True)
    state = models.CharField(max_length=16, choices=TurnState.choices)
    attempt = models.PositiveIntegerField(default=0)
    deaths = models.PositiveIntegerField(default=0, help_text="Attempts that ended without a word of theirs.")
    stop_requested_at = models.DateTimeField(null=True, blank=True)
    finish_reason = models.CharField(max_length=16, blank=True)
    error_code = models.CharField(max_length=64, blank=True)
    error_details = models.JSONField(default=dict, blank=True)
    retry_after_seconds = models.PositiveIntegerField(null=True, blank=True)
    created_at = models.DateTimeField(db_default=Now())
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            # One turn at a time per leaf: the leaf of a turn is the message it answers.
            models.UniqueConstraint(
                fields=["message"],
                condition=models.Q(state__in=["queued", "starting", "running"]),
                name="one_unfinished_turn_per_message",
            )
        ]
        indexes = [
            models.Index(
                "conversation",
                name="turn_unfinished",
                condition=models.Q(state__in=["queued", "starting", "running"]),
            )
        ]

    def __str__(self) -> str:
        return str(self.pk)
