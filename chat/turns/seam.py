"""The joint between an answer that was cut and the words with which a model goes on.

A model that was asked to continue may do so, repeat its last words first, say that it will, or answer from
the beginning. The first words are held back until it is clear which; nothing is shown twice.
"""

import itertools
import re
from dataclasses import dataclass

OVERLAP_CHARACTERS_MIN = 12
SAME_BEGINNING_CHARACTERS_MIN = 48
# Held back at most, while nothing is recognised: most overlaps begin at once, a preamble is one line.
_HELD_PLAIN = 160
_HELD_PREAMBLE = 600
_PREAMBLE_MAX = 240
_TAIL = 4_000
# Shorter answers than this are continued by chance alike.
_WHOLE_CHARACTERS_MIN = 3
# https://www.unicode.org/reports/tr44/#White_Space: what models change when they copy is mostly space.
_SPACE = re.compile(r"\s+")
_PREAMBLE_WORDS = re.compile(
    r"^\W*(sure|certainly|of course|okay|ok\b|absolutely|apologies|sorry|understood|got it|continu|resum"
    r"|here('s| is| are)|picking up|i('ll| will)|let me)",
    re.IGNORECASE,
)
_SAYS_IT_CONTINUES = re.compile(
    r"continu|resum|left off|stopped|cut off|the rest|remainder|picking up", re.IGNORECASE
)
_PREAMBLE_LINE = re.compile(r"^(?P<line>[^\n]{0,240}?(:|[.!…-]\s*\n|\n))\s*")
_HEADING = re.compile(r"^\s*#{1,6} ")


@dataclass(frozen=True, slots=True)
class Joined:
    """Words to show. `restarted`: they don't continue the answer, they are one of their own."""

    text: str
    restarted: bool = False


class Seam:
    """`feed` the new words; it returns what to show once that is clear, and everything from then on."""

    def __init__(self, before: str) -> None:
        self._before = before
        self._tail = _Folded(before[-_TAIL:])
        self._beginning = _Folded(before)
        self._held = ""
        self._decided = False

    def feed(self, text: str) -> Joined:
        if self._decided:
            return Joined(text)
        self._held += text
        return self._try(final=False)

    def flush(self) -> Joined:
        """The model has ended: what is still held is decided with what there is."""
        if self._decided:
            return Joined("")
        return self._try(final=True)

    def joined(self, text: str) -> Joined:
        """What to show of words that are all there is."""
        first, last = self.feed(text), self.flush()
        return Joined(first.text + last.text, first.restarted or last.restarted)

    def _try(self, *, final: bool) -> Joined:
        joined = self._decide(final=final)
        if joined is None:
            return Joined("")
        self._decided, self._held = True, ""
        return joined

    def _decide(self, *, final: bool) -> Joined | None:
        held = _Folded(self._held)
        same = _common(held.text, self._beginning.text)
        if same == len(self._beginning.text) >= _WHOLE_CHARACTERS_MIN:
            return Joined(held.rest(same))  # the whole answer anew: what is new goes on
        if same == len(held.text):  # and it may go on so, or has ended in the middle of repeating
            if not final:
                return None
            if same >= OVERLAP_CHARACTERS_MIN:
                return Joined("")
        if same >= SAME_BEGINNING_CHARACTERS_MIN:
            return Joined(self._held.lstrip(), restarted=True)
        end, is_open = self._overlap(held)
        if is_open:
            return Joined("") if final else None
        if end:
            return Joined(held.rest(end))
        limit = _HELD_PREAMBLE if _PREAMBLE_WORDS.match(self._held) else _HELD_PLAIN
        if len(self._held) < limit and not final:
            return None
        return self._without_overlap()

    def _overlap(self, held: "_Folded") -> tuple[int, bool]:
        """Where in the held words the answer's last words end, and whether they may still be coming.

        Looked for at the beginnings of words, behind a preamble at most.
        """
        for start in held.word_starts(_PREAMBLE_MAX):
            said = held.text[start:]
            for at in self._tail.word_starts():
                last = self._tail.text[at:]
                if len(last) < OVERLAP_CHARACTERS_MIN:
                    break
                if said.startswith(last):
                    return start + len(last), False
                if len(said) >= OVERLAP_CHARACTERS_MIN and last.startswith(said):
                    return 0, True
        return 0, False

    def _without_overlap(self) -> Joined:
        text = self._held
        if found := _PREAMBLE_LINE.match(text):
            line = found["line"]
            if _PREAMBLE_WORDS.match(line) and _SAYS_IT_CONTINUES.search(line) and _begins_anew(line):
                return Seam(self._before).joined(text[found.end() :])
        mid_line = not self._before.endswith("\n")
        if mid_line and _HEADING.match(text):
            return Joined(text.lstrip(), restarted=True)
        if self._before[-1:].isspace() and not text.startswith("\n"):
            text = text.lstrip(" ")
        return Joined(text)


class Prefilled:
    """The joint behind an answer that the request ended with: exact, but for the white space it was sent
    without."""

    def __init__(self, before: str) -> None:
        self._has_space = before[-1:].isspace()
        self._begun = False

    def feed(self, text: str) -> Joined:
        if not self._begun and self._has_space:
            text = text.lstrip()
        self._begun = self._begun or bool(text)
        return Joined(text)

    def flush(self) -> Joined:
        return Joined("")


def _begins_anew(line: str) -> bool:
    """A lower-case beginning may well be the answer itself: "… we will" "continue with the list:"."""
    first = line.lstrip("*_#>[( ")[:1]
    return not first.islower()


def _common(one: str, other: str) -> int:
    """How many characters both begin with."""
    if other.startswith(one):
        return len(one)
    for index, (a, b) in enumerate(zip(one, other, strict=False)):
        if a != b:
            return index
    return min(len(one), len(other))


class _Folded:
    """A text with every run of white space as one space, and the way back to the original."""

    def __init__(self, original: str) -> None:
        self._original = original.lstrip()
        self.text = _SPACE.sub(" ", self._original)

    def word_starts(self, limit: int | None = None) -> list[int]:
        text = self.text if limit is None else self.text[:limit]
        return [match.start() for match in re.finditer(r"(?<!\S)\S|(?<=[^\w\s])\w", text)]

    def rest(self, end: int) -> str:
        """What follows the first `end` folded characters in the original."""
        position = 0
        for match in itertools.islice(re.finditer(r"\s+|\S", self._original), end):
            position = match.end()
        return self._original[position:]
