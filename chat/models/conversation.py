"""Conversation: a tree of messages and its place in somebody's sidebar."""

from typing import TYPE_CHECKING, Self

from django.conf import settings
from django.db import models
from django.db.models.functions import Now

if TYPE_CHECKING:
    from accounts.models import User

TITLE_CHARACTERS_MAX = 80


class TitleSource(models.TextChoices):
    PLACEHOLDER = "placeholder", "First words"
    MODEL = "model", "Made by the model"
    MANUAL = "manual", "Given by hand"


class ConversationQuerySet(models.QuerySet["Conversation"]):
    """The query is the permission: nothing else decides who reads or writes a conversation."""

    def readable_by(self, user: "User") -> Self:
        return self.filter(owner=user, deleted_at=None)

    def writable_by(self, user: "User") -> Self:
        return self.filter(owner=user, deleted_at=None)

    def deleted_by(self, user: "User") -> Self:
        """What `user` may bring back."""
        return self.filter(owner=user).exclude(deleted_at=None)


class Conversation(models.Model):
    """`version` counts every change that tabs are told of, so that a tab notices a lost event."""

    id = models.UUIDField(primary_key=True)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="conversations")
    title = models.CharField(max_length=TITLE_CHARACTERS_MAX)
    title_source = models.CharField(
        max_length=16, choices=TitleSource.choices, default=TitleSource.PLACEHOLDER
    )
    model_id = models.CharField(max_length=200)
    effort = models.CharField(max_length=8, blank=True)
    active_leaf = models.ForeignKey("chat.Message", models.SET_NULL, null=True, related_name="+")
    version = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(db_default=Now())
    last_activity_at = models.DateTimeField(db_default=Now())
    deleted_at = models.DateTimeField(null=True, blank=True)

    objects = ConversationQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(
                "owner",
                models.F("last_activity_at").desc(),
                models.F("id").desc(),
                name="conversation_sidebar",
                condition=models.Q(deleted_at=None),
            ),
            models.Index("deleted_at", name="conversation_deleted", condition=~models.Q(deleted_at=None)),
        ]

    def __str__(self) -> str:
        return str(self.pk)
