"""Cleaning of streamed text: what Postgres and JSON can't hold, and thoughts written inline."""

from collections.abc import Iterable, Iterator

from providers.events import ModelEvent, ReasoningDelta, Refusal, TextDelta, ToolCall, ToolCallDelta

# As models write it; Gemma and Gemini's own imitation of OpenAI; Mistral's where a server leaves it as it is.
_TAGS = {
    "<think>": "</think>",
    "<thought>": "</thought>",
    "[THINK]": "[/THINK]",
}


class TextCleaner:
    """Takes NUL out and replaces lone surrogates; a pair that was cut between two deltas is joined."""

    def __init__(self) -> None:
        self._high = ""

    def feed(self, text: str) -> str:
        if not self._high and text.isascii() and "\x00" not in text:
            return text
        text = self._high + text
        self._high = ""
        if text and "\ud800" <= text[-1] <= "\udbff":
            text, self._high = text[:-1], text[-1]
        return mended(text)

    def flush(self) -> str:
        high, self._high = self._high, ""
        return mended(high)


def mended(text: str) -> str:
    """Text that Postgres and JSON can hold."""
    if "\x00" in text:
        text = text.replace("\x00", "")
    try:
        text.encode()
    except UnicodeEncodeError:
        text = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text


class ThinkSplitter:
    """Makes reasoning of a `<think>…</think>` that opens an answer; tags may be cut anywhere.

    Only the very start counts: a model that writes about the tag later keeps it in its text. White
    space around the block belongs to neither side.
    """

    def __init__(self) -> None:
        self._state = "start"
        self._held = ""
        self._close = ""

    @property
    def settled(self) -> bool:
        """Whether all that follows is text."""
        return self._state == "text"

    def feed(self, text: str) -> Iterator[TextDelta | ReasoningDelta]:
        match self._state:
            case "start":
                yield from self._at_start(self._held + text)
            case "thinking":
                yield from self._thinking(self._held + text)
            case "after":
                yield from self._after(text)
            case _ if text:
                yield TextDelta(text)

    def flush(self) -> Iterator[TextDelta | ReasoningDelta]:
        held, self._held = self._held, ""
        if held:
            yield ReasoningDelta(held) if self._state == "thinking" else TextDelta(held)

    def _at_start(self, text: str) -> Iterator[TextDelta | ReasoningDelta]:
        self._held = ""
        visible = text.lstrip()
        opened = next((tag for tag in _TAGS if visible.startswith(tag)), None)
        if opened is not None:
            self._state, self._close = "thinking", _TAGS[opened]
            yield from self._thinking(visible.removeprefix(opened))
        elif any(tag.startswith(visible) for tag in _TAGS):
            self._held = text
        else:
            self._state = "text"
            yield TextDelta(text)

    def _thinking(self, text: str) -> Iterator[TextDelta | ReasoningDelta]:
        thought, closed, rest = text.partition(self._close)
        if closed:
            self._held = ""
            if thought:
                yield ReasoningDelta(thought)
            self._state = "after"
            yield from self._after(rest)
            return
        kept = _overlap(text, self._close)
        self._held = text[len(text) - kept :]
        if thought := text[: len(text) - kept]:
            yield ReasoningDelta(thought)

    def _after(self, text: str) -> Iterator[TextDelta]:
        if visible := text.lstrip():
            self._state = "text"
            yield TextDelta(visible)


class Cleaned:
    """A stream's events with clean text, inline thoughts split off where they may be, nothing empty."""

    def __init__(self, *, inline_thoughts: bool) -> None:
        self.anything = False
        self._text = TextCleaner()
        self._reasoning = TextCleaner()
        self._splitter = ThinkSplitter() if inline_thoughts else None

    def feed(self, event: ModelEvent) -> Iterator[ModelEvent]:
        match event:
            case TextDelta(text=text):
                yield from self._said(self._text.feed(text))
            case ReasoningDelta(text=text):
                if text := self._reasoning.feed(text):
                    self.anything = True
                    yield ReasoningDelta(text)
            case ToolCall(index, id_, name, arguments):
                self.anything = True
                yield ToolCall(index, mended(id_), mended(name), mended(arguments))
            case ToolCallDelta(index, id_, name, arguments):
                yield ToolCallDelta(index, mended(id_), mended(name), mended(arguments))
            case Refusal(text=text):
                if text := mended(text):
                    yield Refusal(text)
            case _:
                yield event

    def flush(self) -> Iterator[ModelEvent]:
        if thought := self._reasoning.flush():
            yield ReasoningDelta(thought)
        yield from self._said(self._text.flush())
        if self._splitter is not None:
            yield from self._kept(self._splitter.flush())

    def _said(self, text: str) -> Iterator[ModelEvent]:
        if self._splitter is not None and not self._splitter.settled:
            yield from self._kept(self._splitter.feed(text))
        elif text:
            self.anything = True
            yield TextDelta(text)

    def _kept(self, deltas: Iterable[TextDelta | ReasoningDelta]) -> Iterator[ModelEvent]:
        for delta in deltas:
            self.anything = True
            yield delta


def _overlap(text: str, tag: str) -> int:
    """How many characters at the end of `text` may be the beginning of `tag`."""
    return next((n for n in range(min(len(text), len(tag) - 1), 0, -1) if tag.startswith(text[-n:])), 0)
