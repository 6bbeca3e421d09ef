"""Known and unknown addresses cost the same: what is counted here is what takes time.

The text of the answers is compared in `test_sign_in`. Time itself is not asserted: hashing a password
(some 100 ms) and handing over a mail are what could be told apart from outside; queries are a few ms.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass

import pytest
from django.contrib.auth.hashers import MD5PasswordHasher
from django.core.mail import EmailMessage
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import User

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("with_mail")]


@dataclass
class Work:
    hashes: int = 0
    mails: int = 0
    writes: int = 0


@pytest.fixture
def counted(
    monkeypatch: pytest.MonkeyPatch, mailoutbox: list[EmailMessage]
) -> Callable[[], AbstractContextManager[Work]]:
    hashes: list[str] = []
    encode = MD5PasswordHasher.encode

    def counting(self: MD5PasswordHasher, password: str, salt: str) -> str:
        hashes.append(salt)
        return encode(self, password, salt)

    monkeypatch.setattr(MD5PasswordHasher, "encode", counting)

    @contextmanager
    def count() -> Iterator[Work]:
        work = Work()
        hashes_before, mails_before = len(hashes), len(mailoutbox)
        with CaptureQueriesContext(connection) as queries:
            yield work
        work.hashes, work.mails = len(hashes) - hashes_before, len(mailoutbox) - mails_before
        work.writes = sum(query["sql"].startswith('INSERT INTO "accounts_user"') for query in queries)

    return count


def _wrong_password(browser: Client, email: str) -> None:
    browser.post(reverse("account_login"), {"login": email, "password": "wrong horse battery"})


def _code(browser: Client, email: str) -> None:
    browser.post(reverse("account_request_login_code"), {"email": email})


def _reset(browser: Client, email: str) -> None:
    browser.post(reverse("account_reset_password"), {"email": email})


def _sign_up(browser: Client, email: str) -> None:
    browser.post(reverse("account_signup"), {"email": email, "password1": "a brand new battery"})


@pytest.mark.parametrize(
    ("ask", "expected"),
    [
        (_wrong_password, Work(hashes=1)),
        (_code, Work(mails=1)),
        (_reset, Work(mails=1)),
        (_sign_up, Work(hashes=1, mails=1, writes=1)),
    ],
)
def test_known_and_unknown_addresses_cost_the_same(
    ask: Callable[[Client, str], None],
    expected: Work,
    alice: User,
    counted: Callable[[], AbstractContextManager[Work]],
) -> None:
    User.objects.create_user("codes-only@example.org")
    people = User.objects.count()
    for address in (alice.email or "", "nobody@example.org", "codes-only@example.org"):
        with counted() as work:
            ask(Client(), address)
        assert work == expected, address
    assert User.objects.count() == people + expected.writes, "only the unknown one has signed up"
