"""What the fake upstream does, chosen by the name of the model that is asked for."""

import gzip
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from tests.fakes.wires import Drop, Fail, Finish, Hang, Pause, Raw, Say, Step, Think


@dataclass(frozen=True)
class Refusal:
    """An answer with an error status, or with something that is no stream at all."""

    status: int
    body: str
    content_type: str = "application/json"
    gzipped: bool = False
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Packed:
    """A stream that is sent gzipped though `identity` was asked for; `air` comes out of it in the middle."""

    air: int = 0

    def bytes(self) -> bytes:
        air = b": air\n" * (self.air // 6)
        return gzip.compress(_HELLO + air + _END, compresslevel=1)


type Plan = Refusal | Packed | Sequence[Step]


def _error(message: str, *, kind: str = "invalid_request_error", code: str | None = None) -> str:
    """The error body of https://platform.openai.com/docs/guides/error-codes."""
    return json.dumps({"error": {"message": message, "type": kind, "param": None, "code": code}})


# The planted text looks like a key: nothing of an error body may reach a person or a log.
CANARY = "sk-canary-0123456789abcdef"

# https://platform.openai.com/docs/api-reference/chat-streaming/streaming
_HELLO = b"""data: {"choices": [{"index": 0, "delta": {"content": "Hello"}, "finish_reason": null}]}

"""
_END = b"""data: {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}

data: [DONE]

"""

_FIXED: dict[str, Plan] = {
    "image": [
        Say(
            "![a cat](https://images.example.org/cat.png?q=secret) and <img src=https://images.example.org/dog.png>"
        ),
        Finish(),
    ],
    "hello": [Say("Hello"), Say(", "), Say("world"), Say("!"), Finish()],
    "html-200": Refusal(200, "<!doctype html><title>Welcome</title>", "text/html"),
    "json-200": Refusal(200, '{"status": "ok"}'),
    "silent": [Hang()],
    "silent-midway": [Say("Some text"), Hang()],
    "silent-before-headers": Refusal(0, ""),
    "comments-only": [*(Raw(b": still here\n\n"), Pause(0.2)) * 8, Say("Patience"), Finish()],
    "half": [Say("Half an "), Say("answer")],
    "drop": [Say("Half an "), Say("answer"), Drop()],
    "error-midstream": [Say("Half an "), Say("answer"), Fail(f"Failed with key {CANARY}")],
    "content-filter": Refusal(
        400, _error("The response was filtered due to the content policy.", code="content_filter")
    ),
    "content-filter-finish": [Say("I would"), Finish("content_filter")],
    "context-overflow": Refusal(
        400,
        _error(
            "This model's maximum context length is 8192 tokens. However, your messages resulted in 9001.",
            code="context_length_exceeded",
        ),
    ),
    "insufficient-quota": Refusal(
        429, _error("You exceeded your current quota.", kind="insufficient_quota", code="insufficient_quota")
    ),
    "empty": [Finish()],
    "length": [Say("Cut by the lim"), Finish("length")],
    "no-done": [Say("Fine"), Raw(b""), Finish()],
    "no-usage": [Say("Fine"), Finish(usage=False)],
    "reasoning": [Think("First "), Think("think."), Say("Then "), Say("speak."), Finish()],
    "reasoning-only": [Think("Only thoughts."), Finish()],
    "think-tags": [*map(Say, ["<th", "ink>", "Hmm", ".</thi", "nk>\n\n", "An", "swer"]), Finish()],
    "nul": [Say("a\x00b"), Say("\x00"), Say("c\ud800d"), Say("\ud83d"), Say("\ude00!"), Finish()],
    "unicode": [*map(Say, ["żółć ", "👩‍👩‍👧 ", "\u2028", "\r\n\t ", "e\u0301 "]), Finish()],
    "giant": [Say("x" * 300_000), Finish()],
    "cut-call": [
        Raw(
            b'data: {"choices": [{"index": 0, "delta": {"tool_calls": [{"index": 0, "id": "a", "function": '
            b'{"name": "delete", "arguments": "{}"}}]}}]}\n\n'
        )
    ],
    "lingering": [Say("Done"), Finish(), Raw(b"data: [DONE]\n\n"), Hang()],
    "gzipped": Packed(),
    "bomb": Packed(air=40_000_000),
    "refuse-422": Refusal(422, _error("Unprocessable.")),
}


def _status(rest: str) -> Plan:
    number, _, more = rest.partition("-")
    headers = {"Retry-After": more.removeprefix("retry-")} if more.startswith("retry-") else {}
    return Refusal(int(number), _error(f"Refused {CANARY}"), headers=headers)


_BY_PREFIX: dict[str, Callable[[str], Plan]] = {
    "status-": _status,
    "count-": lambda rest: [Say(f"{number} ") for number in range(1, int(rest) + 1)] + [Finish()],
    "repeat-": lambda rest: [Say("again ")] * int(rest) + [Finish()],
    "slow-": lambda rest: [s for n in range(int(rest)) for s in (Say(f"{n} "), Pause(0.05))] + [Finish()],
    "forever": lambda _: [s for n in range(10_000) for s in (Say(f"{n} "), Pause(0.02))],
    "redirect-": lambda rest: Refusal(int(rest), "", headers={"Location": "http://localhost:9/v1/stolen"}),
}


def plan_for(model: str) -> Plan:
    """The fixed behaviour of that name, or the one of its prefix, or a plain hello."""
    if model in _FIXED:
        return _FIXED[model]
    for prefix, make in _BY_PREFIX.items():
        if model.startswith(prefix):
            return make(model.removeprefix(prefix))
    return _FIXED["hello"]


MODELS = ["hello", "reasoning", "think-tags", "count-500", "slow-200", "half", "silent", "status-401"]
