"""What answers used, summed for tabs."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from uuid import UUID

from django.db.models import Count, Q, Sum

from chat.models import Generation
from chat.protocol.usage import ConversationUsage, TurnUsage
from providers.models import Usage


def turn_usages(turn_ids: Iterable[UUID]) -> dict[UUID, TurnUsage]:
    """What each of these turns used, in one query; without those that called no model."""
    calls: defaultdict[UUID, list[Usage]] = defaultdict(list)
    generations = Generation.objects.filter(turn__in=list(turn_ids), usage__isnull=False)
    for generation in generations.select_related("usage__endpoint").order_by("turn", "number"):
        assert generation.usage is not None
        calls[generation.turn_id].append(generation.usage)
    return {turn_id: _summed(usages) for turn_id, usages in calls.items()}


def _summed(usages: Sequence[Usage]) -> TurnUsage:
    labels = [usage.endpoint.label for usage in usages if usage.endpoint]
    first = (usage.first_token_ms for usage in usages if usage.first_token_ms is not None)
    return TurnUsage(
        calls=len(usages),
        input_tokens=_all_or_nothing(usage.input_tokens for usage in usages),
        output_tokens=_all_or_nothing(usage.output_tokens for usage in usages),
        cached_tokens=_what_is_told(usage.cached_tokens for usage in usages),
        reasoning_tokens=_what_is_told(usage.reasoning_tokens for usage in usages),
        cost_microusd=_all_or_nothing(usage.cost_microusd for usage in usages),
        estimated=any(usage.estimated for usage in usages),
        own_key=any(usage.own_key for usage in usages),
        served_by=list(dict.fromkeys(labels)),
        first_token_ms=next(first, None),
        duration_ms=sum(usage.duration_ms for usage in usages),
    )


def _all_or_nothing(counts: Iterable[int | None]) -> int | None:
    known = list(counts)
    told = [count for count in known if count is not None]
    return sum(told) if len(told) == len(known) else None


def _what_is_told(counts: Iterable[int | None]) -> int | None:
    told = [count for count in counts if count is not None]
    return sum(told) if told else None


def conversation_usage(conversation_id: UUID) -> ConversationUsage:
    """All branches together, in one query."""
    calls = Generation.objects.filter(turn__conversation=conversation_id, usage__isnull=False)
    sums = calls.aggregate(
        calls=Count("pk"),
        input_tokens=Sum("usage__input_tokens", default=0),
        output_tokens=Sum("usage__output_tokens", default=0),
        cost_microusd=Sum("usage__cost_microusd", default=0),
        unknown_cost_calls=Count("pk", filter=Q(usage__cost_microusd=None)),
        estimated_calls=Count("pk", filter=Q(usage__estimated=True)),
    )
    return ConversationUsage(**{name: int(count) for name, count in sums.items()})
