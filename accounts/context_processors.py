from functools import partial

from django.conf import settings
from django.http import HttpRequest

from accounts import factors


def entrance(request: HttpRequest) -> dict[str, object]:
    """Which ways in this server offers."""
    return {
        "mail_is_set_up": settings.MAIL_IS_SET_UP,
        "registration": settings.REGISTRATION,
        "guests_allowed": settings.GUESTS_ALLOWED,
        # Asked only where it is shown: a request with a foreign Host has no address to judge.
        "no_passkeys_because": partial(factors.no_passkeys_because, request),
    }
