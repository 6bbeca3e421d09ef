"""What a person does with keys, servers and models of their own.

Every function takes the person and finds only what is theirs: NOT_FOUND otherwise. Nothing is called
over the network while a transaction is open.
"""

import asyncio
from collections.abc import Iterable

from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.models import User
from betterchat.core import secrets
from betterchat.core.errors import ErrorCode, UserFacingError
from betterchat.core.outbound import AddressRefusedError, refuse_private
from providers import checking
from providers.checking import Checked, CheckFailedError
from providers.models import OWN_PREFIX, Credential, Endpoint, OwnModel, Provider, may_be_private
from providers.models.endpoint import OWN_URLS
from providers.models.own_model import MODEL_NAME_CHARACTERS_MAX
from providers.offers import Offer, listed_offers, starting_offers
from providers.routing import key_of
from providers.starting_data import starting_data

SERVERS_MAX = 20
MODELS_MAX = 200
# A server that lists this many models or fewer gets them all; of more, the person chooses.
LISTED_TAKEN_MAX = 20
_RESERVED_SLUGS = {"add"}


class NotSavedError(Exception):
    """Told in place, beside what was typed. With `may_force` the person may insist."""

    def __init__(self, sentence: str, *, said: str = "", may_force: bool = False, field: str = "") -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.said = said
        self.may_force = may_force
        self.field = field


def hosted_providers() -> list[Provider]:
    """The kinds with one known address and a key, in the order of the enum."""
    return [kind for kind in Provider if kind in OWN_URLS and kind is not Provider.OLLAMA]


def endpoints(user: User) -> list[Endpoint]:
    """With credentials and models at hand."""
    mine = Endpoint.objects.owned_by(user.pk).select_related("credential").prefetch_related("own_models")
    return list(mine.order_by("created_at"))


def get_endpoint(user: User, slug: str) -> Endpoint:
    endpoint = Endpoint.objects.owned_by(user.pk).select_related("credential").filter(name=slug).first()
    if endpoint is None:
        raise UserFacingError(ErrorCode.NOT_FOUND)
    return endpoint


def add_provider(user: User, provider: Provider, *, key: str, force: bool) -> Endpoint:
    """A provider's own address with the person's key, and the models offered there at first."""
    endpoint = Endpoint(owner=user, name=provider.value, provider=provider)
    _require_place_for_key(key)
    _check(endpoint, key=key, force=force)
    return _create(endpoint, key=key, offers=starting_offers(provider))


def add_server(user: User, *, slug: str, display_name: str, base_url: str, key: str, force: bool) -> Endpoint:
    """An OpenAI-compatible server at an address the person typed; the key may be empty."""
    _require_free_slug(slug)
    if Endpoint.objects.owned_by(user.pk).filter(provider=Provider.OPENAI_COMPATIBLE).count() >= SERVERS_MAX:
        raise NotSavedError(f"You have {SERVERS_MAX} servers. Delete one first.")
    endpoint = Endpoint(
        owner=user,
        name=slug,
        display_name=display_name,
        provider=Provider.OPENAI_COMPATIBLE,
        base_url=base_url,
    )
    _require_place_for_key(key)
    _require_dialable(endpoint)
    checked = _check(endpoint, key=key, force=force)
    listed = checked.models if len(checked.models) <= LISTED_TAKEN_MAX else ()
    return _create(endpoint, key=key, offers=_offers(endpoint, listed))


def change_server(
    user: User, slug: str, *, display_name: str, base_url: str, key: str, force: bool
) -> Endpoint:
    """An empty key keeps the stored one, unless the address leads to another host: then that one goes."""
    endpoint = get_endpoint(user, slug)
    if endpoint.provider != Provider.OPENAI_COMPATIBLE:
        raise UserFacingError(ErrorCode.NOT_FOUND)
    before = endpoint.url
    endpoint.display_name, endpoint.base_url = display_name, base_url
    _require_place_for_key(key)
    if endpoint.url != before or key:
        _require_dialable(endpoint)
        _check(endpoint, key=key or _stored_key(endpoint), force=force)
    with transaction.atomic(durable=True):
        _lock(endpoint)
        endpoint.save(update_fields=["display_name", "base_url"])
        keep_or_forget_key(endpoint)
        if key:
            store_key(endpoint, key)
    return endpoint


def replace_key(user: User, slug: str, *, key: str, force: bool) -> Endpoint:
    endpoint = get_endpoint(user, slug)
    _require_place_for_key(key)
    _check(endpoint, key=key, force=force)
    with transaction.atomic(durable=True):
        _lock(endpoint)
        store_key(endpoint, key)
    return endpoint


def delete_key(user: User, slug: str) -> None:
    Credential.objects.filter(endpoint=get_endpoint(user, slug)).delete()


def delete_endpoint(user: User, slug: str) -> None:
    """With its key and its models. Conversations stay; what they used is not to be had any more."""
    get_endpoint(user, slug).delete()


def test(user: User, slug: str) -> Checked:
    """Ask with the stored key. Raises CheckFailedError."""
    endpoint = get_endpoint(user, slug)
    try:
        key = key_of(endpoint)
    except UserFacingError as error:
        raise CheckFailedError(error) from None
    return checking.check(
        Provider(endpoint.provider), url=endpoint.url, key=key, label=endpoint.label, user_id=user.pk
    )


def add_models(endpoint: Endpoint, names: Iterable[str]) -> int:
    """By the provider's names; those that are there stay as they are. Returns how many came.

    All or none: NotSavedError where they are more than there is room for.
    """
    return _add_offers(endpoint, _offers(endpoint, names))


def add_model(
    endpoint: Endpoint, *, provider_model: str, name: str, max_output_tokens: int | None, tools: bool
) -> OwnModel:
    """One model by the provider's name, with what the starting data knows about it besides."""
    if OwnModel.objects.filter(endpoint=endpoint).count() >= MODELS_MAX:
        raise NotSavedError(f"There are {MODELS_MAX} models here. Remove one first.")
    model = _own_model(endpoint, _offers(endpoint, [provider_model])[0])
    model.name, model.max_output_tokens, model.tools = name, max_output_tokens, tools
    try:
        model.save()
    except IntegrityError:
        raise NotSavedError("That model is here already.", field="provider_model") from None
    return model


def get_model(user: User, slug: str, model_pk: int) -> OwnModel:
    model = OwnModel.objects.filter(endpoint=get_endpoint(user, slug), pk=model_pk).first()
    if model is None:
        raise UserFacingError(ErrorCode.NOT_FOUND)
    return model


# --- Keys of any endpoint, the operator's included -------------------------------------------------
def store_key(endpoint: Endpoint, key: str) -> None:
    """Inside a transaction that locked the endpoint. Bound to the address the endpoint has now."""
    credential = Credential.objects.select_for_update().filter(endpoint=endpoint).first()
    credential = credential or Credential(endpoint=endpoint)
    credential.endpoint = endpoint
    credential.origin = endpoint.origin
    credential.created_at, credential.last_used_at = timezone.now(), None
    credential.put(key)
    credential.save()


def keep_or_forget_key(endpoint: Endpoint) -> bool:
    """After the address changed: a key entered for another host is deleted. True where one was."""
    deleted, _ = Credential.objects.filter(endpoint=endpoint).exclude(origin=endpoint.origin).delete()
    return bool(deleted)


# --- Rules -----------------------------------------------------------------------------------------
def _check(endpoint: Endpoint, *, key: str, force: bool) -> Checked:
    if force:
        return Checked(())
    assert endpoint.owner_id is not None
    try:
        return checking.check(
            Provider(endpoint.provider),
            url=endpoint.url,
            key=key,
            label=endpoint.label,
            user_id=endpoint.owner_id,
        )
    except CheckFailedError as failed:
        may_force = failed.code is not ErrorCode.TOO_MANY_REQUESTS
        raise NotSavedError(failed.sentence, said=failed.said, may_force=may_force) from None


def _require_place_for_key(key: str) -> None:
    if key and not secrets.key_ids():
        raise NotSavedError(
            "This server has no master key to keep it with. Its operator can set MASTER_KEYS."
        )


def _require_dialable(endpoint: Endpoint) -> None:
    """Told early and not to be forced. The guard itself is at every connection."""
    try:
        asyncio.run(refuse_private(endpoint.url, allow_private=may_be_private(endpoint.url)))
    except AddressRefusedError:
        error = CheckFailedError(
            UserFacingError(ErrorCode.ADDRESS_REFUSED, details={"provider": endpoint.label})
        )
        raise NotSavedError(error.sentence, field="base_url") from None
    except (OSError, ValueError):  # a name that no resolver takes
        raise NotSavedError("That address names no host.", field="base_url") from None


def _require_free_slug(slug: str) -> None:
    if slug in _RESERVED_SLUGS or slug in Provider.values or slug in starting_data().creators:
        raise NotSavedError("That name is a provider's own. Choose another one.", field="slug")


def _stored_key(endpoint: Endpoint) -> str:
    """The key that stays: none where the address leads to another host now."""
    try:
        return key_of(endpoint)
    except UserFacingError:
        return ""


# --- Storing ---------------------------------------------------------------------------------------
def _create(endpoint: Endpoint, *, key: str, offers: list[Offer]) -> Endpoint:
    try:
        with transaction.atomic(durable=True):
            endpoint.save()
            if key:
                store_key(endpoint, key)
            _add_offers(endpoint, offers)
    except IntegrityError:
        raise NotSavedError(f"You have {endpoint.name} already. Change that one instead.") from None
    return endpoint


def _lock(endpoint: Endpoint) -> None:
    Endpoint.objects.select_for_update().get(pk=endpoint.pk)


def _offers(endpoint: Endpoint, names: Iterable[str]) -> list[Offer]:
    return listed_offers(Provider(endpoint.provider), names, endpoint_name=endpoint.name)


def _add_offers(endpoint: Endpoint, offers: list[Offer]) -> int:
    there = set(OwnModel.objects.filter(endpoint=endpoint).values_list("provider_model", flat=True))
    models = [
        _own_model(endpoint, offer)
        for offer in offers
        if offer.provider_model not in there and len(offer.provider_model) <= MODEL_NAME_CHARACTERS_MAX
    ]
    if len(there) + len(models) > MODELS_MAX:
        raise NotSavedError(
            f"That would be {len(there) + len(models)} models; there is room for {MODELS_MAX}. Choose fewer."
        )
    OwnModel.objects.bulk_create(models, ignore_conflicts=True)
    return OwnModel.objects.filter(endpoint=endpoint).count() - len(there)


def _own_model(endpoint: Endpoint, offer: Offer) -> OwnModel:
    return OwnModel(
        endpoint=endpoint,
        model_id=f"{OWN_PREFIX}{offer.model.pk}",
        provider_model=offer.provider_model,
        name=offer.model.name[:MODEL_NAME_CHARACTERS_MAX],
        reasoning=offer.model.reasoning,
        context_window_tokens=offer.model.context_window_tokens,
        max_output_tokens=offer.model.max_output_tokens,
    )
