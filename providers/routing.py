"""From a model's id to the endpoint that serves it now."""

from dataclasses import dataclass, field

from betterchat.core import env
from betterchat.core.errors import ErrorCode, UserFacingError
from providers.models import Endpoint, Provider, Route, Wire
from providers.models.endpoint import OWN_WIRES


@dataclass(frozen=True, slots=True)
class ResolvedRoute:
    """Everything one call needs. `provider_label` names it in sentences; the key is in no repr."""

    model_id: str
    endpoint_id: int
    provider: Provider
    provider_label: str
    provider_model: str
    base_url: str
    allow_private: bool
    max_output_tokens: int | None
    key: str = field(repr=False)
    wire: Wire | None = None
    reasoning: bool = False

    @property
    def spoken_wire(self) -> Wire:
        """The format of the call. LookupError for Demo, which has none."""
        return self.wire or OWN_WIRES[self.provider]


def resolve(model_id: str) -> ResolvedRoute:
    """The best usable route, with the key read from this process's environment.

    Raises MODEL_UNAVAILABLE, or PROVIDER_KEY_MISSING where every endpoint that serves it lacks its key.
    """
    routes = list(
        Route.objects.filter(
            language_model_id=model_id,
            language_model__enabled=True,
            endpoint__in=Endpoint.objects.usable(),
        ).select_related("endpoint", "language_model")
    )
    if not routes:
        raise UserFacingError(ErrorCode.MODEL_UNAVAILABLE, details={"model": model_id})
    for route in routes:
        if route.endpoint.key_is_set or not route.endpoint.key_env:
            return _resolved(route)
    raise UserFacingError(ErrorCode.PROVIDER_KEY_MISSING, details={"provider": routes[0].endpoint.label})


def _resolved(route: Route) -> ResolvedRoute:
    endpoint = route.endpoint
    return ResolvedRoute(
        model_id=route.language_model_id,
        endpoint_id=endpoint.pk,
        provider=Provider(endpoint.provider),
        provider_label=endpoint.label,
        provider_model=route.provider_model,
        base_url=endpoint.url,
        allow_private=endpoint.allow_private,
        max_output_tokens=route.language_model.max_output_tokens,
        key=env.text(endpoint.key_env) if endpoint.key_env else "",
        wire=endpoint.spoken_wire,
        reasoning=route.language_model.reasoning,
    )
