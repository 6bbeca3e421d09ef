"""Reads starting_data.toml: which models are offered on first run, and what creators are called."""

from functools import cache
from pathlib import Path

import msgspec

POSITION_STEP = 10
POSITION_OF_LISTED = 500
POSITION_OF_DEMO = 1000
DEMO_MODEL_ID = "demo:demo"


class StartingModel(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`at` maps a provider kind to that provider's own name for the model."""

    id: str
    name: str
    at: dict[str, str]
    context_window_tokens: int | None = None
    max_output_tokens: int | None = None
    reasoning: bool = False


class StartingData(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    creators: dict[str, str]
    models: tuple[StartingModel, ...]


@cache
def starting_data() -> StartingData:
    source = Path(__file__).with_suffix(".toml").read_bytes()
    return msgspec.toml.decode(source, type=StartingData)


def creator_label(creator: str) -> str:
    return starting_data().creators.get(creator, creator)
