"""Deleting a person: whatever leads to them goes, or is made nobody's."""

from allauth.usersessions.models import UserSession
from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.contrib.sessions.models import Session
from django.db import transaction

from accounts.models import User
from betterchat.core import personal_data
from betterchat.core.personal_data import AfterCommit

GONE = "a deleted person"


class LastOperatorError(Exception):
    """Nobody would be left to run the place."""


def delete_person(user: User) -> None:
    """All or nothing. Raises LastOperatorError."""
    with transaction.atomic(durable=True):
        following = delete_in_transaction(user)
    for follow in following:
        follow()


def delete_in_transaction(user: User) -> list[AfterCommit]:
    """For callers that are in a transaction: what is returned follows its commit."""
    operators = User.objects.select_for_update().filter(is_superuser=True, is_active=True)
    ids = set(operators.order_by("pk").values_list("pk", flat=True))
    if ids == {user.pk}:
        raise LastOperatorError
    following: list[AfterCommit] = []
    # The guests this person was before came along without becoming the same row.
    for guest in User.objects.filter(continued_by=user, is_guest=True).exclude(pk=user.pk):
        following += delete_in_transaction(guest)
    following += [holder.delete(user.pk) for holder in personal_data.holders()]
    keys = UserSession.objects.filter(user_id=user.pk).values_list("session_key", flat=True)
    Session.objects.filter(session_key__in=list(keys)).delete()
    people = ContentType.objects.get_for_model(User)
    LogEntry.objects.filter(content_type=people, object_id=str(user.pk)).update(object_repr=GONE)
    User.objects.get(pk=user.pk).delete()
    return following
