"""What every wire has: a request to send, and a reader that takes frames and gives events."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

import msgspec

from betterchat.core.errors import ErrorCode
from providers.events import FinishReason, ModelEvent, PromptMessage, ProviderState, UsageReport
from providers.models.endpoint import Wire
from providers.routing import ResolvedRoute
from providers.wires.frames import as_json, frame_of, parsed

ERROR_BODY_BYTES_MAX = 64 * 1024


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """`path` is joined to the endpoint's address; the header with the key is in no repr."""

    path: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)


@dataclass(slots=True)
class WireReport:
    """Facts of one call. `error_text` and `error_body` may hold keys: for matching, never for showing.

    `raised` is why nobody was asked, where a library gave up before. `error_status` is the HTTP status
    that an error told inside a stream would have had, where it says.
    """

    status: int | None = None
    retry_after_seconds: int | None = None
    error_body: str = ""
    finish: FinishReason | None = None
    finish_raw: str = ""
    ended: bool = False
    raised: ErrorCode | None = None
    error_text: str | None = None
    error_status: int | None = None
    refused: bool = False
    garbled: bool = False
    recognized: bool = False
    not_a_stream: bool = False
    unreachable: bool = False
    address_refused: bool = False
    broken: bool = False
    silent: bool = False
    timed_out: bool = False
    usage: UsageReport = field(default_factory=UsageReport)

    @property
    def usage_known(self) -> bool:
        return self.usage != UsageReport()

    @property
    def was_refused(self) -> bool:
        """The call never came to a model, so that nothing was used."""
        refused = self.status is not None and self.status != 200
        return refused or self.not_a_stream or self.unreachable or self.address_refused

    def note_error(self, error: object, *, status: int | None = None) -> None:
        """The first error told counts."""
        if self.error_text is None:
            self.error_text = as_json(error)[:ERROR_BODY_BYTES_MAX]
            self.error_status = status

    def note_finish(self, reason: FinishReason, raw: str) -> None:
        self.finish, self.finish_raw = reason, raw

    def note_usage(self, later: UsageReport) -> None:
        """Counts are cumulative: a later one replaces an earlier one, an absent one changes nothing."""
        known = {name: told for name in _TOLD if (told := getattr(later, name)) is not None}
        self.usage = replace(self.usage, **known)


_TOLD = (
    "input_tokens", "output_tokens", "reasoning_tokens", "cached_tokens", "cache_write_tokens", "cost_usd",
)  # fmt: skip


class Reader:
    """Reads one answer. Feed it the payload of each frame, then say `finish` when no more will come.

    What has been read so far is in `report`: `report.ended` after the wire's own end, behind which nothing
    is of interest; `report.finish` is None while the model has not said that it is done.
    """

    wire: Wire

    def __init__(self, *, model: str = "") -> None:
        self.report = WireReport()
        self._model = model

    def feed(self, data: bytes, event: str = "") -> Iterator[ModelEvent]:
        """The events of one frame; `event` is its name, where the stream names frames."""
        raise NotImplementedError

    def feed_whole(self, data: bytes) -> Iterator[ModelEvent]:
        """The events of an answer that came as one JSON document, though a stream was asked for."""
        yield from self.feed(data)

    def finish(self) -> Iterator[ModelEvent]:
        """What could only be told at the end. To be called once, also after a cut."""
        return iter(())

    def _decoded[T](self, decoder: msgspec.json.Decoder[T], data: bytes) -> T | None:
        """The frame, or None for what is none of this wire. Broken JSON is noted: something is lost."""
        frame = frame_of(decoder, data)
        if frame is None and data.lstrip()[:1] in {b"{", b"["}:
            self.report.garbled |= parsed(data.decode(errors="replace")) is None
        return frame

    def _state(self, data: object) -> ProviderState:
        return ProviderState(self.wire, self._model, as_json(data))


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"} if key else {}


def state_for(message: PromptMessage, *, route: ResolvedRoute) -> object:
    """What the message's model gave to be sent back; None where another wire or model is asked now."""
    state = message.state
    if state is None or state.wire is not route.spoken_wire or state.model != route.provider_model:
        return None
    return parsed(state.data)
