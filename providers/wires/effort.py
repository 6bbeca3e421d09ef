"""What `Effort` means to each provider. None everywhere: send nothing, the provider decides.

Models that are known to refuse the field are not sent it; names that nobody knows get the plain mapping.
"""

import re

from providers.events import Effort

# https://platform.openai.com/docs/guides/reasoning: `none` from GPT-5.1, `xhigh` from GPT-5.2, `minimal` for
# GPT-5 only; the o series knows low, medium and high; models before them refuse the field.
_OPENAI_PLAIN = re.compile(r"(^|/)(gpt-[34]|chatgpt|gpt-5(\.\d)?-chat)")
_O_SERIES = re.compile(r"(^|/)o\d")
_GPT_5 = re.compile(r"(^|/)gpt-5(-|$)")
# https://platform.claude.com/docs/en/build-with-claude/adaptive-thinking: budgets up to 4.5, both in 4.6,
# adaptive only since.
_CLAUDE_BUDGET = re.compile(r"claude-(3|opus-4-[015]|opus-4$|sonnet-4-[05]|sonnet-4$|haiku-4|[a-z]+-4-2025)")
_CLAUDE_4_6 = re.compile(r"claude-(opus|sonnet)-4-6")
# https://ai.google.dev/gemini-api/docs/thinking: budgets in 2.5, levels since 3.
_GEMINI_BUDGET = re.compile(r"gemini-(2\.5|robotics|1)")
# https://docs.x.ai/docs/guides/reasoning: grok-3-mini has two levels, grok-4 to 4.20 none, 4.3 `none` to
# `high`, later ones can't be switched off.
_GROK_FIXED = re.compile(r"grok-(2|3$|3-(?!mini)|4$|4-|4\.20|code)")

CLAUDE_BUDGETS = {
    Effort.MINIMAL: 2_048,
    Effort.LOW: 10_000,
    Effort.MEDIUM: 32_000,
    Effort.HIGH: 64_000,
    Effort.MAX: 96_000,
}
CLAUDE_BUDGET_MIN = 1_024
GEMINI_BUDGETS = {
    Effort.OFF: 0,
    Effort.MINIMAL: 512,
    Effort.LOW: 2_048,
    Effort.MEDIUM: 8_192,
    Effort.HIGH: 16_384,
    Effort.MAX: 24_576,
}
GEMINI_PRO_BUDGET_MIN = 128
_GEMINI_PRO_BUDGET_MAX = 32_768


def is_openai_reasoning(model: str) -> bool:
    """Whether one of OpenAI's own models takes reasoning fields; true for names that nobody knows."""
    return not _OPENAI_PLAIN.search(model)


def openai_effort(effort: Effort | None, *, model: str) -> str | None:
    if effort is None or _OPENAI_PLAIN.search(model):
        return None
    if _O_SERIES.search(model):
        return _clamped(effort, lowest=Effort.LOW, highest=Effort.HIGH)
    if _GPT_5.search(model):
        return _clamped(effort, lowest=Effort.MINIMAL, highest=Effort.HIGH)
    names = {Effort.OFF: "none", Effort.MINIMAL: "low", Effort.MAX: "xhigh"}
    return names.get(effort, effort.value)


def compatible_effort(effort: Effort | None) -> str | None:
    """For servers that imitate OpenAI: the words most of them know."""
    if effort is None:
        return None
    return {Effort.OFF: "none", Effort.MAX: "high"}.get(effort, effort.value)


def openrouter_effort(effort: Effort | None) -> str | None:
    """https://openrouter.ai/docs/use-cases/reasoning-tokens"""
    if effort is None:
        return None
    return {Effort.OFF: "none", Effort.MAX: "xhigh"}.get(effort, effort.value)


def xai_effort(effort: Effort | None, *, model: str) -> str | None:
    if effort is None or _GROK_FIXED.search(model):
        return None
    if "grok-3-mini" in model:
        return "high" if effort in {Effort.MEDIUM, Effort.HIGH, Effort.MAX} else "low"
    if effort is Effort.OFF and ("grok-4.3" in model or "grok" not in model):
        return "none"
    return _clamped(effort, lowest=Effort.LOW, highest=Effort.HIGH)


def claude_takes_budget(model: str) -> bool:
    return bool(_CLAUDE_BUDGET.search(model))


def claude_takes_temperature(model: str) -> bool:
    """https://platform.claude.com/docs/en/about-claude/models/migration-guide: gone since Opus 4.7."""
    return claude_takes_budget(model) or bool(_CLAUDE_4_6.search(model)) or "claude" not in model


def claude_effort(effort: Effort) -> str:
    """https://platform.claude.com/docs/en/build-with-claude/effort"""
    return {Effort.OFF: "low", Effort.MINIMAL: "low"}.get(effort, effort.value)


def claude_budget(effort: Effort, *, max_tokens: int) -> int | None:
    """Always below `max_tokens`, with room left for the answer; None where nothing sensible is left."""
    room = max_tokens - max(CLAUDE_BUDGET_MIN, max_tokens // 8)
    budget = min(CLAUDE_BUDGETS[effort], room)
    return budget if budget >= CLAUDE_BUDGET_MIN else None


def gemini_takes_budget(model: str) -> bool:
    return bool(_GEMINI_BUDGET.search(model))


def gemini_budget(effort: Effort, *, model: str, max_tokens: int | None) -> int:
    """Thinking tokens; below `max_tokens`, since thoughts are counted as output."""
    budget = GEMINI_BUDGETS[effort]
    if "pro" in model:
        if effort is Effort.MAX:
            budget = _GEMINI_PRO_BUDGET_MAX
        budget = max(budget, GEMINI_PRO_BUDGET_MIN)
    if max_tokens is not None and budget >= max_tokens:
        budget = max(max_tokens * 3 // 4, 0)
    return budget


def gemini_level(effort: Effort, *, model: str) -> str:
    """https://ai.google.dev/gemini-api/docs/thinking#thinking-levels: `pro` begins at `low`."""
    lowest = Effort.LOW if "pro" in model else Effort.MINIMAL
    return _clamped(effort, lowest=lowest, highest=Effort.HIGH)


def ollama_think(effort: Effort | None, *, model: str) -> bool | str | None:
    """https://docs.ollama.com/capabilities/thinking: gpt-oss takes levels and is never off."""
    if effort is None:
        return None
    if "gpt-oss" in model:
        return _clamped(effort, lowest=Effort.LOW, highest=Effort.HIGH)
    return effort is not Effort.OFF


_ORDER = list(Effort)


def _clamped(effort: Effort, *, lowest: Effort, highest: Effort) -> str:
    at = min(max(_ORDER.index(effort), _ORDER.index(lowest)), _ORDER.index(highest))
    return _ORDER[at].value
