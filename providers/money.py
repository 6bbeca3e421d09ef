"""Micro-dollars in words. 1,000,000 are 1 US dollar."""


def exact_dollars(microusd: int) -> str:
    """Every digit, for columns that are added up: `$0.001234`."""
    return f"${microusd // 1_000_000:,}.{microusd % 1_000_000:06d}"


def dollars(microusd: int) -> str:
    """Without the noughts behind the cents: `$0.001234`, `$0.05`, `$12.00`."""
    whole, _, rest = exact_dollars(microusd).partition(".")
    return f"{whole}.{rest.rstrip('0').ljust(2, '0')}"
