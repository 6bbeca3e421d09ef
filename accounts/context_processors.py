from django.conf import settings
from django.http import HttpRequest


def entrance(request: HttpRequest) -> dict[str, bool]:
    """Which ways in this server offers."""
    del request
    return {"mail_is_set_up": settings.MAIL_IS_SET_UP, "guests_allowed": settings.GUESTS_ALLOWED}
