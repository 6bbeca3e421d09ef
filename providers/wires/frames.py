"""JSON of frames: decoded as fast as msgspec can, and leniently where it refuses what providers send."""

import json
from collections.abc import Iterable

import msgspec


def frame_of[T](decoder: msgspec.json.Decoder[T], data: bytes) -> T | None:
    """None where the bytes are not of that shape."""
    try:
        return decoder.decode(data)
    except msgspec.DecodeError:
        return _leniently(decoder.type, data)
    except UnicodeDecodeError:
        return _leniently(decoder.type, data)


def _leniently[T](kind: type[T], data: bytes) -> T | None:
    """For what msgspec refuses and Python reads: lone surrogates, NaN, raw control characters, bad UTF-8."""
    try:
        document = json.loads(data.decode(errors="replace"), strict=False)
        return msgspec.convert(document, kind, strict=False)
    except (ValueError, RecursionError):
        return None


def as_json(value: object) -> str:
    """JSON text of a decoded value. ASCII only, so that halves of surrogate pairs survive as escapes."""
    try:
        return json.dumps(value, separators=(",", ":"))
    except (TypeError, ValueError, RecursionError):
        return "null"


def parsed(text: str) -> object:
    """The value of a JSON text, None where it is none."""
    try:
        return json.loads(text, strict=False)
    except (ValueError, RecursionError):
        return None


def parsed_object(text: str) -> dict[str, object]:
    """Arguments where a provider wants an object: what is none becomes an empty one."""
    value = parsed(text)
    return value if isinstance(value, dict) else {}


# Leaves of frames come as None, numbers as text, lists instead of text. What is not of the type is absent.


def text_of(value: object) -> str:
    return value if isinstance(value, str) else ""


def count_of(value: object) -> int | None:
    """A token count: whole and not negative."""
    if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
        return None
    return int(value) if value < 1e15 else None


def index_of(value: object) -> int | None:
    """A place in a list, which some write as text."""
    if isinstance(value, str) and value.isdecimal():
        return int(value[:9])
    return value if isinstance(value, int) else None


def dict_of(value: object) -> dict[str, object]:
    return value if isinstance(value, dict) else {}


def dicts_of(value: object) -> Iterable[dict[str, object]]:
    """The objects of a list; of an object that stands where a list should, that one."""
    if isinstance(value, dict):
        return (value,)
    return (item for item in value if isinstance(item, dict)) if isinstance(value, list) else ()


def dug(value: object, *path: str) -> object:
    """`value[path[0]][path[1]]…`, None where it breaks off."""
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    return value
