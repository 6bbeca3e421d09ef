"""What the server's environment makes usable: keys, a compatible server, an Ollama on this machine, Demo.

Run at start and every now and then, in any number of processes. It creates and marks what was found;
what an operator set on rows that exist is never changed.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from django.db import connection, transaction

from betterchat.core import env
from betterchat.core.errors import UserFacingError
from betterchat.core.outbound import check_url
from providers.listing import list_models
from providers.models import Endpoint, Provider
from providers.offers import Offer, listed_offers, starting_offers, take_offers

KEYS: dict[Provider, str] = {
    Provider.OPENAI: "OPENAI_API_KEY",
    Provider.ANTHROPIC: "ANTHROPIC_API_KEY",
    Provider.GEMINI: "GEMINI_API_KEY",
    Provider.OPENROUTER: "OPENROUTER_API_KEY",
    Provider.XAI: "XAI_API_KEY",
}
COMPATIBLE_NAME = "compatible"
OLLAMA_PORT = 11434
OLLAMA_SECONDS = 1.0
COMPATIBLE_SECONDS = 5.0
_LOCK = 0x62635F656E76  # "bc_env": one sync at a time in one database


@dataclass(frozen=True, slots=True)
class _Found:
    """One endpoint as the environment describes it. `offers=None`: it is there, but did not list."""

    name: str
    provider: Provider
    told: str
    available: bool = True
    base_url: str = ""
    key_env: str = ""
    allow_private: bool = False
    offers: list[Offer] | None = field(default_factory=list)


def sync_from_environment() -> list[str]:
    """Bring endpoints in line with the environment. Returns one line per provider, without any key.

    Blocks for up to some seconds on the network; safe to run in several processes at once.
    """
    found = [*_keyed(), _compatible(), _ollama(), _demo()]
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
        for each in found:
            _apply(each)
    return [f"{each.name}: {each.told}" for each in found]


def _apply(found: _Found) -> None:
    """An endpoint of that name which the operator made is left alone."""
    facts = {
        "provider": found.provider,
        "base_url": found.base_url,
        "key_env": found.key_env,
        "allow_private": found.allow_private,
        "available": True,
    }
    if not found.available:
        Endpoint.objects.platform().filter(name=found.name, from_environment=True).update(available=False)
        return
    endpoint, _ = Endpoint.objects.get_or_create(
        name=found.name, owner=None, defaults={**facts, "from_environment": True}
    )
    if not endpoint.from_environment:
        return
    Endpoint.objects.filter(pk=endpoint.pk).update(**facts)
    if found.offers is not None:
        take_offers(endpoint, found.offers, from_environment=True)


def _keyed() -> Iterator[_Found]:
    for provider, key_env in KEYS.items():
        name, base_url = provider.value, ""
        if provider is Provider.OPENAI and (base_url := _openai_base()) and not _is_openai(base_url):
            yield _Found(
                name, provider, "not used, because OPENAI_BASE_URL names another server", available=False
            )
        elif not env.text(key_env):
            yield _Found(name, provider, f"no {key_env}", available=False)
        else:
            offers = starting_offers(provider)
            told = f"{len(offers)} models, key from {key_env}"
            yield _Found(name, provider, told, base_url=base_url, key_env=key_env, offers=offers)


def _openai_base() -> str:
    return env.text("OPENAI_BASE_URL").rstrip("/")


def _is_openai(url: str) -> bool:
    return urlsplit(url).hostname == "api.openai.com"


def _compatible() -> _Found:
    """The server of OPENAI_BASE_URL. Set in the server's own environment, it may be a private one."""
    name, provider, url = COMPATIBLE_NAME, Provider.OPENAI_COMPATIBLE, _openai_base()
    if not url or _is_openai(url):
        return _Found(name, provider, "no OPENAI_BASE_URL", available=False)
    try:
        check_url(url)
    except ValueError as error:
        return _Found(name, provider, f"OPENAI_BASE_URL can't be used. {error}", available=False)
    key = env.text("OPENAI_API_KEY")
    offers, told = _listed(provider, name=name, url=url, key=key, seconds=COMPATIBLE_SECONDS)
    return _Found(
        name,
        provider,
        f"{told}, at {url}",
        base_url=url,
        key_env="OPENAI_API_KEY" if key else "",
        allow_private=True,
        offers=offers,
    )


def _ollama() -> _Found:
    url = ollama_url(env.text("OLLAMA_HOST"))
    offers, told = _listed(Provider.OLLAMA, name="ollama", url=url, key="", seconds=OLLAMA_SECONDS)
    return _Found(
        "ollama",
        Provider.OLLAMA,
        f"{told}, at {url}",
        available=offers is not None,
        base_url=url,
        allow_private=True,
        offers=offers,
    )


def _demo() -> _Found:
    return _Found("demo", Provider.DEMO, "always there", offers=starting_offers(Provider.DEMO))


def _listed(
    provider: Provider, *, name: str, url: str, key: str, seconds: float
) -> tuple[list[Offer] | None, str]:
    try:
        names = list_models(provider, url=url, key=key, label=name, allow_private=True, seconds=seconds)
    except UserFacingError as error:
        return None, error.sentence.rstrip(".").replace(f"{name} ", "", 1)
    return listed_offers(provider, names, endpoint_name=name), f"{len(names)} models"


def ollama_url(host: str) -> str:
    """OLLAMA_HOST as Ollama reads it: host, host:port, :port or a URL. 0.0.0.0 says where it listens."""
    scheme, separator, rest = host.partition("://")
    if not separator:
        scheme, rest = "http", host
    parts = urlsplit(f"//{rest.rstrip('/')}")
    try:
        port = parts.port or ({"http": 80, "https": 443}.get(scheme) if separator else OLLAMA_PORT)
    except ValueError:
        port = OLLAMA_PORT
    name = parts.hostname or "127.0.0.1"
    name = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(name, name)  # noqa: S104 - to call, not to bind
    return f"{scheme}://{f'[{name}]' if ':' in name else name}:{port}"
