"""The page of a person's sessions."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from accounts import sessions
from accounts.access import account_holder


@require_GET
@login_required
@never_cache
def home(request: HttpRequest) -> HttpResponse:
    listed = sessions.list_sessions(account_holder(request), current_key=request.session.session_key)
    return render(request, "account/sessions.html", {"sessions": listed})


@require_POST
@login_required
def end_one(request: HttpRequest, session_id: int) -> HttpResponse:
    """Ending the session one is in is a sign-out; the page has no button for it."""
    if not sessions.end_one(account_holder(request), session_id=session_id):
        raise Http404
    messages.success(request, "Signed out there.")
    return redirect("accounts:sessions")


@require_POST
@login_required
def end_others(request: HttpRequest) -> HttpResponse:
    sessions.end_others(request, account_holder(request))
    messages.success(request, "Signed out everywhere else.")
    return redirect("accounts:sessions")
