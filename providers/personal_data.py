"""What is kept of a person about models: endpoints with their keys, own models, preferences, usage."""

import json
from collections.abc import Iterator

from betterchat.core.personal_data import AfterCommit, ExportedFile, Holder, register
from providers.models import Endpoint, ModelPreferences, OwnModel, Usage


def delete(user_id: int) -> AfterCommit:
    """Keys go with their endpoints. Usage stays for the sums: the row of the person makes it nobody's."""
    Endpoint.objects.filter(owner_id=user_id).delete()
    ModelPreferences.objects.filter(user_id=user_id).delete()
    return _nothing


def _nothing() -> None:
    """Everything is in the database."""


def export(user_id: int) -> Iterator[ExportedFile]:
    """Keys are told by their last four characters, as everywhere."""
    endpoints = Endpoint.objects.filter(owner_id=user_id).select_related("credential")
    yield _file(
        "providers.json",
        [
            {
                "name": endpoint.name,
                "provider": endpoint.provider,
                "base_url": endpoint.base_url,
                "key_ends_in": endpoint.credential.last_four if hasattr(endpoint, "credential") else None,
                "models": list(
                    OwnModel.objects.filter(endpoint=endpoint).values("model_id", "provider_model", "name")
                ),
            }
            for endpoint in endpoints
        ],
    )
    preferences = ModelPreferences.objects.filter(user_id=user_id)
    yield _file(
        "model_preferences.json", list(preferences.values("default_id", "favourite_ids", "hidden_ids"))
    )
    usage = Usage.objects.filter(user_id=user_id).order_by("created_at")
    counted = ("input_tokens", "output_tokens", "reasoning_tokens", "cached_tokens", "cost_microusd")
    yield _file(
        "usage.json", list(usage.values("created_at", "language_model_id", "purpose", "own_key", *counted))
    )


def _file(path: str, content: object) -> ExportedFile:
    return ExportedFile(path, json.dumps(content, ensure_ascii=False, indent=1, default=str))


register(Holder(name="providers", delete=delete, export=export))
