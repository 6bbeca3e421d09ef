"""The body of an answer, from its first byte to its events; no network in it."""

from collections.abc import Iterator

from providers.events import ModelEvent
from providers.wires.base import Reader, WireReport
from providers.wires.registry import NativeWire
from providers.wires.sse import LineTooLongError, ServerSentEvents

_LEADING = b"\xef\xbb\xbf \t\r\n"


class Body:
    """Finds out what a body is: frames, one JSON document, or nothing of the kind. Content types lie."""

    def __init__(self, wire: NativeWire, reader: Reader, report: WireReport) -> None:
        self._reader = reader
        reader.report = self._report = report
        self._framing = wire.framing()
        self._document: bytearray | None = None
        self._sniffed = False
        self._sse = wire.framing is ServerSentEvents

    def feed(self, data: bytes) -> Iterator[ModelEvent]:
        if not self._sniffed and (start := data.lstrip(_LEADING)[:1]):
            self._sniffed = True
            if self._sse and start in {b"{", b"[", b"<"}:
                self._document = bytearray()
        if self._document is not None:
            self._document += data
            return
        try:
            for payload, name in self._framing.feed(data):
                yield from self._reader.feed(payload, name)
                if self._report.ended:
                    return
        except LineTooLongError:
            self._report.broken = self._report.ended = True

    def finish(self) -> Iterator[ModelEvent]:
        report = self._report
        if self._document is not None:
            yield from self._whole(bytes(self._document).strip(_LEADING))
        elif not report.ended:
            garbled = report.garbled
            for payload, name in self._framing.flush():
                yield from self._reader.feed(payload, name)
            report.garbled = garbled  # a frame that was cut is a cut
        yield from self._reader.finish()

    def _whole(self, document: bytes) -> Iterator[ModelEvent]:
        report = self._report
        yield from self._reader.feed_whole(document)
        if report.garbled and not report.broken:
            report.garbled = False
            for line in document.splitlines():  # frames without their `data:`
                yield from self._reader.feed(line)
            report.broken |= report.garbled
        if report.error_text is not None and not report.recognized:
            report.status = report.error_status or 400
            report.error_body = report.error_text
        report.not_a_stream = not report.recognized and not report.broken
