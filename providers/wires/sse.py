"""Bytes of a body in, frames out: server-sent events, JSON lines, or one JSON document; cut anywhere.

https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream, but an event
is handed out too where the empty line behind it is missing: before the end of the body, and before the next
event. Whether its JSON is whole is for the wire's reader to see.
"""

from collections.abc import Iterator
from typing import Protocol

LINE_BYTES_MAX = 32 * 1024 * 1024
_BOM = b"\xef\xbb\xbf"


class LineTooLongError(Exception):
    """A single line is larger than any real provider sends."""


class Lines:
    """Bytes in, whole lines out: LF, CRLF and CR, cut anywhere. A mark of byte order is dropped."""

    def __init__(self) -> None:
        self._rest = bytearray()
        self._after_cr = False
        self._began = False

    def feed(self, data: bytes) -> list[bytes]:
        if not self._began:
            data = self._without_mark(data)
        if self._after_cr and data:
            self._after_cr = False
            if data[0] == 10:  # the second half of a CRLF
                data = data[1:]
        end = max(data.rfind(b"\n"), data.rfind(b"\r")) + 1
        if not end:
            self._rest += data
            if len(self._rest) > LINE_BYTES_MAX:
                raise LineTooLongError
            return []
        self._after_cr = data[end - 1] == 13
        lines = (bytes(self._rest) + data[:end] if self._rest else data[:end]).splitlines()
        self._rest = bytearray(data[end:])
        return lines

    def flush(self) -> list[bytes]:
        rest, self._rest = bytes(self._rest), bytearray()
        return rest.splitlines()

    def _without_mark(self, data: bytes) -> bytes:
        data = bytes(self._rest) + data
        self._rest.clear()
        if len(data) < len(_BOM) and _BOM.startswith(data):
            self._rest += data
            return b""
        self._began = True
        return data.removeprefix(_BOM)


type Frame = tuple[bytes, str]


class Framing(Protocol):
    """Gives (payload, name of the event)."""

    def feed(self, data: bytes) -> Iterator[Frame]: ...

    def flush(self) -> Iterator[Frame]: ...


class ServerSentEvents:
    """Where JSON begins without `data:`, it is an error, and the rest of the body belongs to it.

    Gemini ends streams so: https://github.com/googleapis/python-genai/issues/1162.
    """

    def __init__(self) -> None:
        self._lines = Lines()
        self._bare = False
        self._data: list[bytes] = []
        self._event = ""

    def feed(self, data: bytes) -> Iterator[Frame]:
        for line in self._lines.feed(data):
            if self._bare:
                self._data.append(line)
            elif line.startswith(b"data:"):
                yield from self._take(line[6:] if line[5:6] == b" " else line[5:])
            elif not line:
                if self._data:
                    yield self._frame()
                self._event = ""
            elif line.startswith(b"event:"):
                self._event = line[6:].decode(errors="replace").strip()
            elif line.startswith(b"error:"):  # llama.cpp: https://github.com/ggml-org/llama.cpp/issues/16104
                self._data.append(line[6:])
                self._event = "error"
            elif line.startswith((b"{", b"[{")):
                if self._data:
                    yield self._frame()
                self._bare, self._event, self._data = True, "error", [line]

    def flush(self) -> Iterator[Frame]:
        for line in self._lines.flush():
            if self._bare:
                self._data.append(line)
            elif line.startswith(b"data:"):
                yield from self._take(line[6:] if line[5:6] == b" " else line[5:])
        if self._data:
            yield self._frame()

    def _take(self, data: bytes) -> Iterator[Frame]:
        if self._data and _stand_alone(self._data[-1], data):
            yield self._frame()
        self._data.append(data)

    def _frame(self) -> Frame:
        data = self._data[0] if len(self._data) == 1 else b"\n".join(self._data)
        self._data = []
        return data, self._event


def _stand_alone(before: bytes, after: bytes) -> bool:
    """Whether two lines of data are two events of a server that forgets the empty line between."""
    return before[:1] == b"{" and before[-1:] == b"}" and (after[:1] == b"{" or after == b"[DONE]")


class JsonLines:
    def __init__(self) -> None:
        self._lines = Lines()

    def feed(self, data: bytes) -> Iterator[Frame]:
        return ((line, "") for line in self._lines.feed(data) if line.strip())

    def flush(self) -> Iterator[Frame]:
        return ((line, "") for line in self._lines.flush() if line.strip())
