"""The list of models and what a person chose about them: plain forms, and the way there for the picker."""

from urllib.parse import urlencode

import msgspec
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from accounts.models import User
from betterchat.core.errors import ErrorCode, UserFacingError
from providers.catalogue import read_catalogue
from providers.picker import all_groups
from providers.preferences import Change, change_preference
from providers.views import own_page

_QUERY_CHARACTERS_MAX = 200


@own_page("GET", "HEAD", "POST", for_guests="providers/models_guest.html")
def models(request: HttpRequest, user: User) -> HttpResponse:
    """`?q=` finds. POST names one change and its model: `favourite=openai:gpt-4.1-mini`.

    Asked for JSON, it answers 204, or the failure as `code`, `sentence` and `next_step`.
    """
    if request.method != "POST":
        return _page(request, user)
    wants_json = not request.accepts("text/html")
    try:
        change, model_id = _asked(request)
        change_preference(user, change, model_id=model_id)
    except UserFacingError as error:
        return _refusal(error) if wants_json else _page(request, user, problem=error)
    # The browser keeps the fragment: the page opens where it was left.
    return HttpResponse(status=204) if wants_json else redirect(request.get_full_path())


def _asked(request: HttpRequest) -> tuple[Change, str]:
    for change in Change:
        if model_id := request.POST.get(change.value, ""):
            return change, model_id
    raise UserFacingError(ErrorCode.BAD_REQUEST, details={"reason": "it names no change"})


def _page(request: HttpRequest, user: User, *, problem: UserFacingError | None = None) -> HttpResponse:
    catalogue = read_catalogue(user)
    query = request.GET.get("q", "")[:_QUERY_CHARACTERS_MAX]
    context = {
        "groups": all_groups(catalogue, query=query),
        "default": catalogue.default,
        "chosen_default_id": catalogue.default_id,
        "query": query,
        "address": f"?{urlencode({'q': query})}" if query else request.path,
        "problem": problem,
    }
    return render(request, "providers/models.html", context, status=problem.http_status if problem else 200)


def _refusal(error: UserFacingError) -> HttpResponse:
    body = {"code": error.code.value, "sentence": error.sentence, "next_step": error.next_step}
    return HttpResponse(msgspec.json.encode(body), content_type="application/json", status=error.http_status)
