"""An endpoint's list of models with everything it tells, page by page, within bounds.

The lists come from outside: whatever is odd about one entry leaves out that entry or that fact, whatever
is odd about the list makes it unusable as a whole.
"""

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from urllib.parse import urlencode

import msgspec

from betterchat.core.errors import ErrorCode, UserFacingError
from providers.facts import Facts
from providers.listing import ask, code_of, is_for_chat, is_name
from providers.model_map import is_chat_model
from providers.models import Endpoint, Provider
from providers.sync.formats import FORMATS, Entry, Format
from providers.sync.names import undated

PAGES_MAX = 20
MODELS_MAX = 5_000
CURSOR_CHARACTERS_MAX = 1_000
PAGE_SECONDS = 15.0
TOTAL_SECONDS = 60.0


class UnusableListError(Exception):
    """The list can't be compared with; `sentence` tells why."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence


@dataclass(frozen=True, slots=True)
class ListedModels:
    """By the endpoint's own names, in its order. `left_out` counts entries by the reason in words."""

    entries: Mapping[str, Entry]
    left_out: Mapping[str, int]

    def entry_for(self, provider_model: str) -> Entry | None:
        """Also where the list knows it by another name: an alias, or with the date of its snapshot."""
        if provider_model in self.entries:
            return self.entries[provider_model]
        for entry in self.entries.values():
            if provider_model in entry.aliases:
                return entry
        plain = undated(provider_model)
        if provider_model not in {plain, f"{plain}-latest", f"{plain}:latest"}:
            return None
        return next((entry for name, entry in self.entries.items() if undated(name) == plain), None)


def read_list(endpoint: Endpoint, *, key: str, seconds: float = TOTAL_SECONDS) -> ListedModels:
    """Blocks for up to `seconds`. Raises UnusableListError; a list is whole or it is none."""
    form = FORMATS[Provider(endpoint.provider)]
    deadline = time.monotonic() + seconds
    query: Mapping[str, str] = form.first
    asked: set[str] = set()
    items: list[object] = []
    while True:
        address = f"{endpoint.url}{form.path}{f'?{urlencode(query)}' if query else ''}"
        if address in asked or len(asked) >= PAGES_MAX:
            raise UnusableListError(f"its list does not end within {PAGES_MAX} pages")
        asked.add(address)
        page = _page(endpoint, address, key=key, number=len(asked), deadline=deadline)
        found = page.get(form.items)
        if not isinstance(found, list):
            raise UnusableListError(_sentence(ErrorCode.PROVIDER_NOT_AN_API, endpoint))
        items += found
        if len(items) > MODELS_MAX:
            raise UnusableListError(
                f"it lists more than {MODELS_MAX:,} models, which is more than is compared"
            )
        cursor = form.next_page(page, len(items))
        if cursor is None:
            return _listed(Provider(endpoint.provider), form, items)
        if any(len(value) > CURSOR_CHARACTERS_MAX for value in cursor.values()):
            raise UnusableListError("its list names a next page that can't be asked for")
        query = {**form.first, **cursor}


def _page(endpoint: Endpoint, address: str, *, key: str, number: int, deadline: float) -> dict[str, object]:
    left = deadline - time.monotonic()
    where = "" if number == 1 else f" (page {number} of its list)"
    try:
        if left <= 0:
            raise UserFacingError(ErrorCode.PROVIDER_UNREACHABLE, details={"provider": endpoint.label})
        fetched = ask(
            Provider(endpoint.provider),
            address,
            key=key,
            label=endpoint.label,
            allow_private=endpoint.allow_private,
            seconds=min(PAGE_SECONDS, left),
        )
        if fetched.status != 200:
            raise UserFacingError(code_of(fetched), details={"provider": endpoint.label})
    except UserFacingError as error:
        raise UnusableListError(error.sentence.rstrip(".") + where) from None
    try:
        page: object = msgspec.json.decode(fetched.body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        page = None
    if not isinstance(page, dict):
        raise UnusableListError(_sentence(ErrorCode.PROVIDER_NOT_AN_API, endpoint) + where)
    return page


def _sentence(code: ErrorCode, endpoint: Endpoint) -> str:
    return UserFacingError(code, details={"provider": endpoint.label}).sentence.rstrip(".")


def _listed(provider: Provider, form: Format, items: list[object]) -> ListedModels:
    entries: dict[str, Entry] = {}
    left_out: dict[str, int] = {}
    for item in items:
        entry = form.entry(item) if isinstance(item, dict) else None
        if entry is None or not is_name(entry.name):
            reason = "without a usable name"
        elif (
            not entry.for_chat or not is_for_chat(entry.name) or is_chat_model(provider, entry.name) is False
        ):
            reason = "not for chat"
        elif entry.name in entries:
            reason = "listed twice"
        else:
            entries[entry.name] = replace(entry, facts=_presentable(entry.facts))
            continue
        left_out[reason] = left_out.get(reason, 0) + 1
    return ListedModels(entries, left_out)


_NAME = re.compile(r"\S(.{0,118}\S)?")


def _presentable(facts: Facts) -> Facts:
    """Without a name that could not be shown: too long, or with signs that change how a line reads."""
    name = facts.name
    if name is None or (name.isprintable() and _NAME.fullmatch(name)):
        return facts
    return replace(facts, name=None)
