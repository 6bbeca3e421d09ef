"""Asking an endpoint which models it serves."""

import asyncio
import re

import aiohttp
import msgspec

from betterchat.core.errors import ErrorCode, UserFacingError
from betterchat.core.outbound import AddressRefusedError, Fetched, fetch
from providers.errors import code_of_status
from providers.models import Provider

MODELS_MAX = 1000
_NAME = re.compile(r"[^\s\x00-\x1f]{1,150}")
_NOT_FOR_CHAT = re.compile(
    r"embed|whisper|tts|rerank|moderation|dall-e|imagen|veo|transcribe|realtime|sora|gpt-image", re.IGNORECASE
)


class _Item(msgspec.Struct):
    id: str = ""
    name: str = ""


class _Listing(msgspec.Struct):
    """OpenAI, its imitators and Anthropic answer `data`; Gemini and Ollama `models`."""

    data: list[_Item] | None = None
    models: list[_Item] | None = None


def list_models(
    provider: Provider, *, url: str, key: str, label: str, allow_private: bool, seconds: float = 15.0
) -> list[str]:
    """Names of the models that can chat, as the endpoint calls them, in its order.

    Blocks, and opens an event loop of its own: not for async code. Raises UserFacingError.
    """
    fetched = ask(
        provider,
        url + listing_path(provider),
        key=key,
        label=label,
        allow_private=allow_private,
        seconds=seconds,
    )
    if fetched.status != 200:
        raise UserFacingError(code_of(fetched), details={"provider": label})
    return names_in(fetched, label=label)


def listing_path(provider: Provider) -> str:
    match provider:
        case Provider.OLLAMA:
            return "/api/tags"
        case Provider.ANTHROPIC:
            return "/v1/models?limit=1000"
        case _:
            return "/models"


def ask(
    provider: Provider, url: str, *, key: str, label: str, allow_private: bool, seconds: float = 15.0
) -> Fetched:
    """GET with the provider's key headers. Blocks as `list_models` does. Raises UserFacingError."""
    headers = {"User-Agent": "Better-Chat", **_headers(provider, key=key)}
    try:
        return asyncio.run(fetch(url, allow_private=allow_private, headers=headers, total_seconds=seconds))
    except AddressRefusedError:
        raise UserFacingError(ErrorCode.ADDRESS_REFUSED, details={"provider": label}) from None
    except (aiohttp.ClientError, OSError, TimeoutError):
        raise UserFacingError(ErrorCode.PROVIDER_UNREACHABLE, details={"provider": label}) from None
    except ValueError:
        raise UserFacingError(ErrorCode.PROVIDER_NOT_AN_API, details={"provider": label}) from None


def code_of(fetched: Fetched) -> ErrorCode:
    """Why an answer with another status than 200 is none."""
    code = code_of_status(fetched.status, fetched.body[:65_536].decode(errors="replace"))
    return ErrorCode.PROVIDER_NOT_AN_API if code is ErrorCode.PROVIDER_MODEL_NOT_FOUND else code


def _headers(provider: Provider, *, key: str) -> dict[str, str]:
    if not key:
        return {}
    match provider:
        case Provider.ANTHROPIC:
            return {"x-api-key": key, "anthropic-version": "2023-06-01"}
        case Provider.GEMINI:
            return {"x-goog-api-key": key}
        case _:
            return {"Authorization": f"Bearer {key}"}


def names_in(fetched: Fetched, *, label: str) -> list[str]:
    """Raises PROVIDER_NOT_AN_API."""
    try:
        listing = msgspec.json.decode(fetched.body, type=_Listing, strict=False)
    except msgspec.DecodeError:
        raise UserFacingError(ErrorCode.PROVIDER_NOT_AN_API, details={"provider": label}) from None
    if listing.data is None and listing.models is None:
        raise UserFacingError(ErrorCode.PROVIDER_NOT_AN_API, details={"provider": label})
    names = [(item.id or item.name).removeprefix("models/") for item in listing.data or listing.models or ()]
    usable = [name for name in names if is_name(name) and is_for_chat(name)]
    return list(dict.fromkeys(usable))[:MODELS_MAX]


def is_name(name: str) -> bool:
    """Whether a model can be called by it: one word that can be shown."""
    return bool(_NAME.fullmatch(name)) and name.isprintable()


def is_for_chat(name: str) -> bool:
    """As far as names tell."""
    return not _NOT_FOR_CHAT.search(name)
