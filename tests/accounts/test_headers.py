import os
import subprocess
import sys

import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse

pytestmark = pytest.mark.django_db
HTTPS = {
    "BETTERCHAT_URL": "https://chat.example.org",
    "BETTERCHAT_TRUST_PROXY": "yes",
    "SECRET_KEY": "".join(chr(33 + n) for n in range(64)),
}


@pytest.mark.parametrize("name", ["account_login", "account_signup", "accounts:guest", "admin:index"])
def test_every_answer_tells_browsers_what_is_allowed(client: Client, name: str) -> None:
    headers = client.get(reverse(name)).headers
    policy = headers["Content-Security-Policy"]
    for rule in ("default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'", "object-src 'none'"):
        assert rule in policy
    assert "unsafe" not in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert "camera=()" in headers["Permissions-Policy"]


def test_cookies_are_out_of_reach_of_scripts_and_of_other_sites(client: Client) -> None:
    client.post(reverse("accounts:guest"))
    session = client.cookies["betterchat_session"]
    assert (session["httponly"], session["samesite"], session["path"]) == (True, "Lax", "/")


def _manage(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command as on an HTTPS server: what follows the scheme is decided when settings are read."""
    command = [sys.executable, str(settings.BASE_DIR / "manage.py"), *arguments]
    return subprocess.run(
        command, env=os.environ | HTTPS, capture_output=True, text=True, timeout=60, check=False
    )


def test_djangos_own_security_checks_find_nothing_under_https() -> None:
    checked = _manage("check", "--deploy", "--tag", "security", "--fail-level", "WARNING")
    assert checked.returncode == 0, checked.stderr


def test_under_https_cookies_belong_to_this_host_alone() -> None:
    names = ["SESSION_COOKIE_NAME", "SESSION_COOKIE_SECURE", "CSRF_COOKIE_NAME", "CSRF_COOKIE_SECURE"]
    expression = f"from django.conf import settings; print(*[getattr(settings, n) for n in {names}])"
    shown = _manage("shell", "--no-imports", "-c", expression)
    assert shown.stdout.split() == ["__Host-betterchat_session", "True", "__Host-betterchat_csrf", "True"]
