"""Which models a person may choose: the operator's and their own, and why others can't be used.

A constant number of queries, however many models there are.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from accounts.models import User
from betterchat.core.errors import ErrorCode, UserFacingError
from providers.catalogue_rows import PickableModel, UnavailableModel, own_rows, platform_rows
from providers.models import Effort, LanguageModel, ModelPreferences
from providers.starting_data import DEMO_MODEL_ID, creator_label

__all__ = [
    "Catalogue",
    "PickableModel",
    "UnavailableModel",
    "default_model",
    "fitted_effort",
    "pickable_models",
    "read_catalogue",
    "require_model",
]

DEFAULT_EFFORT = Effort.MEDIUM
_SUCCESSIONS_MAX = 10


@dataclass(frozen=True, slots=True)
class Catalogue:
    """`models` in the operator's order, then the person's own, Demo last; hidden ones are among them.

    `unavailable` are those that lack a key or an account, and whatever a conversation or the person's
    preferences name that is gone.
    """

    models: tuple[PickableModel, ...]
    unavailable: tuple[UnavailableModel, ...]
    default_id: str = ""
    favourite_ids: tuple[str, ...] = ()
    hidden_ids: frozenset[str] = frozenset()

    def find(self, model_id: str) -> PickableModel | None:
        return next((model for model in self.models if model.id == model_id), None)

    def find_unavailable(self, model_id: str) -> UnavailableModel | None:
        return next((model for model in self.unavailable if model.id == model_id), None)

    @property
    def default(self) -> PickableModel | None:
        """The person's, where it can be used, else the first that is not hidden. None: there is nothing."""
        shown = (model for model in self.models if model.id not in self.hidden_ids)
        return self.find(self.default_id) or next(shown, None) or next(iter(self.models), None)

    def shown(self, *, standing_id: str = "") -> list[PickableModel]:
        """As a picker lists them: favourites first, hidden ones only where the conversation uses one."""
        shown = [model for model in self.models if model.id not in self.hidden_ids or model.id == standing_id]
        rank = {model_id: number for number, model_id in enumerate(self.favourite_ids)}
        return sorted(shown, key=lambda model: rank.get(model.id, len(rank)))

    def replacement_for(self, model_id: str) -> PickableModel | None:
        """What is proposed where a conversation's model is gone: its successor, else the default."""
        gone = self.find_unavailable(model_id)
        return (self.find(gone.successor_id) if gone else None) or self.default


def read_catalogue(user: User, *, standing_id: str = "") -> Catalogue:
    """`standing_id` is the model of the conversation that is looked at: told of even where it is gone."""
    models, unavailable = _rows(user)
    preferences = _preferences(user)
    usable = {model.id for model in models}
    known = usable | {model.id for model in unavailable}
    named = [standing_id, preferences.default_id, *preferences.favourite_ids]
    gone = _gone(dict.fromkeys(model_id for model_id in named if model_id and model_id not in known))
    return Catalogue(
        models=tuple(models),
        unavailable=tuple(_with_successors([*unavailable, *gone], usable=usable)),
        default_id=preferences.default_id,
        favourite_ids=tuple(preferences.favourite_ids),
        hidden_ids=frozenset(preferences.hidden_ids),
    )


def pickable_models(user: User) -> list[PickableModel]:
    """In the operator's order, then the person's own, Demo last. Guests have only what is open to them."""
    return _rows(user)[0]


def default_model(user: User) -> PickableModel:
    """Raises MODEL_UNAVAILABLE where the operator switched off everything."""
    chosen = read_catalogue(user).default
    if chosen is None:
        raise UserFacingError(ErrorCode.MODEL_UNAVAILABLE, details={"model": "Demo"})
    return chosen


def require_model(user: User, model_id: str) -> PickableModel:
    """Raises MODEL_UNAVAILABLE, MODEL_NOT_FOR_GUESTS where signing in would help, and PROVIDER_KEY_MISSING,
    OWN_KEY_MISSING, KEY_UNREADABLE or PROVIDER_UNREACHABLE where it is known that a call would fail so.
    """
    if "\0" in model_id:  # Postgres can't even be asked
        raise UserFacingError(ErrorCode.MODEL_UNAVAILABLE, details={"model": model_id.replace("\0", "")})
    models, unavailable = _rows(user, model_id=model_id)
    if models:
        return models[0]
    raise (unavailable or _gone([model_id]))[0].error


def fitted_effort(wish: str, *, offered: Iterable[Effort]) -> Effort | None:
    """The offered one nearest to the wish, the lower of two; "" wishes for the default.

    None where none is offered: the model decides.
    """
    order = list(Effort)
    wanted = order.index(Effort(wish or DEFAULT_EFFORT))
    return min(
        offered, key=lambda effort: (abs(order.index(effort) - wanted), order.index(effort)), default=None
    )


def _rows(user: User, *, model_id: str = "") -> tuple[list[PickableModel], list[UnavailableModel]]:
    rows = [*platform_rows(user, model_id=model_id), *own_rows(user, model_id=model_id)]
    models = [row for row in rows if isinstance(row, PickableModel)]
    models.sort(key=lambda model: model.id == DEMO_MODEL_ID)
    return models, [row for row in rows if isinstance(row, UnavailableModel)]


def _preferences(user: User) -> ModelPreferences:
    """Empty ones for guests: a guest's session is no place to keep a choice."""
    stored = None
    if user.pk is not None and not user.is_guest:
        stored = ModelPreferences.objects.filter(user=user).first()
    return stored or ModelPreferences()


def _gone(model_ids: Iterable[str]) -> list[UnavailableModel]:
    """Switched off, served by nobody, or not there any more."""
    model_ids = list(model_ids)
    if not model_ids:
        return []
    stored = LanguageModel.objects.in_bulk(model_ids)
    return [
        UnavailableModel(
            id=model_id,
            # One that is not even stored is told by the last part of its id.
            name=model.name if (model := stored.get(model_id)) else model_id.rpartition(":")[2],
            group=creator_label(model.creator) if model else "",
            provider="",
            code=ErrorCode.MODEL_UNAVAILABLE,
            successor_id=(model.successor_id or "") if model else "",
        )
        for model_id in model_ids
    ]


def _with_successors(gone: list[UnavailableModel], *, usable: set[str]) -> list[UnavailableModel]:
    """With successors that can be used: one that is gone itself is followed to its own."""
    if all(not model.successor_id or model.successor_id in usable for model in gone):
        return gone
    successions = LanguageModel.objects.exclude(successor=None).values_list("pk", "successor_id")
    next_of: dict[str, str | None] = dict(successions)

    def followed(model_id: str) -> str:
        for _ in range(_SUCCESSIONS_MAX):  # they may go round in circles
            if not model_id or model_id in usable:
                return model_id
            model_id = next_of.get(model_id) or ""
        return ""

    return [model.succeeded_by(followed(model.successor_id)) for model in gone]
