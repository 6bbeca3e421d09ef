"""Parts: what a message is made of, in storage and on the wire alike."""

import hashlib
from collections.abc import Iterable
from typing import Literal

import msgspec

PartKind = Literal["text", "reasoning"]
NoticeName = Literal["continued", "restarted"]


class TextPart(msgspec.Struct, tag_field="kind", tag="text", forbid_unknown_fields=True):
    """Markdown as the person typed it or the model wrote it."""

    text: str


class ReasoningPart(msgspec.Struct, tag_field="kind", tag="reasoning", forbid_unknown_fields=True):
    """What the model showed of its thinking. `duration_ms` is null while it still thinks."""

    text: str
    duration_ms: int | None = None


class NoticePart(msgspec.Struct, tag_field="kind", tag="notice", forbid_unknown_fields=True):
    """Something the server says between parts of an answer; it comes whole (`part.added`).

    `continued`: the text behind it goes on exactly where the text before it was cut. `restarted`: the
    answer begins anew behind it, and what stands before it is only kept to be read.
    """

    notice: NoticeName
    sentence: str


type WrittenPart = TextPart | ReasoningPart
type Part = WrittenPart | NoticePart


def decode_parts(stored: object) -> list[Part]:
    """Parts from the JSON column. Raises msgspec.ValidationError on anything else."""
    return msgspec.convert(stored, list[TextPart | ReasoningPart | NoticePart])


def encode_parts(parts: Iterable[Part]) -> list[dict[str, object]]:
    encoded: list[dict[str, object]] = msgspec.to_builtins(list(parts))
    return encoded


def plain_text(parts: Iterable[Part]) -> str:
    """The words that count as the message: text parts, without those that an answer begun anew replaced."""
    words: list[str] = []
    for part in parts:
        match part:
            case TextPart(text=text):
                words.append(text)
            case NoticePart(notice="restarted"):
                words.clear()
    return "".join(words)


def written_text(parts: Iterable[Part]) -> str:
    """Everything that was written, in order, reasoning included."""
    return "".join(part.text for part in parts if not isinstance(part, NoticePart))


def text_sha256(parts: Iterable[Part]) -> str:
    """Hex SHA-256 over the UTF-8 text of all text and reasoning parts in order, nothing between them."""
    return hashlib.sha256(written_text(parts).encode()).hexdigest()
