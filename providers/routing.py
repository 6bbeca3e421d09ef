"""From a model's id to the endpoint that serves it now.

Two kinds of ids that never meet: the operator's models are served by the operator's endpoints and keys,
`byok:` ids by the endpoints of the person who asks.
"""

import logging
from dataclasses import dataclass, field
from datetime import timedelta
from typing import assert_never

from django.db import models
from django.utils import timezone

from betterchat.core import secrets
from betterchat.core.errors import ErrorCode, UserFacingError
from betterchat.core.secrets import CannotOpenError
from providers import breaker
from providers.models import (
    OWN_PREFIX,
    Continuation,
    Credential,
    Endpoint,
    OwnModel,
    Provider,
    Route,
    Wire,
    may_be_private,
)
from providers.models.endpoint import OWN_WIRES

_LAST_USED_EVERY = timedelta(minutes=1)
logger = logging.getLogger("betterchat.providers")


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
    own_key: bool = False
    continuation: Continuation = Continuation.ASK

    @property
    def label(self) -> str:
        """How a person is told who answers: the provider's name of the model, and where."""
        return f"{self.provider_model} at {self.provider_label}"

    @property
    def spoken_wire(self) -> Wire:
        """The format of the call. LookupError for Demo, which has none."""
        return self.wire or OWN_WIRES[self.provider]


def resolve(model_id: str, *, user_id: int | None = None) -> ResolvedRoute:
    """The best usable route; see `resolve_all`."""
    return resolve_all(model_id, user_id=user_id)[0]


def resolve_all(model_id: str, *, user_id: int | None = None) -> tuple[ResolvedRoute, ...]:
    """The usable routes with their keys, best first, for the person whose message is answered.

    Never empty. Raises MODEL_UNAVAILABLE; PROVIDER_KEY_MISSING or OWN_KEY_MISSING where every endpoint that
    serves it lacks its key; KEY_UNREADABLE where a stored one can't be opened.
    """
    is_own = model_id.startswith(OWN_PREFIX)
    routes = _own_routes(model_id, user_id=user_id) if is_own else _platform_routes(model_id)
    if not routes:
        raise UserFacingError(ErrorCode.MODEL_UNAVAILABLE, details={"model": model_id})
    resolved: list[ResolvedRoute] = []
    failures: list[UserFacingError] = []
    for route in routes:
        try:
            resolved.append(_resolved(route, key=key_of(route.endpoint)))
        except UserFacingError as error:
            failures.append(error)
    if not resolved:
        raise failures[0]
    return breaker.rested_last(tuple(resolved))


def key_of(endpoint: Endpoint) -> str:
    """The key to call it with; "" where it needs none. An entered key comes before the environment's.

    Raises PROVIDER_KEY_MISSING, OWN_KEY_MISSING, KEY_UNREADABLE.
    """
    credential: Credential | None = getattr(endpoint, "credential", None)
    if credential is not None and credential.fits:
        return _opened(credential, endpoint=endpoint)
    if key := endpoint.environment_key:
        return key
    is_own = endpoint.owner_id is not None
    if credential is not None or endpoint.key_env or (is_own and needs_key(endpoint)):
        raise UserFacingError(_missing(endpoint), details={"provider": endpoint.label})
    return ""


def key_problem(endpoint: Endpoint) -> ErrorCode | None:
    """Why `key_of` would fail, as far as the tables tell.

    Nothing is opened, and the environment is not asked: it is the worker's that counts.
    """
    credential: Credential | None = getattr(endpoint, "credential", None)
    if credential is not None and credential.fits:
        known = credential.master_key_id in secrets.key_ids()
        return None if known else ErrorCode.KEY_UNREADABLE
    if endpoint.key_env:
        return None
    is_own = endpoint.owner_id is not None
    return _missing(endpoint) if credential is not None or (is_own and needs_key(endpoint)) else None


def _missing(endpoint: Endpoint) -> ErrorCode:
    is_own = endpoint.owner_id is not None
    return ErrorCode.OWN_KEY_MISSING if is_own else ErrorCode.PROVIDER_KEY_MISSING


def needs_key(endpoint: Endpoint) -> bool:
    """Whether its kind is never called without one."""
    return endpoint.provider not in {Provider.OPENAI_COMPATIBLE, Provider.OLLAMA, Provider.DEMO}


def _opened(credential: Credential, *, endpoint: Endpoint) -> str:
    try:
        key = credential.open().reveal()
    except CannotOpenError as error:
        logger.error("the key of endpoint %s can't be opened: %s", endpoint.pk, error)
        raise UserFacingError(ErrorCode.KEY_UNREADABLE, details={"provider": endpoint.label}) from None
    now = timezone.now()
    stale = Credential.objects.filter(pk=credential.pk).exclude(last_used_at__gte=now - _LAST_USED_EVERY)
    stale.update(last_used_at=now)
    return key


def _platform_routes(model_id: str) -> list[Route]:
    return list(
        Route.objects.filter(
            language_model_id=model_id,
            language_model__enabled=True,
            endpoint__in=Endpoint.objects.platform().usable(),
        ).select_related("endpoint__credential", "language_model")
    )


def _own_routes(model_id: str, *, user_id: int | None) -> list[OwnModel]:
    """A provider of its own before one that resells it."""
    if user_id is None:
        return []
    return list(
        OwnModel.objects.filter(model_id=model_id, endpoint__in=Endpoint.objects.owned_by(user_id).usable())
        .select_related("endpoint__credential")
        .order_by(_resellers_last(), "pk")
    )


def _resellers_last() -> models.Case:
    return models.Case(
        models.When(endpoint__provider=Provider.OPENROUTER, then=1),
        default=0,
        output_field=models.IntegerField(),
    )


def _resolved(route: Route | OwnModel, *, key: str) -> ResolvedRoute:
    endpoint = route.endpoint
    match route:
        case Route():
            model_id, max_output_tokens = route.language_model_id, route.language_model.max_output_tokens
            label, allow_private = endpoint.label, endpoint.allow_private
            reasoning = route.language_model.reasoning
            continuation = Continuation(route.language_model.continuation)
            if endpoint.provider == Provider.DEMO:
                continuation = Continuation.PREFILL
        case OwnModel():
            model_id, max_output_tokens = route.model_id, route.max_output_tokens
            label, allow_private = f"{endpoint.label} (your own)", may_be_private(endpoint.url)
            reasoning = route.reasoning
            continuation = Continuation.ASK
        case _:
            assert_never(route)
    return ResolvedRoute(
        model_id=model_id,
        endpoint_id=endpoint.pk,
        provider=Provider(endpoint.provider),
        provider_label=label,
        provider_model=route.provider_model,
        base_url=endpoint.url,
        allow_private=allow_private,
        max_output_tokens=max_output_tokens,
        key=key,
        wire=endpoint.spoken_wire,
        reasoning=reasoning,
        own_key=isinstance(route, OwnModel),
        continuation=continuation,
    )
