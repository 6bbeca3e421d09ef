"""The catalogue in words."""

import hashlib

from django.db import connection

from accounts.models import User
from providers.models import CatalogueChange, ChangeKind, ChangeStatus, Endpoint, Provider
from providers.offers import listed_offers, take_offers
from providers.sync.deciding import accept
from providers.sync.proposing import Synced, sync_endpoint
from tests.fakes.lists import ListServer

TABLES = ("providers_languagemodel", "providers_route", "providers_price")


def an_endpoint(
    server: ListServer | None = None,
    *names: str,
    provider: Provider = Provider.OPENAI_COMPATIBLE,
    name: str = "lab",
) -> Endpoint:
    """Of the operator, at the fake, serving the models of those names."""
    url = "https://llm.example.org/v1"
    if server is not None:
        paths = {Provider.ANTHROPIC: "", Provider.OLLAMA: "", Provider.GEMINI: "/v1beta"}
        url = server.url + paths.get(provider, "/v1")
    endpoint = Endpoint.objects.create(name=name, provider=provider, base_url=url, allow_private=True)
    take_offers(endpoint, listed_offers(provider, names, endpoint_name=name), from_environment=False)
    return endpoint


def synced(endpoint: Endpoint) -> Synced:
    return sync_endpoint(Endpoint.objects.select_related("credential").get(pk=endpoint.pk))


def waiting() -> dict[tuple[str, str], CatalogueChange]:
    """By kind and model."""
    rows = CatalogueChange.objects.filter(status=ChangeStatus.PENDING)
    return {(row.kind, row.language_model_id): row for row in rows}


def the_change(kind: ChangeKind, model_id: str) -> CatalogueChange:
    return waiting()[kind.value, model_id]


def accepted(kind: ChangeKind, model_id: str, *, by: User) -> CatalogueChange:
    return accept(the_change(kind, model_id).pk, by=by)


def fingerprint() -> str:
    """Of everything the catalogue holds."""
    digest = hashlib.sha256()
    with connection.cursor() as cursor:
        for table in TABLES:
            cursor.execute(f"SELECT t::text FROM {table} t ORDER BY 1")
            digest.update(repr(cursor.fetchall()).encode())
    return digest.hexdigest()
