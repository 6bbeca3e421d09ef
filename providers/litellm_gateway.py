"""Calls through litellm: breadth. Only this file knows litellm, and only the worker runs it.

Importing takes seconds of CPU and 200 MiB, so it happens once, in a thread, on the first call or when
`warm_up` is told to.
"""

import asyncio
import importlib
import logging
import os
import threading
import warnings
from collections.abc import AsyncGenerator, Iterator
from typing import Any

import httpx

from providers.events import ModelRequest, ReasoningDelta, TextDelta
from providers.models.endpoint import Provider
from providers.routing import ResolvedRoute
from providers.transport import GuardedTransport
from providers.wire_frames import Wire

WIRES: dict[str, Wire] = {
    Provider.OPENAI: Wire.OPENAI,
    Provider.OPENAI_COMPATIBLE: Wire.OPENAI,
    Provider.OPENROUTER: Wire.OPENAI,
    Provider.XAI: Wire.OPENAI,
    Provider.ANTHROPIC: Wire.ANTHROPIC,
    Provider.GEMINI: Wire.GEMINI,
    Provider.OLLAMA: Wire.OLLAMA,
}
# `custom_openai`, not `openai`: for names it knows as Responses-only (o3-pro) litellm would leave the
# Chat Completions wire, and with it the client it was given.
_NAMES: dict[str, str] = {
    Provider.OPENAI: "custom_openai",
    Provider.OPENAI_COMPATIBLE: "custom_openai",
    Provider.OPENROUTER: "openrouter",
    Provider.XAI: "xai",
    Provider.ANTHROPIC: "anthropic",
    Provider.GEMINI: "gemini",
    Provider.OLLAMA: "ollama_chat",
}
NO_KEY = "none"
_LOOP_SHARE_SECONDS = 0.02
logger = logging.getLogger("betterchat.providers")
_loading = threading.Lock()
_modules: tuple[Any, Any, Any] | None = None


class CallFailedError(Exception):
    """litellm gave up. Why is in the transport's report; its own text may hold keys and is not passed on."""


async def warm_up() -> None:
    """Import litellm ahead of the first call. Takes seconds of CPU, in a thread."""
    await asyncio.to_thread(_load)


async def stream(
    request: ModelRequest, *, route: ResolvedRoute, transport: GuardedTransport
) -> AsyncGenerator[TextDelta | ReasoningDelta]:
    """The deltas as litellm hands them out. Ends with the stream, or raises CallFailedError.

    An end says nothing about completeness: ask `transport.report`.
    """
    litellm, client = await asyncio.to_thread(_client, route, transport)
    loop = asyncio.get_running_loop()
    response: Any = None
    slice_began = loop.time()
    try:
        response = await litellm.acompletion(**_arguments(request, route=route), client=client)
        async for chunk in response:
            for delta in _deltas(chunk):
                yield delta
            # A burst that is buffered already is read without ever giving the loop to others.
            if loop.time() - slice_began > _LOOP_SHARE_SECONDS:
                await asyncio.sleep(0)
                slice_began = loop.time()
    except Exception as error:  # noqa: BLE001 - the edge to a library whose exceptions follow no rule
        logger.info("litellm raised %s", type(error).__name__)
        raise CallFailedError from None
    finally:
        transport.abort()
        if response is not None:
            await response.aclose()


def _arguments(request: ModelRequest, *, route: ResolvedRoute) -> dict[str, Any]:
    arguments: dict[str, Any] = {
        "model": f"{_NAMES[route.provider]}/{route.provider_model}",
        "messages": [{"role": message.role.value, "content": message.text} for message in request.messages],
        "api_base": route.base_url,
        # Never empty: litellm would look for a key in the environment and send that one.
        "api_key": route.key or NO_KEY,
        "stream": True,
        "num_retries": 0,
        "max_retries": 0,
    }
    if WIRES[route.provider] is Wire.OPENAI:
        arguments["stream_options"] = {"include_usage": True}
    if route.provider is Provider.OPENROUTER:
        arguments["extra_headers"] = {"X-Title": "Better Chat", "HTTP-Referer": ""}
    return arguments | _limit(request, route=route)


def _limit(request: ModelRequest, *, route: ResolvedRoute) -> dict[str, Any]:
    """The bound on output, in the field that the provider reads."""
    limit = request.max_output_tokens
    if limit is None and route.provider is Provider.ANTHROPIC:
        # Required there; litellm would assume 4,096 for names it doesn't know.
        limit = route.max_output_tokens
    if limit is None:
        return {}
    if route.provider is Provider.OPENAI:
        return {"extra_body": {"max_completion_tokens": limit}}  # reasoning models refuse `max_tokens`
    return {"max_tokens": limit}


def _deltas(chunk: Any) -> Iterator[TextDelta | ReasoningDelta]:
    for choice in chunk.choices:
        reasoning = getattr(choice.delta, "reasoning_content", None)
        if isinstance(reasoning, str) and reasoning:
            yield ReasoningDelta(reasoning)
        if isinstance(choice.delta.content, str) and choice.delta.content:
            yield TextDelta(choice.delta.content)


def _client(route: ResolvedRoute, transport: GuardedTransport) -> tuple[Any, object]:
    """litellm, and the client of one call in the shape its code for this provider expects."""
    litellm, handlers, openai = _load()
    if _NAMES[route.provider] != "custom_openai":
        return litellm, handlers.AsyncHTTPHandler(transport=transport, follow_redirects=False)
    return litellm, openai.AsyncOpenAI(
        api_key=route.key or NO_KEY,
        base_url=route.base_url,
        max_retries=0,
        http_client=httpx.AsyncClient(transport=transport, follow_redirects=False, trust_env=False),
    )


def _load() -> tuple[Any, Any, Any]:  # modules; litellm has no types worth the time mypy takes over them
    """litellm, its HTTP handlers and the openai SDK; quiet, offline, without the repetition guard."""
    global _modules  # noqa: PLW0603 - the one cache of the one import
    with _loading:
        if _modules is None:
            os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
            names = ("litellm", "litellm.llms.custom_httpx.http_handler", "openai")
            with warnings.catch_warnings(action="ignore"):
                modules: list[Any] = [importlib.import_module(name) for name in names]
                litellm, handlers, openai = modules
                _silence(litellm)
                litellm.num_retries = 0
                litellm.drop_params = True
                litellm.REPEATED_STREAMING_CHUNK_LIMIT = float("inf")
                _keep_home()
                _rehearse(litellm)
            _modules = litellm, handlers, openai
        return _modules


def _keep_home() -> None:
    """Of Ollama models it does not know, litellm asks localhost:11434, with a blocking client of its own."""
    ollama: Any = importlib.import_module("litellm.llms.ollama.common_utils")
    unknown = {"litellm_provider": "ollama", "mode": "chat", "input_cost_per_token": 0.0}
    unknown |= {"output_cost_per_token": 0.0, "max_tokens": None, "max_input_tokens": None}

    def tell_nothing(_: object, model: str, **__: object) -> dict[str, object]:
        return {**unknown, "key": model, "max_output_tokens": None}

    ollama.OllamaModelInfo.get_runtime_model_info = tell_nothing


def _rehearse(litellm: Any) -> None:
    """One pretended answer. The first one builds pydantic schemas for a second, with warnings."""
    rehearsal = {"model": "openai/rehearsal", "api_key": NO_KEY, "mock_response": "Ready."}
    messages = [{"role": "user", "content": "Ready?"}]
    for chunk in litellm.completion(messages=messages, stream=True, **rehearsal):
        for _ in _deltas(chunk):
            pass


def _silence(litellm: Any) -> None:
    litellm.suppress_debug_info = True
    litellm.telemetry = False
    litellm.turn_off_message_logging = True
    litellm.disable_streaming_logging = True
    for callbacks in ("callbacks", "input_callback", "success_callback", "failure_callback"):
        setattr(litellm, callbacks, [])
    # They name the URL of every call, at DEBUG its body too.
    for name in ("LiteLLM", "LiteLLM Router", "LiteLLM Proxy", "httpx", "httpcore", "openai"):
        library = logging.getLogger(name)
        library.setLevel(logging.CRITICAL)
        library.propagate = False
