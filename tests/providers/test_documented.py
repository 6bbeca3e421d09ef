"""Each wire as its pages document it, over real HTTP; cut in every way that a network can cut."""

from collections.abc import Callable, Iterable, Iterator

import pytest

from providers.errors import code_of_failure
from providers.events import (
    Citation,
    Finished,
    ModelEvent,
    ProviderTool,
    ReasoningDelta,
    Refusal,
    TextDelta,
    ToolCall,
    UsageReport,
)
from providers.models import Provider, Wire
from providers.wires.base import WireReport
from providers.wires.body import Body
from providers.wires.registry import NATIVE_WIRES
from tests.fakes.cases import CASES
from tests.fakes.documented import Case
from tests.fakes.upstream import FakeUpstream
from tests.providers.conftest import a_route, asked

ALL = pytest.mark.parametrize("case", CASES.values(), ids=CASES)
_STREAMS = [case for case in CASES.values() if case.content_type == "text/event-stream"]
_PROVIDERS = {
    Wire.OPENAI_CHAT: Provider.OPENAI_COMPATIBLE,
    Wire.OPENAI_RESPONSES: Provider.OPENAI,
    Wire.ANTHROPIC: Provider.ANTHROPIC,
    Wire.GEMINI: Provider.GEMINI,
    Wire.OLLAMA: Provider.OLLAMA,
}


def joined(events: Iterable[ModelEvent], kind: type[TextDelta | ReasoningDelta | Refusal]) -> str:
    return "".join(event.text for event in events if isinstance(event, kind))


def counts_of(report: UsageReport) -> tuple[int | None, ...]:
    return (
        report.input_tokens,
        report.output_tokens,
        report.reasoning_tokens,
        report.cached_tokens,
        report.cache_write_tokens,
    )


@ALL
@pytest.mark.usefixtures("_sessions")
async def test_what_the_page_shows_arrives(upstream: FakeUpstream, case: Case) -> None:
    events, error = await asked(a_route(upstream, case.name, provider=_PROVIDERS[Wire(case.wire)]))
    assert joined(events, TextDelta) == case.text
    assert joined(events, ReasoningDelta) == case.reasoning
    assert joined(events, Refusal) == case.refusal
    calls = [(e.id, e.name, e.arguments) for e in events if isinstance(e, ToolCall)]
    assert calls == list(case.calls)
    assert [e.index for e in events if isinstance(e, ToolCall)] == list(range(len(calls)))
    tools = [(e.name, e.result is not None) for e in events if isinstance(e, ProviderTool)]
    assert tools == list(case.tools)
    assert [e.url for e in events if isinstance(e, Citation)] == list(case.sources)
    usage = [e for e in events if isinstance(e, UsageReport)]
    assert [counts_of(report) for report in usage[-1:]] == ([] if case.usage is None else [case.usage])
    assert [e.reason.value for e in events if isinstance(e, Finished)] == (
        [case.finish] if case.finish else []
    )
    assert (error.code.value if error else None) == case.error


def read(case: Case, pieces: Iterable[bytes]) -> tuple[list[ModelEvent], WireReport]:
    report = WireReport()
    wire = NATIVE_WIRES[Wire(case.wire)]
    body = Body(wire, wire.reader(model="m"), report)

    def events() -> Iterator[ModelEvent]:
        for piece in pieces:
            if not report.ended:
                yield from body.feed(piece)
        yield from body.finish()

    return list(events()), report


@ALL
@pytest.mark.parametrize("size", [1, 2, 3, 7, 64])
def test_any_cutting_of_the_bytes_gives_the_same_events(case: Case, size: int) -> None:
    whole = read(case, [case.body])
    assert read(case, (case.body[at : at + size] for at in range(0, len(case.body), size))) == whole


@pytest.mark.parametrize("case", _STREAMS, ids=[case.name for case in _STREAMS])
@pytest.mark.parametrize(
    "form",
    [
        lambda body: body.replace(b"\n", b"\r\n"),
        lambda body: body.replace(b"\n", b"\r"),
        lambda body: b"\xef\xbb\xbf" + body,
        lambda body: body.replace(b"data: ", b"data:"),
        lambda body: body.replace(b"data: ", b": ping\nid: 7\nretry: 10\ndata: "),
        lambda body: body.rstrip(b"\n"),
    ],
    ids=["crlf", "cr", "mark", "no-space", "comments-ids-retries", "no-last-blank-line"],
)
def test_every_form_of_event_stream_gives_the_same_events(case: Case, form: Callable[[bytes], bytes]) -> None:
    whole = read(case, [case.body])
    body = form(case.body)
    assert read(case, [body]) == whole
    assert read(case, (body[at : at + 5] for at in range(0, len(body), 5))) == whole


@ALL
def test_cut_at_any_byte_an_answer_is_interrupted_or_whole(case: Case) -> None:
    """Never an end that the model didn't tell, never a word that it didn't write."""
    whole, report = read(case, [case.body])
    spoken = [(type(e), getattr(e, "text", "")) for e in whole if isinstance(e, TextDelta | ReasoningDelta)]
    for at in range(len(case.body)):
        events, cut = read(case, [case.body[:at]])
        told = [
            (type(e), getattr(e, "text", "")) for e in events if isinstance(e, TextDelta | ReasoningDelta)
        ]
        assert told == spoken[: len(told)]
        assert [e for e in events if isinstance(e, ToolCall)] in prefixes(whole)
        if code_of_failure(cut, began=True) is None:
            assert told == spoken
            assert cut.finish is report.finish


def prefixes(events: list[ModelEvent]) -> list[list[ModelEvent]]:
    calls: list[ModelEvent] = [event for event in events if isinstance(event, ToolCall)]
    return [calls[:count] for count in range(len(calls) + 1)]
