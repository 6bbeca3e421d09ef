"""Message: a node of the tree."""

from django.conf import settings
from django.db import models
from django.db.models.functions import Now

from chat.protocol.commands import Position
from chat.protocol.parts import Part, decode_parts


class Role(models.TextChoices):
    USER = "user", "Person"
    ASSISTANT = "assistant", "Model"


class Message(models.Model):
    """`parts` is final once `text_sha256` is set. Until then it is a checkpoint of an answer, as far as
    `attempt` and `sequence` say; what came since is in the turn's stream."""

    id = models.UUIDField(primary_key=True)
    conversation = models.ForeignKey("chat.Conversation", models.CASCADE, related_name="messages")
    parent = models.ForeignKey("self", models.CASCADE, null=True, related_name="children")
    role = models.CharField(max_length=16, choices=Role.choices)
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+", db_index=False
    )
    model_id = models.CharField(max_length=200, blank=True)
    parts = models.JSONField(default=list)
    attempt = models.PositiveIntegerField(default=0)
    sequence = models.PositiveIntegerField(default=0)
    text_sha256 = models.CharField(max_length=64, blank=True)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        indexes = [models.Index("conversation", "created_at", name="message_of_conversation")]

    def __str__(self) -> str:
        return str(self.pk)

    @property
    def decoded_parts(self) -> list[Part]:
        return decode_parts(self.parts)

    @property
    def position(self) -> Position:
        return Position(attempt=self.attempt, sequence=self.sequence)
