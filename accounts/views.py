"""The account page, the way in for guests, and the first operator's page."""

from typing import cast

from django.conf import settings
from django.contrib import auth, messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts import guests, invitations, limits, operators
from accounts.access import account_holder
from accounts.forms import OperatorForm, ProfileForm
from accounts.models import User

_BACKEND = "allauth.account.auth_backends.AuthenticationBackend"


@require_GET
@login_required
@never_cache
def home(request: HttpRequest) -> HttpResponse:
    return _account_page(request)


@require_POST
@login_required
def rename(request: HttpRequest) -> HttpResponse:
    form = ProfileForm(request.POST, instance=account_holder(request))
    if not form.is_valid():
        return _account_page(request, profile_form=form, status=400)
    form.save()
    messages.success(request, "Saved.")
    return redirect("accounts:home")


@require_POST
@never_cache
def start_as_guest(request: HttpRequest) -> HttpResponse:
    """ "Try it": a person without an account, kept by the session alone."""
    if request.user.is_authenticated:
        return redirect("/")
    if not settings.GUESTS_ALLOWED:
        messages.info(request, "This server asks everybody to sign in.")
        return redirect("account_login")
    if not limits.take(
        name="guest",
        key=limits.network_of(request),
        limit=settings.GUESTS_PER_ADDRESS_AND_HOUR,
        window_seconds=60 * 60,
    ):
        return render(request, "429.html", status=429)
    auth.login(request, User.objects.create_guest(), backend=_BACKEND)
    return redirect("/")


@require_GET
@never_cache
def accept_invitation(request: HttpRequest, token: str) -> HttpResponse:
    if not invitations.accept(request, token):
        return render(request, "account/invitation_spent.html", status=410)
    return redirect("account_signup")


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@sensitive_post_parameters("password")
def become_operator(request: HttpRequest, token: str) -> HttpResponse:
    """The one-time link of a first run."""
    try:
        operators.check_link(token)
        form = OperatorForm(request.POST or None)
        if request.method != "POST" or not form.is_valid():
            return render(request, "account/operator.html", {"form": form})
        operator = operators.create_first_operator(
            token,
            email=form.cleaned_data["email"],
            display_name=form.cleaned_data["display_name"],
            password=form.cleaned_data["password"],
            guest=guests.guest_of(request),
        )
    except operators.OperatorLinkSpentError:
        return render(request, "account/operator_link_spent.html", status=410)
    auth.login(request, operator, backend=_BACKEND)
    return redirect("/")


def _account_page(
    request: HttpRequest, *, profile_form: ProfileForm | None = None, status: int = 200
) -> HttpResponse:
    user = cast("User", request.user)
    form = profile_form or ProfileForm(instance=user)
    return render(request, "account/home.html", {"profile_form": form}, status=status)
