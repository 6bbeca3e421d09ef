"""Taking one's data along, and going."""

from allauth.account.decorators import reauthentication_required
from django.contrib import auth, messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from accounts import deletion, export, limits
from accounts.access import account_holder
from accounts.forms import DeletionForm
from accounts.models import User

_EXPORTS_PER_HOUR = 6


@require_POST
@login_required
@never_cache
def download(request: HttpRequest) -> HttpResponse:
    user = account_holder(request)
    if not limits.take(name="export", key=str(user.pk), limit=_EXPORTS_PER_HOUR, window_seconds=60 * 60):
        return render(request, "429.html", status=429)
    name = f"betterchat-{timezone.localdate():%Y-%m-%d}.zip"
    return HttpResponse(
        export.archive(user),
        content_type="application/zip",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@never_cache
@reauthentication_required
def delete(request: HttpRequest) -> HttpResponse:
    user = account_holder(request)
    form = DeletionForm(request.POST or None, user=user)
    if not form.is_valid():
        return render(request, "account/delete.html", {"form": form}, status=400 if form.is_bound else 200)
    person = User.objects.get(pk=user.pk)
    try:
        deletion.delete_person(person)
    except deletion.LastOperatorError:
        form.add_error(None, "You are the only operator. Make somebody else one first.")
        return render(request, "account/delete.html", {"form": form}, status=409)
    auth.logout(request)
    messages.success(request, "Your account and everything in it is deleted.")
    return redirect("account_login")
