"""Making rows of what an endpoint offers: new models, routes to it. What exists is not changed."""

from collections.abc import Iterable
from dataclasses import dataclass

from providers.facts import NOTHING, Facts, facts_of, fill, price_rows, stored_prices
from providers.models import Endpoint, LanguageModel, Price, Provider, Route
from providers.starting_data import (
    DEMO_MODEL_ID,
    POSITION_OF_DEMO,
    POSITION_OF_LISTED,
    POSITION_STEP,
    starting_data,
)

PRIORITY_OF_OWN = 10
PRIORITY_OF_RESELLER = 50
_CREATORS: dict[str, str] = {
    Provider.OPENAI: "openai",
    Provider.ANTHROPIC: "anthropic",
    Provider.GEMINI: "google",
    Provider.XAI: "xai",
    Provider.OLLAMA: "ollama",
}


@dataclass(frozen=True, slots=True)
class Offer:
    """A model as it would be created, the name it has at the endpoint, and what is known of it there."""

    model: LanguageModel
    provider_model: str
    facts: Facts = NOTHING


def starting_offers(provider: Provider) -> list[Offer]:
    """The models offered on first run by the kinds that don't need asking."""
    if provider is Provider.DEMO:
        demo = LanguageModel(id=DEMO_MODEL_ID, name="Demo", open_to_guests=True, position=POSITION_OF_DEMO)
        return [Offer(demo, "demo")]
    return [
        _offer(provider, model.at[provider], model_id=model.id, position=number * POSITION_STEP)
        for number, model in enumerate(starting_data().models)
        if provider in model.at
    ]


def listed_offers(provider: Provider, names: Iterable[str], *, endpoint_name: str) -> list[Offer]:
    """Models known by name only. Those of the starting data keep their place."""
    known = {offer.provider_model: offer for offer in starting_offers(provider)}
    return [
        known.get(name)
        or _offer(
            provider,
            name,
            model_id=model_id_of(provider, name, endpoint_name=endpoint_name),
            position=POSITION_OF_LISTED,
        )
        for name in names
    ]


def _offer(provider: Provider, name: str, *, model_id: str, position: int) -> Offer:
    facts = facts_of(provider, name)
    return Offer(fill(LanguageModel(id=model_id, name=name, position=position), facts), name, facts)


def model_id_of(provider: Provider, name: str, *, endpoint_name: str) -> str:
    """`creator:model`; a reseller names the creator itself, a compatible server is its own creator."""
    if provider is Provider.OPENROUTER and "/" in name:
        creator, _, model = name.partition("/")
        return f"{ {'x-ai': 'xai'}.get(creator, creator) }:{model}".lower()
    return f"{_CREATORS.get(provider, endpoint_name)}:{name}"


def take_offers(endpoint: Endpoint, offers: Iterable[Offer], *, from_environment: bool) -> None:
    """Create what is missing. With `from_environment`, routes made so earlier and no longer offered go."""
    offers = list(offers)
    there = set(_routes(endpoint))
    LanguageModel.objects.bulk_create([offer.model for offer in offers], ignore_conflicts=True)
    Route.objects.bulk_create(
        [
            Route(
                language_model_id=offer.model.pk,
                endpoint=endpoint,
                provider_model=offer.provider_model,
                priority=priority_of(endpoint),
                from_environment=from_environment,
            )
            for offer in offers
        ],
        ignore_conflicts=True,
    )
    _price_new_routes(endpoint, offers, there=there)
    if from_environment:
        mine = Route.objects.filter(endpoint=endpoint, from_environment=True)
        mine.exclude(provider_model__in=[offer.provider_model for offer in offers]).delete()


def priority_of(endpoint: Endpoint) -> int:
    return PRIORITY_OF_RESELLER if endpoint.provider == Provider.OPENROUTER else PRIORITY_OF_OWN


def _routes(endpoint: Endpoint) -> "dict[tuple[str, str], Route]":
    return {
        (route.language_model_id, route.provider_model): route
        for route in Route.objects.filter(endpoint=endpoint)
    }


def _price_new_routes(endpoint: Endpoint, offers: list[Offer], *, there: set[tuple[str, str]]) -> None:
    routes = _routes(endpoint)
    Price.objects.bulk_create(
        [
            row
            for offer in offers
            if (key := (offer.model.pk, offer.provider_model)) not in there and key in routes
            for row in price_rows(routes[key], stored_prices(offer.facts.prices or ()))
        ],
        ignore_conflicts=True,
    )
