"""Which models a person may choose: the operator's and their own. Two queries, however many there are."""

from dataclasses import dataclass

from accounts.models import User
from betterchat.core.errors import ErrorCode, UserFacingError
from providers.models import Endpoint, LanguageModel, OwnModel, Route
from providers.starting_data import DEMO_MODEL_ID, creator_label


@dataclass(frozen=True, slots=True)
class PickableModel:
    """`group` heads its place in the picker; `provider` is who would serve it now.

    With `own_key` it is called with the person's own key and at their own cost.
    """

    id: str
    name: str
    group: str
    provider: str
    reasoning: bool
    own_key: bool = False


def pickable_models(user: User) -> list[PickableModel]:
    """In the operator's order, then the person's own. Guests see what is open to them, nothing else."""
    endpoints = Endpoint.objects.platform().usable()
    routes = Route.objects.filter(enabled=True, language_model__enabled=True, endpoint__in=endpoints)
    if user.is_guest:
        routes = routes.filter(language_model__open_to_guests=True)
    ordered = routes.select_related("language_model", "endpoint").order_by(
        "language_model__position", "language_model_id", "priority", "id"
    )
    found: dict[str, PickableModel] = {}
    for route in ordered:
        found.setdefault(route.language_model_id, _pickable(route))
    return [*found.values(), *_own_models(user)]


def default_model(user: User) -> PickableModel:
    """The first real model, else Demo; for guests the first one open to them.

    Raises MODEL_UNAVAILABLE where the operator switched off everything.
    """
    chosen = default_among(pickable_models(user), user=user)
    if chosen is None:
        raise UserFacingError(ErrorCode.MODEL_UNAVAILABLE, details={"model": "Demo"})
    return chosen


def default_among(models: list[PickableModel], *, user: User) -> PickableModel | None:
    """Of what `pickable_models` gave; None where there is nothing to pick."""
    if user.is_guest and models:
        return models[0]
    real = (model for model in models if model.id != DEMO_MODEL_ID)
    return next(real, models[0] if models else None)


def require_model(user: User, model_id: str) -> PickableModel:
    """Raises MODEL_UNAVAILABLE, or MODEL_NOT_FOR_GUESTS where signing in would help."""
    for model in pickable_models(user):
        if model.id == model_id:
            return model
    code = ErrorCode.MODEL_UNAVAILABLE
    if user.is_guest and LanguageModel.objects.filter(pk=model_id, enabled=True).exists():
        code = ErrorCode.MODEL_NOT_FOR_GUESTS
    raise UserFacingError(code, details={"model": model_id})


def _pickable(route: Route) -> PickableModel:
    model, endpoint = route.language_model, route.endpoint
    return PickableModel(
        id=model.pk,
        name=model.name,
        group=endpoint.label if model.creator == endpoint.name else creator_label(model.creator),
        provider=endpoint.label,
        reasoning=model.reasoning,
    )


def _own_models(user: User) -> list[PickableModel]:
    if user.pk is None or user.is_guest:
        return []
    models = OwnModel.objects.filter(endpoint__in=Endpoint.objects.owned_by(user.pk).usable())
    found: dict[str, PickableModel] = {}
    for model in models.select_related("endpoint").order_by("endpoint__created_at", "endpoint_id", "pk"):
        found.setdefault(model.model_id, _own(model))
    return list(found.values())


def _own(model: OwnModel) -> PickableModel:
    label = model.endpoint.label
    return PickableModel(
        id=model.model_id,
        name=model.name,
        group=f"{label} · your own",
        provider=label,
        reasoning=model.reasoning,
        own_key=True,
    )
