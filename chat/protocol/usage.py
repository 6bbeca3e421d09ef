"""What answers used, as tabs are told of it. Money is in micro-dollars: 1,000,000 are 1 US dollar."""

import msgspec


class TurnUsage(msgspec.Struct, frozen=True):
    """What the model calls of one turn used together. Null is unknown, never zero.

    `input_tokens` includes `cached_tokens`, `output_tokens` includes `reasoning_tokens`; the two parts are
    summed over the calls that told them. `estimated`: some counts are the server's own, of a call that was
    cut before it told. `own_key`: called with a key of the person who asked, at their cost. `served_by`
    names the endpoints in the order they were asked. `first_token_ms` and `duration_ms` are of the calls
    alone, without the time in which the turn waited.
    """

    calls: int
    input_tokens: int | None
    output_tokens: int | None
    cached_tokens: int | None
    reasoning_tokens: int | None
    cost_microusd: int | None
    estimated: bool
    own_key: bool
    served_by: list[str]
    first_token_ms: int | None
    duration_ms: int


class ConversationUsage(msgspec.Struct, frozen=True):
    """What all answers of a conversation used, those on branches that are not shown too.

    Sums of what is known: `unknown_cost_calls` says how many calls the cost leaves out, and
    `estimated_calls` in how many of them some counts are the server's own. Calls that made the title are
    not counted here; they are on the person's usage page.
    """

    calls: int
    input_tokens: int
    output_tokens: int
    cost_microusd: int
    unknown_cost_calls: int
    estimated_calls: int
