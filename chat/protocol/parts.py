"""Parts: what a message is made of, in storage and on the wire alike."""

import hashlib
from collections.abc import Iterable
from typing import Literal

import msgspec

PartKind = Literal["text", "reasoning"]


class TextPart(msgspec.Struct, tag_field="kind", tag="text", forbid_unknown_fields=True):
    """Markdown as the person typed it or the model wrote it."""

    text: str


class ReasoningPart(msgspec.Struct, tag_field="kind", tag="reasoning", forbid_unknown_fields=True):
    """What the model showed of its thinking. `duration_ms` is null while it still thinks."""

    text: str
    duration_ms: int | None = None


type Part = TextPart | ReasoningPart


def decode_parts(stored: object) -> list[Part]:
    """Parts from the JSON column. Raises msgspec.ValidationError on anything else."""
    return msgspec.convert(stored, list[TextPart | ReasoningPart])


def encode_parts(parts: Iterable[Part]) -> list[dict[str, object]]:
    encoded: list[dict[str, object]] = msgspec.to_builtins(list(parts))
    return encoded


def plain_text(parts: Iterable[Part]) -> str:
    """The words a person reads as the message: text parts only."""
    return "".join(part.text for part in parts if isinstance(part, TextPart))


def text_sha256(parts: Iterable[Part]) -> str:
    """Hex SHA-256 over the UTF-8 text of all parts in order, reasoning included, nothing between them."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part.text.encode())
    return digest.hexdigest()
