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

from betterchat.core.errors import ErrorCode
from providers.events import Effort, FinishReason, ModelEvent, ModelRequest, ReasoningDelta, TextDelta
from providers.litellm_names import CARRIED, CODES_OF_EXCEPTIONS, THROUGH_HANDLER
from providers.routing import ResolvedRoute
from providers.transport import GuardedTransport
from providers.wires.base import WireReport
from providers.wires.effort import compatible_effort
from providers.wires.openai_chat_request import openai_message, openai_tool
from providers.wires.tool_calls import CallPieces

NO_KEY = "none"
_LOOP_SHARE_SECONDS = 0.02
_REASONS = {
    "length": FinishReason.LENGTH,
    "content_filter": FinishReason.CONTENT_FILTER,
    "tool_calls": FinishReason.TOOL_CALLS,
}
logger = logging.getLogger("betterchat.providers")
_loading = threading.Lock()
_modules: tuple[Any, Any, Any] | None = None


async def warm_up() -> None:
    """Import litellm ahead of the first call. Takes seconds of CPU, in a thread."""
    await asyncio.to_thread(_load)


async def stream(
    request: ModelRequest, *, route: ResolvedRoute, report: WireReport
) -> AsyncGenerator[ModelEvent]:
    """What litellm hands out. Never raises for what the provider does: see `report`.

    The route's model is litellm's `provider/model`. How the stream ended is read from its own bytes where
    they are of OpenAI's format, and taken from litellm elsewhere.
    """
    if route.provider_model.partition("/")[0] not in CARRIED:
        report.status = 404
        return
    transport = GuardedTransport(
        base_url=route.base_url, allow_private=route.allow_private, has_key=bool(route.key), report=report
    )
    litellm, client = await asyncio.to_thread(_client, route, transport)
    loop = asyncio.get_running_loop()
    response: Any = None
    slice_began = loop.time()
    pieces, finish = CallPieces(), ""
    try:
        response = await litellm.acompletion(**_arguments(request, route=route), client=client)
        if not transport.used:
            raise RuntimeError("litellm went around the guarded transport")
        async for chunk in response:
            for choice in chunk.choices:
                finish = choice.finish_reason or finish
                for delta in _deltas(choice, pieces):
                    yield delta
            # A burst that is buffered already is read without ever giving the loop to others.
            if loop.time() - slice_began > _LOOP_SHARE_SECONDS:
                await asyncio.sleep(0)
                slice_began = loop.time()
    except Exception as error:  # noqa: BLE001 - the edge to a library whose exceptions follow no rule
        _note_raised(report, error, asked=transport.used)
    finally:
        transport.abort()
        if response is not None:
            await response.aclose()
    if not report.recognized and not report.broken and finish:
        report.note_finish(_REASONS.get(finish, FinishReason.STOP), finish)
    if report.finish is not None:
        for call in pieces.calls():
            yield call


def _note_raised(report: WireReport, error: Exception, *, asked: bool) -> None:
    """Why it raised is in the report, once somebody was asked. Its own text may hold keys."""
    name = type(error).__name__
    logger.info("litellm raised %s", name)
    report.broken |= not report.recognized
    if not asked:
        report.raised = CODES_OF_EXCEPTIONS.get(name, ErrorCode.PROVIDER_FAILED)


def _arguments(request: ModelRequest, *, route: ResolvedRoute) -> dict[str, Any]:
    arguments: dict[str, Any] = {
        "model": route.provider_model,
        "messages": [openai_message(message, route=route) for message in request.messages],
        "api_base": route.base_url,
        # Never empty: litellm would look for a key in the environment and send that one.
        "api_key": route.key or NO_KEY,
        "stream": True,
        "stream_options": {"include_usage": True},
        "num_retries": 0,
        "max_retries": 0,
    }
    if request.max_output_tokens is not None:
        arguments["max_tokens"] = request.max_output_tokens
    if request.temperature is not None:
        arguments["temperature"] = request.temperature
    if request.tools:
        arguments["tools"] = [openai_tool(tool) for tool in request.tools]
    if request.effort not in {None, Effort.OFF}:
        arguments["reasoning_effort"] = compatible_effort(request.effort)
        arguments["allowed_openai_params"] = ["reasoning_effort"]  # for names that it doesn't know
    return arguments


def _deltas(choice: Any, pieces: CallPieces) -> Iterator[TextDelta | ReasoningDelta]:
    reasoning = getattr(choice.delta, "reasoning_content", None)
    if isinstance(reasoning, str) and reasoning:
        yield ReasoningDelta(reasoning)
    if isinstance(choice.delta.content, str) and choice.delta.content:
        yield TextDelta(choice.delta.content)
    for place, piece in enumerate(getattr(choice.delta, "tool_calls", None) or ()):
        pieces.add(piece.model_dump(), place=place)


def _client(route: ResolvedRoute, transport: GuardedTransport) -> tuple[Any, object]:
    """litellm, and the client of one call in the shape its code for this provider expects."""
    litellm, handlers, openai = _load()
    if route.provider_model.partition("/")[0] in THROUGH_HANDLER:
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
        for choice in chunk.choices:
            for _ in _deltas(choice, CallPieces()):
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
