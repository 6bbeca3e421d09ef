"""From a websocket frame to a command, or to one clear refusal. Clients can cause no other failure."""

import re
from typing import Union

import msgspec

from betterchat.core.errors import ErrorCode, UserFacingError
from chat.protocol.commands import COMMAND_TYPES, Command

FRAME_BYTES_MAX = 1024 * 1024

# The reader's own words quote the client's input: bounded, so that a huge value is not echoed.
_REASON_CHARACTERS_MAX = 200
_decoder: msgspec.json.Decoder[Command] = msgspec.json.Decoder(Union[COMMAND_TYPES])  # noqa: UP007
_UNKNOWN_TYPE = re.compile(r"^Invalid value .* - at `\$\.type`$", re.DOTALL)


def parse_command(*, text: str | None, binary: bytes | None) -> Command:
    """Raises UserFacingError INVALID_FRAME or UNKNOWN_COMMAND."""
    if text is None:
        raise _invalid("binary frames are not read" if binary else "the frame is empty")
    try:
        return _decoder.decode(text)
    except msgspec.ValidationError as error:
        if _UNKNOWN_TYPE.match(str(error)):
            raise UserFacingError(ErrorCode.UNKNOWN_COMMAND) from None
        raise _invalid(str(error)) from None
    except RecursionError:
        raise _invalid("it is nested too deeply") from None
    except (msgspec.DecodeError, UnicodeError) as error:
        raise _invalid(str(error)) from None


def _invalid(reason: str) -> UserFacingError:
    return UserFacingError(
        ErrorCode.INVALID_FRAME, details={"reason": reason[:_REASON_CHARACTERS_MAX].rstrip(".")}
    )
