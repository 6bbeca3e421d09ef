"""Own keys in words."""

from accounts.models import User
from providers import keys
from providers.models import Endpoint, Provider
from tests.fakes.keyed import KeyedProvider

KEY = "sk-own-0123456789-wxyz"
OTHER_KEY = "sk-new-9876543210-abcd"


def a_provider_of(person: User, *, key: str = KEY, provider: Provider = Provider.OPENAI) -> Endpoint:
    return keys.add_provider(person, provider, key=key, force=True)


def a_server_of(
    person: User,
    url: str | KeyedProvider = "https://llm.example.org/v1",
    *,
    slug: str = "lab",
    key: str = KEY,
) -> Endpoint:
    """With one model, `house-model`."""
    address = url.url if isinstance(url, KeyedProvider) else url
    server = keys.add_server(
        person, slug=slug, display_name=slug.title(), base_url=address, key=key, force=True
    )
    keys.add_models(server, ["house-model"])
    return server
