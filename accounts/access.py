"""Who may use the account pages."""

from typing import cast

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest

from accounts.models import User


def account_holder(request: HttpRequest) -> User:
    """The signed-in person; guests have no account to change."""
    user = cast("User", request.user)
    if user.is_guest:
        raise PermissionDenied
    return user
