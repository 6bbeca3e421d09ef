"""Pages for own keys, servers and models. Plain forms; each view calls one use case."""

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from accounts.models import User
from betterchat.core.errors import UserFacingError
from providers import keys
from providers.checking import CheckFailedError
from providers.forms import KeyForm, OwnModelForm, ServerForm
from providers.keys import NotSavedError
from providers.models import Endpoint, OwnModel, Provider
from providers.models.own_model import MODEL_NAME_CHARACTERS_MAX

_SERVER_IDS = "id_server_%s"  # beside the form of the key on the same page


def own_page[**P](
    *methods: str, for_guests: str = "providers/guest.html"
) -> Callable[
    [Callable[Concatenate[HttpRequest, User, P], HttpResponse]],
    Callable[Concatenate[HttpRequest, P], HttpResponse],
]:
    """A page for people with an account; others' things and things that are not there are both 404.

    `for_guests` is the template that tells a guest why not.
    """

    def decorate(
        view: Callable[Concatenate[HttpRequest, User, P], HttpResponse],
    ) -> Callable[Concatenate[HttpRequest, P], HttpResponse]:
        @require_http_methods(methods)
        @login_required
        @never_cache
        @sensitive_post_parameters("key")
        @wraps(view)
        def page(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
            user = cast("User", request.user)
            if user.is_guest:
                return render(request, for_guests, status=403)
            try:
                return view(request, user, *args, **kwargs)
            except UserFacingError:
                raise Http404 from None

        return cast("Callable[Concatenate[HttpRequest, P], HttpResponse]", page)

    return decorate


@own_page("GET", "HEAD")
def home(request: HttpRequest, user: User) -> HttpResponse:
    mine = {endpoint.name: endpoint for endpoint in keys.endpoints(user)}
    kinds = keys.hosted_providers()
    context = {
        "providers": [(kind, mine.get(kind.value)) for kind in kinds],
        "servers": [
            endpoint for name, endpoint in mine.items() if name not in {kind.value for kind in kinds}
        ],
    }
    return render(request, "providers/home.html", context)


@own_page("GET", "HEAD", "POST")
def add_provider(request: HttpRequest, user: User, kind: str) -> HttpResponse:
    provider = next((each for each in keys.hosted_providers() if each.value == kind), None)
    if provider is None:
        raise Http404
    form = KeyForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            added = keys.add_provider(user, provider, key=form.cleaned_data["key"], force=_forced(request))
        except NotSavedError as problem:
            form.refuse(problem)
        else:
            messages.success(request, f"{added.label} is ready. Its models are in the list of the chat.")
            return redirect("providers:endpoint", added.name)
    return _form_page(request, "providers/add_provider.html", form=form, provider=provider)


@own_page("GET", "HEAD", "POST")
def add_server(request: HttpRequest, user: User) -> HttpResponse:
    form = ServerForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            added = keys.add_server(user, **form.cleaned_data, force=_forced(request))
        except NotSavedError as problem:
            form.refuse(problem)
        else:
            messages.success(request, f"{added.label} is added.")
            return redirect("providers:endpoint", added.name)
    return _form_page(request, "providers/add_server.html", form=form)


@own_page("GET", "HEAD")
def endpoint(request: HttpRequest, user: User, slug: str) -> HttpResponse:
    return _endpoint_page(request, keys.get_endpoint(user, slug))


@own_page("POST")
def test(request: HttpRequest, user: User, slug: str) -> HttpResponse:
    try:
        checked = keys.test(user, slug)
    except CheckFailedError as failed:
        return _endpoint_page(request, keys.get_endpoint(user, slug), failed=failed)
    tested = keys.get_endpoint(user, slug)
    return _endpoint_page(request, tested, works=f"It works. {len(checked.models)} models are listed there.")


@own_page("POST")
def replace_key(request: HttpRequest, user: User, slug: str) -> HttpResponse:
    form = KeyForm(request.POST)
    if form.is_valid():
        try:
            keys.replace_key(user, slug, key=form.cleaned_data["key"], force=_forced(request))
        except NotSavedError as problem:
            form.refuse(problem)
        else:
            messages.success(request, "The new key is saved. The old one is gone.")
            return redirect("providers:endpoint", slug)
    return _endpoint_page(request, keys.get_endpoint(user, slug), key_form=form)


@own_page("GET", "HEAD", "POST")
def delete_key(request: HttpRequest, user: User, slug: str) -> HttpResponse:
    found = keys.get_endpoint(user, slug)
    if request.method == "POST":
        keys.delete_key(user, slug)
        messages.success(request, "The key is deleted.")
        return redirect("providers:endpoint", slug)
    return render(request, "providers/delete_key.html", {"endpoint": found})


@own_page("POST")
def change_server(request: HttpRequest, user: User, slug: str) -> HttpResponse:
    form = ServerForm(request.POST, new=False, auto_id=_SERVER_IDS)
    before = keys.get_endpoint(user, slug)
    if form.is_valid():
        try:
            changed = keys.change_server(user, slug, **form.cleaned_data, force=_forced(request))
        except NotSavedError as problem:
            form.refuse(problem)
        else:
            gone = _key(before) is not None and _key(keys.get_endpoint(user, slug)) is None
            note = " The key belonged to the old address and is deleted." if gone else ""
            messages.success(request, f"{changed.label} is saved.{note}")
            return redirect("providers:endpoint", slug)
    return _endpoint_page(request, before, server_form=form)


@own_page("GET", "HEAD", "POST")
def delete_endpoint(request: HttpRequest, user: User, slug: str) -> HttpResponse:
    found = keys.get_endpoint(user, slug)
    if request.method == "POST":
        keys.delete_endpoint(user, slug)
        messages.success(request, f"{found.label} is deleted.")
        return redirect("providers:home")
    return render(request, "providers/delete_endpoint.html", {"endpoint": found})


@own_page("GET", "HEAD", "POST")
def add_model(request: HttpRequest, user: User, slug: str) -> HttpResponse:
    found = keys.get_endpoint(user, slug)
    form = OwnModelForm(request.POST or None, instance=OwnModel(endpoint=found))
    if request.method == "POST" and form.is_valid():
        try:
            keys.add_model(found, **form.cleaned_data)
        except NotSavedError as problem:
            form.add_error(None, problem.sentence)
        else:
            messages.success(request, "The model is added.")
            return redirect("providers:endpoint", slug)
    return _form_page(request, "providers/model.html", form=form, endpoint=found)


@own_page("GET", "HEAD", "POST")
def listed_models(request: HttpRequest, user: User, slug: str) -> HttpResponse:
    """What the provider lists, to choose from. POST with names adds them, without names asks for the list."""
    found = keys.get_endpoint(user, slug)
    if request.method != "POST":
        return redirect("providers:endpoint", slug)
    if names := request.POST.getlist("name"):
        try:
            count = keys.add_models(
                found, [name for name in names if name.split() == [name] and "\0" not in name]
            )
        except NotSavedError as problem:
            chosen = set(names)
            context = {"endpoint": found, "names": names, "chosen": chosen, "problem": problem.sentence}
            return render(request, "providers/listed_models.html", context, status=409)
        messages.success(request, f"{count} models are added." if count != 1 else "One model is added.")
        return redirect("providers:endpoint", slug)
    try:
        checked = keys.test(user, slug)
    except CheckFailedError as failed:
        return _endpoint_page(request, found, failed=failed)
    there = set(found.own_models.values_list("provider_model", flat=True))
    names = [name for name in checked.models if name not in there and len(name) <= MODEL_NAME_CHARACTERS_MAX]
    return render(request, "providers/listed_models.html", {"endpoint": found, "names": names})


@own_page("GET", "HEAD", "POST")
def change_model(request: HttpRequest, user: User, slug: str, model_pk: int) -> HttpResponse:
    model = keys.get_model(user, slug, model_pk)
    form = OwnModelForm(request.POST or None, instance=model)
    if request.method == "POST" and form.is_valid():
        form.save()
        messages.success(request, f"{form.instance.name} is saved.")
        return redirect("providers:endpoint", slug)
    return _form_page(request, "providers/model.html", form=form, endpoint=model.endpoint, model=model)


@own_page("GET", "HEAD", "POST")
def delete_model(request: HttpRequest, user: User, slug: str, model_pk: int) -> HttpResponse:
    model = keys.get_model(user, slug, model_pk)
    if request.method == "POST":
        model.delete()
        messages.success(request, f"{model.name} is removed.")
        return redirect("providers:endpoint", slug)
    return render(request, "providers/delete_model.html", {"endpoint": model.endpoint, "model": model})


def _endpoint_page(
    request: HttpRequest,
    found: Endpoint,
    *,
    key_form: KeyForm | None = None,
    server_form: ServerForm | None = None,
    failed: CheckFailedError | None = None,
    works: str = "",
) -> HttpResponse:
    """What was tried and failed is 422 with what was typed; a test that fails is an answer like another."""
    is_server = found.provider == Provider.OPENAI_COMPATIBLE
    if is_server and server_form is None:
        facts = {"display_name": found.display_name, "base_url": found.base_url}
        server_form = ServerForm(initial=facts, new=False, auto_id=_SERVER_IDS)
    refused = any(form is not None and form.is_bound for form in (key_form, server_form))
    context = {
        "endpoint": found,
        "key": _key(found),
        "key_form": key_form or KeyForm(),
        "server_form": server_form,
        "failed": failed,
        "works": works,
        "models": found.own_models.all(),
    }
    return render(request, "providers/endpoint.html", context, status=422 if refused else 200)


def _form_page(
    request: HttpRequest, template: str, *, form: KeyForm | ServerForm | OwnModelForm, **context: object
) -> HttpResponse:
    return render(request, template, {"form": form, **context}, status=422 if form.is_bound else 200)


def _key(found: Endpoint) -> object:
    return getattr(found, "credential", None)


def _forced(request: HttpRequest) -> bool:
    return request.POST.get("force") == "yes"
