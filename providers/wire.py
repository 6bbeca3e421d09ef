"""What a provider's stream itself says about its end, its failure and its usage.

litellm reports every stream that ends early as finished, and makes up token counts that were not sent
(both verified for OpenAI, Anthropic, Gemini and Ollama). So the bytes are read here a second time, for
these three facts only.
"""

from collections.abc import Iterator

from providers.wire_frames import READERS, Wire, WireReport

LINE_BYTES_MAX = 16 * 1024 * 1024


class LineTooLongError(Exception):
    """A single line is larger than any real provider sends."""


class LineSplitter:
    """Bytes in, whole lines out: LF, CRLF and CR, cut anywhere."""

    def __init__(self) -> None:
        self._rest = bytearray()

    def feed(self, data: bytes) -> Iterator[bytes]:
        self._rest += data
        if len(self._rest) > LINE_BYTES_MAX:
            raise LineTooLongError
        if b"\n" not in data and b"\r" not in data:
            return
        # A CR at the end may be half of a CRLF: it waits for the next byte.
        end = max(self._rest.rfind(b"\n"), self._rest.rfind(b"\r", 0, len(self._rest) - 1)) + 1
        complete, self._rest = bytes(self._rest[:end]), self._rest[end:]
        yield from complete.splitlines()

    def flush(self) -> Iterator[bytes]:
        rest, self._rest = bytes(self._rest), bytearray()
        yield from rest.splitlines()


class Watcher:
    """Reads a response body beside whoever consumes it and notes the facts in `report`."""

    def __init__(self, wire: Wire, report: WireReport) -> None:
        self._report = report
        self._note = READERS[wire]
        self._lines = LineSplitter()
        self._data: list[bytes] = []
        self._sse = wire is not Wire.OLLAMA

    def feed(self, data: bytes) -> None:
        for line in self._lines.feed(data):
            self._take(line)

    def end(self) -> None:
        for line in self._lines.flush():
            self._take(line)
        self._take(b"")

    def _take(self, line: bytes) -> None:
        if not self._sse:
            if line.strip():
                self._note(line, self._report)
        elif line.startswith(b"data:"):
            self._data.append(line[5:])
        elif not line and self._data:
            data, self._data = b"\n".join(self._data).strip(), []
            if data != b"[DONE]":
                self._note(data, self._report)
