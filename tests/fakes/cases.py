"""All documented answers by name."""

from tests.fakes.documented import Case
from tests.fakes.documented_dialects import DIALECT_CASES
from tests.fakes.documented_openai import CHAT_CASES, RESPONSES_CASES
from tests.fakes.documented_others import ANTHROPIC_CASES, GEMINI_CASES, OLLAMA_CASES

CASES: dict[str, Case] = {
    case.name: case
    for case in (
        *CHAT_CASES,
        *RESPONSES_CASES,
        *ANTHROPIC_CASES,
        *GEMINI_CASES,
        *OLLAMA_CASES,
        *DIALECT_CASES,
    )
}
