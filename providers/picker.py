"""The catalogue as pages list it: in words, in groups, in the order of the picker."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from itertools import chain

import msgspec

from betterchat.core.errors import ErrorCode
from providers.catalogue import Catalogue, PickableModel, UnavailableModel
from providers.catalogue_rows import ModelPrice
from providers.models import InputKind

# Where a key of one's own would help, or has to be entered again.
_KEY_CODES = {ErrorCode.PROVIDER_KEY_MISSING, ErrorCode.OWN_KEY_MISSING}


class ListedModel(msgspec.Struct, frozen=True, omit_defaults=True):
    """One line. `window` and `price` are words, "" for unknown.

    A line with a `reason` can't be picked; `help` names where to go: "keys", "account" or nowhere ("").
    """

    id: str
    name: str
    group: str
    provider: str = ""
    window: str = ""
    price: str = ""
    badges: tuple[str, ...] = ()
    efforts: tuple[str, ...] = ()
    own: bool = False
    favourite: bool = False
    hidden: bool = False
    reason: str = ""
    help: str = ""


class Picker(msgspec.Struct, frozen=True):
    """What the page of a conversation knows of models.

    `standing_id` is the model in use, `replacement_id` what is proposed where that one is gone.
    `default_id` is what new conversations begin with, "" where there is nothing to pick.
    """

    models: tuple[ListedModel, ...]
    standing_id: str
    replacement_id: str
    default_id: str
    may_prefer: bool

    @property
    def standing_name(self) -> str:
        return next((model.name for model in self.models if model.id == self.standing_id), "No model")


@dataclass(frozen=True, slots=True)
class ModelGroup:
    label: str
    models: list[ListedModel]


def picker(catalogue: Catalogue, *, standing_id: str, may_prefer: bool) -> Picker:
    default = catalogue.default
    replacement = catalogue.replacement_for(standing_id) if standing_id else None
    gone = (model for model in _unavailable(catalogue) if not model.hidden or model.id == standing_id)
    return Picker(
        models=(*_pickable(catalogue, catalogue.shown(standing_id=standing_id)), *gone),
        standing_id=standing_id or (default.id if default else ""),
        replacement_id=replacement.id if replacement else "",
        default_id=default.id if default else "",
        may_prefer=may_prefer,
    )


def all_groups(catalogue: Catalogue, *, query: str = "") -> list[ModelGroup]:
    """Everything by creator, hidden and unavailable ones too, as far as `query` finds it."""
    groups: dict[str, ModelGroup] = {}
    for model in chain(_pickable(catalogue, catalogue.models), _unavailable(catalogue)):
        if _is_found(model, query):
            groups.setdefault(model.group, ModelGroup(model.group, [])).models.append(model)
    return list(groups.values())


def price_words(price: ModelPrice | None) -> str:
    """USD per million tokens: "$0.40 in, $1.60 out"."""
    if price is None:
        return ""
    if price.input == 0 and price.output == 0:
        return "Free"
    told = [
        f"${_amount(amount)} {side}"
        for amount, side in ((price.input, "in"), (price.output, "out"))
        if amount is not None
    ]
    return ", ".join(told)


def window_words(tokens: int | None) -> str:
    """ "128k", "1M": what is announced, not a count."""
    if tokens is None:
        return ""
    if tokens >= 950_000:
        return f"{round(tokens / 1_000_000, 1):g}M"
    return f"{round(tokens / 1_000)}k" if tokens >= 1_000 else str(tokens)


def _pickable(catalogue: Catalogue, models: Iterable[PickableModel]) -> list[ListedModel]:
    favourites = set(catalogue.favourite_ids)
    return [
        ListedModel(
            id=model.id,
            name=model.name,
            group=model.group,
            provider=model.provider,
            window=window_words(model.context_window_tokens),
            price=price_words(model.price),
            badges=_badges(model),
            efforts=tuple(effort.value for effort in model.efforts),
            own=model.own_key,
            favourite=model.id in favourites,
            hidden=model.id in catalogue.hidden_ids,
        )
        for model in models
    ]


def _unavailable(catalogue: Catalogue) -> list[ListedModel]:
    favourites = set(catalogue.favourite_ids)
    return [
        ListedModel(
            id=model.id,
            name=model.name,
            group=model.group or "No longer here",
            provider=model.provider,
            own=model.own_key,
            favourite=model.id in favourites,
            hidden=model.id in catalogue.hidden_ids,
            reason=_reason(model),
            help=_help(model),
        )
        for model in catalogue.unavailable
    ]


def _badges(model: PickableModel) -> tuple[str, ...]:
    kinds = {
        InputKind.IMAGE: "images",
        InputKind.FILE: "files",
        InputKind.AUDIO: "audio",
        InputKind.VIDEO: "video",
    }
    badges = [name for kind, name in kinds.items() if kind in model.input_kinds]
    if model.tools:
        badges.append("tools")
    if model.reasoning:
        badges.append("reasoning")
    return tuple(badges)


def _reason(model: UnavailableModel) -> str:
    if model.code is ErrorCode.MODEL_UNAVAILABLE:
        return "Not available any more."
    if model.code is ErrorCode.MODEL_NOT_FOR_GUESTS:
        return "Only for people with an account."
    return model.error.sentence


def _help(model: UnavailableModel) -> str:
    if model.code is ErrorCode.MODEL_NOT_FOR_GUESTS:
        return "account"
    is_own = model.own_key and model.code is ErrorCode.KEY_UNREADABLE
    return "keys" if is_own or model.code in _KEY_CODES else ""


def _is_found(model: ListedModel, query: str) -> bool:
    """Every word somewhere in name, creator, provider or id; as `matches` in models/choices.ts."""
    text = f"{model.name} {model.group} {model.provider} {model.id}".casefold()
    return all(word in text for word in query.casefold().split())


def _amount(amount: Decimal) -> str:
    """At least two places, and as many as it has."""
    plain = f"{amount.normalize():f}"
    whole, _, places = plain.partition(".")
    return f"{whole}.{places:0<2}" if places else whole
