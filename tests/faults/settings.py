"""The product's settings with a channel layer that loses, repeats and swaps events."""

from betterchat.settings import *  # noqa: F403
from betterchat.settings import CHANNEL_LAYERS

CHANNEL_LAYERS["default"]["BACKEND"] = "tests.faults.unreliable.UnreliableLayer"
