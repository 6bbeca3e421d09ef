"""Why the server closes a socket, and whether a client should come back."""

import msgspec


class CloseCode(msgspec.Struct, frozen=True):
    code: int
    meaning: str
    come_back: bool


SERVICE_RESTART = CloseCode(1012, "The server restarts. Come back after a random second or two.", True)
UNAVAILABLE = CloseCode(1013, "A part of the server can't be reached. Come back after a while.", True)
NOT_UTF8 = CloseCode(1007, "A text frame was not UTF-8.", False)
FRAME_TOO_LARGE = CloseCode(1009, "A frame was larger than this server reads (1 MiB).", False)
TOO_MANY_INVALID_FRAMES = CloseCode(4400, "Too many frames that could not be read.", False)
NOT_SIGNED_IN = CloseCode(4401, "No session or token, or it has ended, or a foreign origin.", False)
NOT_FOUND = CloseCode(4404, "No such conversation, or not yours: the two can't be told apart.", False)
PROTOCOL_UNSUPPORTED = CloseCode(4406, "The client offered no subprotocol this server speaks.", False)
TOO_SLOW = CloseCode(4408, "Frames were not acknowledged for 60 s. Come back and open again.", True)
CLOSE_CODES = (
    SERVICE_RESTART,
    UNAVAILABLE,
    NOT_UTF8,
    FRAME_TOO_LARGE,
    TOO_MANY_INVALID_FRAMES,
    NOT_SIGNED_IN,
    NOT_FOUND,
    PROTOCOL_UNSUPPORTED,
    TOO_SLOW,
)
