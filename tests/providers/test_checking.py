"""The provider's own words about a key, without the key."""

import base64
import json

import pytest

from providers.checking import safe_words

KEY = "sk-proj-Ab3dEf6hIj9LmN2pQr5tUv8xYz1"


def told(message: str) -> str:
    return safe_words(json.dumps({"error": {"message": message}}).encode(), key=KEY)


def test_a_reason_is_told_on_one_line() -> None:
    assert told("Your account is\nnot active.") == "Your account is not active."
    assert told("x" * 500) == "x" * 200 + "…"


@pytest.mark.parametrize(
    "body",
    [
        {"error": {"message": "No."}},
        {"error": "No."},
        {"message": "No."},
        {"error": {"detail": "No."}},
        [{"error": {"message": "No."}}],
        {"type": "error", "error": {"type": "authentication_error", "message": "No."}},
    ],
)
def test_the_usual_shapes_are_read(body: object) -> None:
    assert safe_words(json.dumps(body).encode(), key=KEY) == "No."


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"[]", b"{}", b'{"error": 5}', b"\xff\xfe", b"[" * 100_000, b'{"error": [[[]]]}']
)
def test_anything_else_tells_nothing(body: bytes) -> None:
    assert safe_words(body, key=KEY) == ""


@pytest.mark.parametrize(
    "quoted",
    [
        KEY,
        KEY.upper(),
        f'"{KEY}".',
        f"key={KEY}&x=1",
        KEY[:12],
        KEY[-5:],
        "sk-proj-********Yz1",
        "sk-proj-...xYz1",
        KEY[:4] + " " + KEY[4:],
        " ".join(KEY[at : at + 4] for at in range(0, len(KEY), 4)),
        KEY[::-1],
        KEY.encode().hex(),
        base64.b64encode(KEY.encode()).decode(),
        base64.b64encode(b"x" + KEY.encode()).decode(),
        base64.urlsafe_b64encode(b"xy" + KEY.encode()).decode(),
        "-".join(KEY),
    ],
)
def test_no_form_of_the_key_comes_through(quoted: str) -> None:
    words = told(f"Incorrect key {quoted} given.")
    squashed = "".join(words.split())
    for form in (KEY, KEY[::-1], KEY.encode().hex(), base64.b64encode(KEY.encode()).decode()):
        assert not any(form[at : at + 5].lower() in squashed.lower() for at in range(len(form) - 4)), words
