"""Which wire is built and read by what. To add one: a value of `Wire`, a file, and a line here."""

from collections.abc import Callable
from dataclasses import dataclass

from providers.events import ModelRequest
from providers.models.endpoint import Wire
from providers.routing import ResolvedRoute
from providers.wires.anthropic_messages import AnthropicReader
from providers.wires.anthropic_request import build_request as anthropic_request
from providers.wires.base import HttpRequest, Reader
from providers.wires.gemini import GeminiReader
from providers.wires.gemini import build_request as gemini_request
from providers.wires.ollama import OllamaReader
from providers.wires.ollama import build_request as ollama_request
from providers.wires.openai_chat import OpenAIChatReader
from providers.wires.openai_chat_request import build_request as openai_chat_request
from providers.wires.openai_responses import OpenAIResponsesReader
from providers.wires.openai_responses_request import build_request as openai_responses_request
from providers.wires.sse import Framing, JsonLines, ServerSentEvents


@dataclass(frozen=True, slots=True)
class NativeWire:
    """`inline_thoughts`: models behind it may write `<think>…</think>` into their text."""

    build_request: Callable[[ModelRequest, ResolvedRoute], HttpRequest]
    reader: Callable[..., Reader]
    framing: Callable[[], Framing] = ServerSentEvents
    inline_thoughts: bool = False


NATIVE_WIRES: dict[Wire, NativeWire] = {
    Wire.OPENAI_CHAT: NativeWire(openai_chat_request, OpenAIChatReader, inline_thoughts=True),
    Wire.OPENAI_RESPONSES: NativeWire(openai_responses_request, OpenAIResponsesReader),
    Wire.ANTHROPIC: NativeWire(anthropic_request, AnthropicReader),
    Wire.GEMINI: NativeWire(gemini_request, GeminiReader),
    Wire.OLLAMA: NativeWire(ollama_request, OllamaReader, framing=JsonLines, inline_thoughts=True),
}
