"""The page of a person's access tokens."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from accounts import tokens
from accounts.access import account_holder
from accounts.forms import TokenForm

_TOKENS_MAX = 50


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@never_cache
def home(request: HttpRequest) -> HttpResponse:
    """Answers with the page itself, not a redirect: nothing keeps the token until the next request."""
    user = account_holder(request)
    kept = user.access_tokens.filter(revoked_at=None)
    form = TokenForm(request.POST if request.method == "POST" else None)
    raw = None
    if form.is_bound:
        if kept.count() >= _TOKENS_MAX:
            form.add_error(None, f"You have {_TOKENS_MAX} tokens. Revoke one first.")
        if form.is_valid():
            raw = tokens.issue(user, name=form.cleaned_data["name"], expires_at=form.expires_at())
            form = TokenForm()
    context = {"form": form, "new_token": raw, "access_tokens": kept.all()}
    return render(request, "account/tokens.html", context, status=400 if form.errors else 200)


@require_POST
@login_required
def revoke(request: HttpRequest, token_id: int) -> HttpResponse:
    if tokens.revoke(account_holder(request), token_id=token_id):
        messages.success(request, "Revoked. Programs that use this token are signed out.")
    return redirect("accounts:tokens")
