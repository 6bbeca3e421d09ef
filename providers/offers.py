"""Making rows of what an endpoint offers: new models, routes to it. What exists is not changed."""

from collections.abc import Iterable
from dataclasses import dataclass

from providers.models import Endpoint, LanguageModel, Provider, Route
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
    """A model as it would be created, and the name it has at the endpoint."""

    model: LanguageModel
    provider_model: str


def starting_offers(provider: Provider) -> list[Offer]:
    """The models offered on first run by the kinds that don't need asking."""
    if provider is Provider.DEMO:
        demo = LanguageModel(id=DEMO_MODEL_ID, name="Demo", open_to_guests=True, position=POSITION_OF_DEMO)
        return [Offer(demo, "demo")]
    return [
        Offer(
            LanguageModel(
                id=model.id,
                name=model.name,
                context_window_tokens=model.context_window_tokens,
                max_output_tokens=model.max_output_tokens,
                reasoning=model.reasoning,
                position=number * POSITION_STEP,
            ),
            model.at[provider],
        )
        for number, model in enumerate(starting_data().models)
        if provider in model.at
    ]


def listed_offers(provider: Provider, names: Iterable[str], *, endpoint_name: str) -> list[Offer]:
    """Models known by name only. Those of the starting data keep their labels and limits."""
    known = {offer.provider_model: offer for offer in starting_offers(provider)}
    return [
        known.get(name)
        or Offer(
            LanguageModel(
                id=model_id_of(provider, name, endpoint_name=endpoint_name),
                name=name,
                position=POSITION_OF_LISTED,
            ),
            name,
        )
        for name in names
    ]


def model_id_of(provider: Provider, name: str, *, endpoint_name: str) -> str:
    """`creator:model`; a reseller names the creator itself, a compatible server is its own creator."""
    if provider is Provider.OPENROUTER and "/" in name:
        creator, _, model = name.partition("/")
        return f"{ {'x-ai': 'xai'}.get(creator, creator) }:{model}".lower()
    return f"{_CREATORS.get(provider, endpoint_name)}:{name}"


def take_offers(endpoint: Endpoint, offers: Iterable[Offer], *, from_environment: bool) -> None:
    """Create what is missing. With `from_environment`, routes made so earlier and no longer offered go."""
    offers = list(offers)
    LanguageModel.objects.bulk_create([offer.model for offer in offers], ignore_conflicts=True)
    reseller = endpoint.provider == Provider.OPENROUTER
    priority = PRIORITY_OF_RESELLER if reseller else PRIORITY_OF_OWN
    Route.objects.bulk_create(
        [
            Route(
                language_model_id=offer.model.pk,
                endpoint=endpoint,
                provider_model=offer.provider_model,
                priority=priority,
                from_environment=from_environment,
            )
            for offer in offers
        ],
        ignore_conflicts=True,
    )
    if from_environment:
        mine = Route.objects.filter(endpoint=endpoint, from_environment=True)
        mine.exclude(provider_model__in=[offer.provider_model for offer in offers]).delete()
