"""A model with a known text, which is cut and goes on.

`known-STYLE-CUT`: how it goes on where the request has a part of the text already, and after how many words
it breaks off (0: not at all).
"""

import re
from typing import Any

from tests.fakes.wires import Drop, Finish, Pause, Say, Step

_MODEL = re.compile(r"^known-(?P<style>exact|repeat|preamble|ignore|anew|refuses)-(?P<cut>\d+)$")
_OTHER = "Something else entirely, about the weather: it rains, and then it does not, and people talk. "


def known_text(sentences: int = 60) -> str:
    """Sentences with numbers, so that a lost, repeated or displaced one is seen."""
    words = [
        f"Sentence {number} stands in paragraph {number // 6 + 1}.{chr(10) * 2 if number % 6 == 5 else ' '}"
        for number in range(1, sentences + 1)
    ]
    return "".join(words).rstrip()


def continued_plan(model: str, body: dict[str, Any]) -> list[Step] | None:
    found = _MODEL.match(model)
    if found is None:
        return None
    begun = _begun(body)
    if begun and found["style"] == "refuses":
        return [Drop()]
    pieces = re.findall(r"\S+\s*|\s+", _words(found["style"], begun))
    cut = int(found["cut"])
    said: list[Step] = [
        step for piece in (pieces[:cut] if cut else pieces) for step in (Say(piece), Pause(0))
    ]
    return [*said, Drop() if cut and cut < len(pieces) else Finish()]


def _words(style: str, begun: str) -> str:
    text = known_text()
    if not begun:
        return text
    at = len(begun) if text.startswith(begun) else text.rindex(begun[-40:]) + 40
    rest = text[at:]
    match style:
        case "repeat":
            return " ".join(begun.split()[-30:]) + rest
        case "preamble":
            return "Sure, I'll continue exactly where it stopped:\n\n" + " ".join(begun.split()[-8:]) + rest
        case "ignore":
            return text
        case "anew":
            return begun[:60] + _OTHER * 4
        case _:
            return rest


def _begun(body: dict[str, Any]) -> str:
    """The part of the answer that the request brings: its last assistant message, if it is the last or the
    last but one."""
    for message in body.get("messages", [])[-2:]:
        if message.get("role") == "assistant":
            content = message["content"]
            return content if isinstance(content, str) else "".join(part.get("text", "") for part in content)
    return ""
