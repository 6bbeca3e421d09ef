"""Providers' lists of models over real HTTP, in the shapes their pages show, and lists that are broken."""

import gzip
import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self
from urllib.parse import parse_qs, urlsplit

type Query = Mapping[str, str]


@dataclass(frozen=True)
class Answer:
    """`drip` sends the body byte by byte for ever."""

    body: bytes = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=lambda: {"Content-Type": "application/json"})
    drip: bool = False


def as_json(value: object, *, status: int = 200) -> Answer:
    return Answer(json.dumps(value).encode(), status)


class ListServer:
    """`answer` gets the path and the query; `asked` has the paths with queries as they came."""

    def __init__(self, answer: Callable[[str, Query], Answer] | Answer) -> None:
        self.answer = answer
        self.asked: list[str] = []
        self.headers: list[dict[str, str]] = []
        self._closing = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.set()
        self._server.shutdown()
        self._thread.join(5)
        self._server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        lists = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                lists.asked.append(self.path)
                lists.headers.append(dict(self.headers))
                parts = urlsplit(self.path)
                query = {name: values[0] for name, values in parse_qs(parts.query).items()}
                answer = lists.answer if isinstance(lists.answer, Answer) else lists.answer(parts.path, query)
                self.send_response(answer.status)
                for name, value in answer.headers.items():
                    self.send_header(name, value)
                if not answer.drip:
                    self.send_header("Content-Length", str(len(answer.body)))
                self.end_headers()
                try:
                    self.wfile.write(answer.body)
                    while answer.drip and not lists._closing.wait(0.01):
                        self.wfile.write(b" ")
                        self.wfile.flush()
                except OSError:
                    pass

            def log_message(self, format: str, *args: object) -> None:
                pass

        return Handler


# --- Documented ------------------------------------------------------------------------------------
def openai(*names: str, **more: object) -> Answer:
    """https://platform.openai.com/docs/api-reference/models/list"""
    data = [{"id": n, "object": "model", "created": 1686935002, "owned_by": "system", **more} for n in names]
    return as_json({"object": "list", "data": data})


def ollama(*names: str) -> Answer:
    """https://docs.ollama.com/api/tags"""
    details = {"format": "gguf", "family": "gemma", "parameter_size": "4.3B", "quantization_level": "Q4_K_M"}
    return as_json(
        {"models": [{"name": n, "model": n, "size": 3338801804, "details": details} for n in names]}
    )


CLAUDE = {
    "type": "model",
    "id": "claude-opus-4-6",
    "display_name": "Claude Opus 4.6",
    "created_at": "2026-02-04T00:00:00Z",
    "max_input_tokens": 200_000,
    "max_tokens": 128_000,
    "capabilities": {
        "batch": {"supported": True},
        "effort": {
            "supported": True,
            "low": {"supported": True},
            "medium": {"supported": True},
            "high": {"supported": True},
            "max": {"supported": False},
        },
        "image_input": {"supported": True},
        "pdf_input": {"supported": True},
        "thinking": {"supported": True, "types": {"adaptive": {"supported": True}}},
    },
}


def anthropic(*pages: list[dict[str, object]]) -> Callable[[str, Query], Answer]:
    """https://platform.claude.com/docs/en/api/models/list: the next page begins after `last_id`."""
    lasts = [str(page[-1]["id"]) for page in pages]

    def answer(path: str, query: Query) -> Answer:
        number = lasts.index(query["after_id"]) + 1 if "after_id" in query else 0
        page = pages[number]
        return as_json(
            {
                "data": page,
                "first_id": page[0]["id"],
                "last_id": lasts[number],
                "has_more": number + 1 < len(pages),
            }
        )

    return answer


GEMINI = {
    "name": "models/gemini-2.5-flash",
    "baseModelId": "gemini-2.5-flash",
    "version": "001",
    "displayName": "Gemini 2.5 Flash",
    "description": "Stable version",
    "inputTokenLimit": 1_048_576,
    "outputTokenLimit": 65_536,
    "supportedGenerationMethods": ["generateContent", "countTokens"],
    "temperature": 1,
    "thinking": True,
}


def gemini(*pages: list[dict[str, object]]) -> Callable[[str, Query], Answer]:
    """https://ai.google.dev/api/models#method:-models.list"""

    def answer(path: str, query: Query) -> Answer:
        number = int(query.get("pageToken", "page-0").removeprefix("page-"))
        more = {"nextPageToken": f"page-{number + 1}"} if number + 1 < len(pages) else {}
        return as_json({"models": pages[number], **more})

    return answer


GROK = {
    "id": "grok-4.7",
    "object": "model",
    "created": 1780000000,
    "owned_by": "xai",
    "aliases": ["grok-latest"],
    "context_length": 500_000,
    "prompt_text_token_price": 30_000,
    "cached_prompt_text_token_price": 7_500,
    "completion_text_token_price": 150_000,
    "long_context_threshold": 200_000,
    "prompt_text_token_price_long_context": 60_000,
    "cached_prompt_text_token_price_long_context": None,
    "completion_text_token_price_long_context": 300_000,
}


def xai(*models: dict[str, object]) -> Answer:
    """https://docs.x.ai/developers/rest-api-reference/inference/models"""
    return as_json({"object": "list", "data": models})


ROUTED = {
    "id": "acme/rocket-2",
    "canonical_slug": "acme/rocket-2",
    "name": "Acme: Rocket 2",
    "created": 1780000000,
    "description": "A model",
    "context_length": 131_072,
    "architecture": {
        "input_modalities": ["text", "image"],
        "output_modalities": ["text"],
        "modality": "text+image->text",
        "tokenizer": "Other",
        "instruct_type": None,
    },
    "pricing": {
        "prompt": "0.0000004",
        "completion": "0.0000016",
        "request": "0",
        "image": "0",
        "input_cache_read": "0.0000001",
    },
    "top_provider": {"context_length": 131_072, "max_completion_tokens": 16_384, "is_moderated": False},
    "per_request_limits": None,
    "supported_parameters": ["max_tokens", "temperature", "tools", "reasoning"],
    "reasoning": {"supported_efforts": ["high", "medium", "low", "none"], "default_effort": "medium"},
    "expiration_date": None,
}


def openrouter(*pages: list[dict[str, object]]) -> Callable[[str, Query], Answer]:
    """https://openrouter.ai/docs/models; `links.next` as the SDK's reference of the list shows it."""
    begins = [sum(len(page) for page in pages[:number]) for number in range(len(pages))]

    def answer(path: str, query: Query) -> Answer:
        number = begins.index(int(query.get("offset", "0")))
        more = number + 1 < len(pages)
        link = f"https://elsewhere.example.org/models?offset={begins[number + 1]}" if more else None
        return as_json({"data": pages[number], "links": {"next": link}})

    return answer


# --- Broken ----------------------------------------------------------------------------------------
HTML = Answer(b"<!doctype html><title>Sign in</title>", headers={"Content-Type": "text/html"})
ENDLESS = Answer(b'{"data": [', drip=True)
BOMB = Answer(
    gzip.compress(b'{"data": [' + b" " * 64 * 1024 * 1024, compresslevel=9),
    headers={"Content-Type": "application/json", "Content-Encoding": "gzip"},
)


def redirect(url: str) -> Answer:
    return Answer(status=302, headers={"Location": url})
