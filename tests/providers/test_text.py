"""Cleaning of streamed text, wherever it is cut."""

import random
from itertools import pairwise

import pytest

from providers.events import FinishReason, ReasoningDelta, TextDelta
from providers.text import TextCleaner, ThinkSplitter
from providers.wire import LineSplitter, Watcher
from providers.wire_frames import Wire, WireReport


def cut(text: str, seed: int) -> list[str]:
    """The text in pieces, of which some are empty."""
    chance = random.Random(seed)
    places = sorted(chance.choices(range(len(text) + 1), k=chance.randint(0, len(text))))
    return [text[a:b] for a, b in pairwise([0, *places, len(text)])]


def split(pieces: list[str]) -> tuple[str, str]:
    splitter = ThinkSplitter()
    parts = [part for piece in pieces for part in splitter.feed(piece)] + list(splitter.flush())
    assert all(part.text for part in parts)
    reasoning = "".join(part.text for part in parts if isinstance(part, ReasoningDelta))
    return reasoning, "".join(part.text for part in parts if isinstance(part, TextDelta))


ANSWERS = [
    ("<think>Hmm.</think>Answer", "Hmm.", "Answer"),
    ("<think>\nHmm.\n</think>\n\nAnswer", "\nHmm.\n", "Answer"),
    ("\n <think>a < b </thin </think>c", "a < b </thin ", "c"),
    ("<think></think>\n\nAnswer", "", "Answer"),
    ("<think>never closed", "never closed", ""),
    ("<think>never quite closed</thin", "never quite closed</thin", ""),
    ("<thinking>is another tag</thinking>", "", "<thinking>is another tag</thinking>"),
    ("The tag <think>later</think> is text", "", "The tag <think>later</think> is text"),
    ("<think>one</think>two<think>three</think>", "one", "two<think>three</think>"),
    ("<th", "", "<th"),
    ("  indented", "", "  indented"),
    ("", "", ""),
    ("<", "", "<"),
    ("<<think>x</think>", "", "<<think>x</think>"),
]


@pytest.mark.parametrize(("answer", "reasoning", "text"), ANSWERS)
def test_thoughts_are_split_off_wherever_the_stream_is_cut(answer: str, reasoning: str, text: str) -> None:
    for seed in range(200):
        assert split(cut(answer, seed)) == (reasoning, text)
    assert split(list(answer)) == (reasoning, text)


def test_text_after_the_first_visible_character_is_not_held_back() -> None:
    splitter = ThinkSplitter()
    assert list(splitter.feed("Yes")) == [TextDelta("Yes")]
    assert list(splitter.feed(" <")) == [TextDelta(" <")]


CLEANED = [
    ("a\x00b", "ab"),
    ("\x00\x00", ""),
    ("\ud83d\ude00", "😀"),
    ("\ud83d!", "\ufffd!"),
    ("\ude00", "\ufffd"),
    ("end \ud83d", "end \ufffd"),
    ("\ud83d\ud83d\ude00", "\ufffd😀"),
    ("plain 😀 text", "plain 😀 text"),
]


@pytest.mark.parametrize(("dirty", "clean"), CLEANED)
def test_text_is_cleaned_wherever_it_is_cut(dirty: str, clean: str) -> None:
    for seed in range(50):
        cleaner = TextCleaner()
        pieces = [cleaner.feed(piece) for piece in cut(dirty, seed)] + [cleaner.flush()]
        assert "".join(pieces) == clean
        "".join(pieces).encode()


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_lines_are_whole_wherever_the_bytes_are_cut(end: bytes) -> None:
    data = end.join([b"one", b"", "żółć".encode(), b"four"]) + end
    for size in range(1, len(data) + 1):
        splitter = LineSplitter()
        lines = [line for at in range(0, len(data), size) for line in splitter.feed(data[at : at + size])]
        assert lines + list(splitter.flush()) == [b"one", b"", "żółć".encode(), b"four"]


FINISHED = [
    (Wire.OPENAI, b'data: {"choices":[{"delta":{},"finish_reason":"stop"}]}\n\n', FinishReason.STOP),
    (Wire.OPENAI, b'data:{"choices":[{"finish_reason":"length"}]}', FinishReason.LENGTH),
    (
        Wire.OPENAI,
        b'data: {"choices":[{"delta":{"content":"\\ud83d"},"finish_reason":"stop"}]}\n\n',
        FinishReason.STOP,
    ),
    (Wire.OPENAI, b'data: {"choices":[{"delta":{"content":"x"},"finish_reason":null}]}\n\n', None),
    (Wire.OPENAI, b"data: [DONE]\n\n", None),
    (Wire.OPENAI, b": finish_reason stop\n\ndata: not json\n\n", None),
    (Wire.OPENAI, b'data: {"choices":\ndata: [{"finish_reason":"stop"}]}\n\n', FinishReason.STOP),
    (Wire.ANTHROPIC, b'data: {"type":"message_stop"}\n\n', None),
    (
        Wire.ANTHROPIC,
        b'data: {"type":"message_delta","delta":{"stop_reason":"refusal"}}\n\n',
        FinishReason.CONTENT_FILTER,
    ),
    (Wire.GEMINI, b'data: {"promptFeedback":{"blockReason":"SAFETY"}}\n\n', FinishReason.CONTENT_FILTER),
    (Wire.GEMINI, b'data: {"candidates":[{"finishReason":"MAX_TOKENS"}]}\n\n', FinishReason.LENGTH),
    (Wire.OLLAMA, b'{"done":false}\n{"done":true,"done_reason":"stop"}\n', FinishReason.STOP),
    (Wire.OLLAMA, b'{"done":false}\n', None),
]


@pytest.mark.parametrize(("wire", "data", "finish"), FINISHED)
def test_the_wire_tells_whether_it_ended(wire: Wire, data: bytes, finish: FinishReason | None) -> None:
    for size in (1, 7, len(data)):
        report = WireReport()
        watcher = Watcher(wire, report)
        for at in range(0, len(data), size):
            watcher.feed(data[at : at + size])
        watcher.end()
        assert report.finish is finish
        assert report.error_text is None
