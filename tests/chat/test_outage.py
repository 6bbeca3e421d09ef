"""Pages while a server that they need is away."""

import logging

import pytest
from django.test import Client
from pytest_django.fixtures import Settings


@pytest.mark.django_db
def test_a_page_says_that_a_server_is_away_and_when_to_try_again(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    nowhere = {**settings.CACHES["default"], "LOCATION": "redis://127.0.0.1:9"}
    settings.CACHES = {"default": nowhere}
    client = Client(raise_request_exception=False)
    # Sign-ins are counted in Valkey.
    answer = client.post("/accounts/login/", {"login": "alice@example.org", "password": "x"})
    assert answer.status_code == 503
    assert answer["Retry-After"]
    assert "can&#x27;t be reached" in answer.text or "can't be reached" in answer.text
    said = [record for record in caplog.records if record.name == "django.request"]
    assert [record.levelno for record in said] == [logging.WARNING]
    assert said[0].exc_info is None
