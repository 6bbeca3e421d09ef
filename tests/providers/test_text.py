"""Cleaning of streamed text, wherever it is cut."""

import random
from itertools import pairwise

import pytest

from providers.events import ReasoningDelta, TextDelta
from providers.text import TextCleaner, ThinkSplitter


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
