"""What a person changes about the list of models: favourites, what is hidden, the default.

Every function may be repeated without a difference. Guests have no preferences; callers keep them out.
"""

import enum

from django.db import transaction

from accounts.models import User
from betterchat.core.errors import ErrorCode, UserFacingError
from providers.catalogue import read_catalogue
from providers.models import ModelPreferences

FAVOURITES_MAX = 100
HIDDEN_MAX = 2_000


class Change(enum.StrEnum):
    FAVOURITE = "favourite"
    UNFAVOURITE = "unfavourite"
    HIDE = "hide"
    SHOW = "show"
    DEFAULT = "default"
    NO_DEFAULT = "no_default"


_TAKING_BACK = {Change.UNFAVOURITE, Change.SHOW, Change.NO_DEFAULT}


def change_preference(user: User, change: Change, *, model_id: str) -> None:
    """A favourite or default is not hidden: the later choice counts.

    What is there can be taken back also after the model has gone. Raises MODEL_UNAVAILABLE for an id that
    is not in the person's catalogue, BAD_REQUEST where a list is full.
    """
    if change not in _TAKING_BACK:
        _require_listed(user, model_id)
    ModelPreferences.objects.get_or_create(user=user)
    with transaction.atomic(durable=True):
        stored = ModelPreferences.objects.select_for_update().get(user=user)
        _apply(stored, change, model_id=model_id)
        stored.save()


def _require_listed(user: User, model_id: str) -> None:
    catalogue = read_catalogue(user)
    if catalogue.find(model_id) is None and catalogue.find_unavailable(model_id) is None:
        raise UserFacingError(ErrorCode.MODEL_UNAVAILABLE, details={"model": model_id[:80]})


def _apply(stored: ModelPreferences, change: Change, *, model_id: str) -> None:
    match change:
        case Change.FAVOURITE:
            _remove(stored.hidden_ids, model_id)
            _add(stored.favourite_ids, model_id, limit=FAVOURITES_MAX, what="favourites")
        case Change.UNFAVOURITE:
            _remove(stored.favourite_ids, model_id)
        case Change.HIDE:
            _remove(stored.favourite_ids, model_id)
            if stored.default_id == model_id:
                stored.default_id = ""
            _add(stored.hidden_ids, model_id, limit=HIDDEN_MAX, what="hidden models")
        case Change.SHOW:
            _remove(stored.hidden_ids, model_id)
        case Change.DEFAULT:
            _remove(stored.hidden_ids, model_id)
            stored.default_id = model_id
        case Change.NO_DEFAULT:
            if stored.default_id == model_id:
                stored.default_id = ""


def _add(ids: list[str], model_id: str, *, limit: int, what: str) -> None:
    if model_id in ids:
        return
    if len(ids) >= limit:
        reason = f"there is room for {limit:,} {what}"
        raise UserFacingError(ErrorCode.BAD_REQUEST, details={"reason": reason})
    ids.append(model_id)


def _remove(ids: list[str], model_id: str) -> None:
    if model_id in ids:
        ids.remove(model_id)
