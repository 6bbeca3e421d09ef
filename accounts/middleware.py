"""Lets guests through the entrance without taking their session away, and notes where people are."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from zoneinfo import available_timezones

from allauth.account.adapter import get_adapter
from allauth.core.ratelimit import respond_429
from allauth.usersessions.models import UserSession
from django.contrib import messages
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.deprecation import MiddlewareMixin

from accounts import factors, limits
from accounts.models import User

_BY_OTHERS = ("openid_connect_login", "google_login", "github_login")
_ENTRANCE = {
    "account_login",
    "account_signup",
    "account_request_login_code",
    "account_confirm_login_code",
    "account_email_verification_sent",
    "account_reset_password",
    "account_confirm_password_reset_code",
    "account_complete_password_reset",
    "account_password_reset_completed",
    "mfa_authenticate",
    "mfa_login_webauthn",
    "socialaccount_signup",
    *_BY_OTHERS,
    *(name.replace("_login", "_callback") for name in _BY_OTHERS),
}
_CODE_FORMS = {
    "account_confirm_login_code",
    "account_email_verification_sent",
    "account_confirm_password_reset_code",
}
# Where a person sets a factor up, shows again who they are, or leaves.
_WITHOUT_FACTOR = ("mfa_", "account_logout", "account_reauthenticate", "account_email")
_CODE_TRIES = 10
_CODE_WINDOW_SECONDS = 10 * 60
SEEN_EVERY = timedelta(minutes=1)


class EntranceMiddleware(MiddlewareMixin):
    """Two rules for the sign-in pages.

    allauth sends everybody who is signed in away from them, guests too, so there a guest is shown to it
    as nobody. The session stays the guest's until a sign-in completes: whoever gives up half way is
    still the guest they were. And codes can be tried a few times only: allauth counts wrong ones in the
    session, where parallel tries overtake each other.
    """

    def process_view(
        self, request: HttpRequest, view: Callable[..., HttpResponseBase], args: Any, kwargs: Any
    ) -> HttpResponseBase | None:
        del view, args, kwargs
        name = request.resolver_match.url_name if request.resolver_match else None
        leaving = name == "account_logout" and "cancel" in request.POST
        user = request.user
        if (name in _ENTRANCE or leaving) and isinstance(user, User) and user.is_guest:
            request.guest = user  # type: ignore[attr-defined]
            request.user = AnonymousUser()
        if name in _CODE_FORMS and request.method == "POST" and not _may_try_code(request):
            return respond_429(request)
        return None


class SeenMiddleware(MiddlewareMixin):
    """Notes device, address and time of a session; once in a while, not on every request."""

    def process_view(
        self, request: HttpRequest, view: Callable[..., HttpResponseBase], args: Any, kwargs: Any
    ) -> None:
        del view, args, kwargs
        key = request.session.session_key
        if key is None or not isinstance(request.user, User):
            return
        seen_lately = UserSession.objects.filter(
            session_key=key,
            user_id=request.user.pk,
            ip=get_adapter(request).get_client_ip(request),
            last_seen_at__gt=timezone.now() - SEEN_EVERY,
        )
        if not seen_lately.exists():
            UserSession.objects.create_from_request(request)


class TimeZoneMiddleware(MiddlewareMixin):
    """Times are told in the person's zone. Without one, or with one that has gone, in the server's."""

    def process_view(
        self, request: HttpRequest, view: Callable[..., HttpResponseBase], args: Any, kwargs: Any
    ) -> None:
        del view, args, kwargs
        zone = request.user.time_zone if isinstance(request.user, User) else ""
        if zone in available_timezones():
            timezone.activate(zone)
        else:
            timezone.deactivate()


class FactorMiddleware(MiddlewareMixin):
    """Whoever must have a second factor sets one up first. Websockets ask by themselves."""

    def process_view(
        self, request: HttpRequest, view: Callable[..., HttpResponseBase], args: Any, kwargs: Any
    ) -> HttpResponseBase | None:
        del view, args, kwargs
        name = (request.resolver_match.url_name if request.resolver_match else None) or ""
        user = request.user
        if name.startswith(_WITHOUT_FACTOR) or not isinstance(user, User) or not factors.is_missing(user):
            return None
        messages.info(request, "This server asks for a second factor. Set one up to go on.")
        return redirect("mfa_index")


class LeavingMiddleware(MiddlewareMixin):
    """Sends people on to an issuer by a page instead of a redirect.

    The policy lets forms go to this site only, and browsers hold a form's redirect to it as well.
    """

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        name = request.resolver_match.url_name if request.resolver_match else None
        if request.method != "POST" or name not in _BY_OTHERS or response.status_code != 302:
            return response
        page = render(request, "socialaccount/leaving.html", {"address": response.headers["Location"]})
        page.cookies = response.cookies
        return page


def _may_try_code(request: HttpRequest) -> bool:
    session = request.session.session_key
    if session is None:  # no code was ever sent to this browser
        return True
    return limits.take(name="code", key=session, limit=_CODE_TRIES, window_seconds=_CODE_WINDOW_SECONDS)
