"""What the catalogue lists, read from the tables: the operator's models and a person's own."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import groupby

from accounts.models import User
from betterchat.core.errors import ErrorCode, UserFacingError
from providers.model_map import KnownModel, known_model
from providers.models import (
    Effort,
    Endpoint,
    InputKind,
    OwnModel,
    Price,
    PriceSource,
    Provider,
    Route,
)
from providers.routing import key_problem, needs_key
from providers.starting_data import creator_label

# What own models that think are offered where nothing more is known: every wire has words for these.
_EFFORTS_ASSUMED = (Effort.LOW, Effort.MEDIUM, Effort.HIGH)


@dataclass(frozen=True, slots=True)
class ModelPrice:
    """USD per million tokens of calls of the smallest size. None is unknown, never free."""

    input: Decimal | None
    output: Decimal | None


@dataclass(frozen=True, slots=True)
class PickableModel:
    """`group` heads its place in the picker; `provider` is who would serve it now.

    With `own_key` it is called with the person's own key and at their own cost. `efforts` in the order of
    the enum; none: the model decides. `tools` is None where nobody knows.
    """

    id: str
    name: str
    group: str
    provider: str
    reasoning: bool
    own_key: bool = False
    context_window_tokens: int | None = None
    price: ModelPrice | None = None
    input_kinds: tuple[InputKind, ...] = (InputKind.TEXT,)
    tools: bool | None = None
    efforts: tuple[Effort, ...] = ()


@dataclass(frozen=True, slots=True)
class UnavailableModel:
    """Listed so that a person sees why: `code` says it. `successor_id` is "" where none is named."""

    id: str
    name: str
    group: str
    provider: str
    code: ErrorCode
    own_key: bool = False
    successor_id: str = ""

    @property
    def error(self) -> UserFacingError:
        return UserFacingError(self.code, details={"model": self.name, "provider": self.provider})

    def succeeded_by(self, model_id: str) -> "UnavailableModel":
        return replace(self, successor_id=model_id)


type Row = PickableModel | UnavailableModel


def platform_rows(user: User, *, model_id: str = "") -> Iterator[Row]:
    """In the operator's order. Two queries, with prices."""
    endpoints = Endpoint.objects.platform().filter(enabled=True)
    routes = Route.objects.filter(enabled=True, language_model__enabled=True, endpoint__in=endpoints)
    if model_id:
        routes = routes.filter(language_model=model_id)
    ordered = (
        routes.select_related("language_model", "endpoint__credential")
        .prefetch_related("prices")
        .order_by("language_model__position", "language_model_id", "priority", "id")
    )
    for _, served in groupby(ordered, key=lambda route: route.language_model_id):
        yield _platform_row(list(served), user=user)


def own_rows(user: User, *, model_id: str = "") -> Iterator[Row]:
    """The person's own, by endpoint. One query; none for guests, who have none."""
    if user.pk is None or user.is_guest:
        return
    models = OwnModel.objects.filter(endpoint__in=Endpoint.objects.owned_by(user.pk).usable())
    if model_id:
        models = models.filter(model_id=model_id)
    by_id: dict[str, list[OwnModel]] = {}
    for model in models.select_related("endpoint__credential").order_by(
        "endpoint__created_at", "endpoint_id", "pk"
    ):
        by_id.setdefault(model.model_id, []).append(model)
    for served in by_id.values():
        yield _own_row(served)


def _platform_row(routes: list[Route], *, user: User) -> Row:
    problems = [_platform_problem(route.endpoint) for route in routes]
    usable = next((route for route, problem in zip(routes, problems, strict=True) if problem is None), None)
    route = usable or routes[0]
    model, endpoint = route.language_model, route.endpoint
    group = endpoint.label if model.creator == endpoint.name else creator_label(model.creator)
    code = problems[0] if usable is None else None
    if user.is_guest and not model.open_to_guests:
        code = ErrorCode.MODEL_NOT_FOR_GUESTS
    if code is not None:
        return UnavailableModel(
            id=model.pk,
            name=model.name,
            group=group,
            provider=endpoint.label,
            code=code,
            successor_id=model.successor_id or "",
        )
    return PickableModel(
        id=model.pk,
        name=model.name,
        group=group,
        provider=endpoint.label,
        reasoning=model.reasoning,
        context_window_tokens=model.context_window_tokens,
        price=_price_of(route.prices.all()),
        input_kinds=tuple(kind for kind in InputKind if kind in model.input_kinds),
        tools=model.tools,
        efforts=tuple(effort for effort in Effort if effort in model.efforts),
    )


def _platform_problem(endpoint: Endpoint) -> ErrorCode | None:
    if endpoint.available:
        return key_problem(endpoint)
    return ErrorCode.PROVIDER_KEY_MISSING if needs_key(endpoint) else ErrorCode.PROVIDER_UNREACHABLE


def _price_of(prices: Iterable[Price]) -> ModelPrice | None:
    """Where the operator wrote any price for a route, the catalogue's don't count."""
    prices = list(prices)
    own = [price for price in prices if price.source == PriceSource.OPERATOR]
    smallest = next((price for price in own or prices if price.above_input_tokens == 0), None)
    if smallest is None or (smallest.input is None and smallest.output is None):
        return None
    return ModelPrice(smallest.input, smallest.output)


def _own_row(served: list[OwnModel]) -> Row:
    problems = [key_problem(model.endpoint) for model in served]
    usable = next((model for model, problem in zip(served, problems, strict=True) if problem is None), None)
    model = usable or served[0]
    label = model.endpoint.label
    group = f"{label} · your own"
    if usable is None and problems[0] is not None:
        return UnavailableModel(
            id=model.model_id, name=model.name, group=group, provider=label, code=problems[0], own_key=True
        )
    known = known_model(Provider(model.endpoint.provider), model.provider_model)
    return PickableModel(
        id=model.model_id,
        name=model.name,
        group=group,
        provider=label,
        reasoning=model.reasoning,
        own_key=True,
        context_window_tokens=model.context_window_tokens,
        price=_known_price(known),
        input_kinds=known.input_kinds if known else (InputKind.TEXT,),
        tools=model.tools,
        efforts=_own_efforts(model, known),
    )


def _known_price(known: KnownModel | None) -> ModelPrice | None:
    prices = known.prices if known else ()
    return next((ModelPrice(p.input, p.output) for p in prices if p.above_input_tokens == 0), None)


def _own_efforts(model: OwnModel, known: KnownModel | None) -> tuple[Effort, ...]:
    if known is not None and known.efforts:
        return known.efforts
    return _EFFORTS_ASSUMED if model.reasoning else ()
