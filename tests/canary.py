"""Twenty keys to plant, and what looks for them in whatever comes out, in every form they could have."""

import base64
import re
from collections.abc import Iterator
from urllib.parse import quote

# Signs that no token, hash or nonce of a page has, so that five characters in a row are always a find.
PLANTED = [f"sk~{n:02}!a{n:02}~Qz{n:02}!k9~W{n:02}!x7~m{n:02}!B4~t{n:02}!" for n in range(20)]


class Watch:
    """What came out anywhere."""

    def __init__(self) -> None:
        self.hits: list[str] = []
        self.looked_at = 0

    def look(self, where: str, text: str) -> None:
        self.looked_at += 1
        text = text.replace("&#x27;", "'").replace("&amp;", "&").lower()
        found = {find for find in _ENCODED if find in text}
        for mark in _MARK.finditer(text):
            pieces = {text[at : at + _PIECE] for at in range(max(0, mark.start() - _PIECE + 1), mark.end())}
            found |= pieces & _PIECES
        self.hits += [f"{where}: {find}" for find in sorted(found)]


def _pieces_of(key: str) -> Iterator[str]:
    """Every five characters in a row, forwards and backwards."""
    for form in (key, key[::-1]):
        yield from (form[at : at + _PIECE] for at in range(len(form) - _PIECE + 1))


def _encoded(key: str) -> Iterator[str]:
    """The beginnings of its encodings."""
    raw = key.encode()
    yield from (raw.hex()[:16], raw[::-1].hex()[:16])
    yield from (base64.b64encode(raw[skipped:]).decode()[:16] for skipped in range(3))
    yield quote(key, safe="")[:10]


_PIECE = 5
_MARK = re.compile("[!~]")
_PIECES = {piece.lower() for key in PLANTED for piece in _pieces_of(key)}
_ENCODED = sorted({form.lower() for key in PLANTED for form in _encoded(key)})
# What makes looking quick: no five characters of a key are without one of the signs.
assert all(_MARK.search(piece) for piece in _PIECES)
