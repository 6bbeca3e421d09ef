"""A person at a real browser."""

import os
import re
import shutil
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Playwright, expect

from tests.journeys.product import OPERATOR, PASSWORD

SECONDS_MAX = 30
CHROMIUM = next(
    (path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), ""
)
# No sandbox within a container's root; nothing is fetched from anywhere but the product.
ARGUMENTS = [
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]


def launch(playwright: Playwright) -> Browser:
    """A Chromium that is on the machine. Where there is none the test is skipped, unless CI forbids it."""
    if not CHROMIUM or not Path(CHROMIUM).exists():
        reason = "no Chromium on this machine (Debian: apt install chromium)"
        if os.environ.get("BROWSER_TESTS_REQUIRED"):
            pytest.fail(reason)
        pytest.skip(reason)
    return playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)


class Person:
    """One browser profile with one page, and what a person does in it."""

    def __init__(self, context: BrowserContext, url: str) -> None:
        context.set_default_timeout(SECONDS_MAX * 1000)
        self.context = context
        self.url = url
        self.page: Page = context.new_page()
        self.problems: list[str] = []
        self.page.on("pageerror", lambda error: self.problems.append(str(error)))
        self.page.on("console", self._note)

    def sign_in(self) -> None:
        self.page.goto(f"{self.url}/accounts/login/")
        self.page.fill("input[name=login]", OPERATOR)
        self.page.fill("input[name=password]", PASSWORD)
        self.page.locator("main form button[type=submit]").first.click()
        self.page.wait_for_url(f"{self.url}/")

    def open(self, address: str) -> None:
        self.page.goto(address if address.startswith("http") else self.url + address)

    def choose_model(self, model_id: str) -> None:
        """By its id, as somebody does who knows it: open, type, Enter."""
        self.page.locator(".picker-button").click()
        self.page.locator(".picker__field").fill(model_id)
        self.page.locator(f'[data-model-id="{model_id}"] [role=option]').click()
        expect(self.page.locator(".picker")).to_be_hidden()

    def write(self, text: str) -> None:
        self.page.locator("#composer-text").fill(text)
        self.page.keyboard.press("Enter")

    def send_first(self, text: str, *, model: str = "demo:demo") -> str:
        """Begin a conversation; its path."""
        self.open("/")
        self.choose_model(model)
        self.write(text)
        self.page.wait_for_url(re.compile(r"/c/[0-9a-f-]{36}/$"))
        return self.page.url.removeprefix(self.url)

    @property
    def answers(self) -> list[str]:
        """The answers as they read on the page, reasoning aside."""
        return self.page.locator(".message--assistant .prose").all_inner_texts()

    def wait_for_text(self, text: str) -> None:
        expect(self.page.locator(".thread__messages")).to_contain_text(text, timeout=SECONDS_MAX * 1000)

    def wait_until_finished(self) -> None:
        expect(self.page.locator("[data-act=copy-answer]").last).to_be_visible(timeout=SECONDS_MAX * 1000)
        expect(self.page.locator(".composer__stop")).to_be_hidden(timeout=SECONDS_MAX * 1000)

    def copy_last_answer(self) -> str:
        """The answer as Markdown, by the button that people use."""
        self.context.grant_permissions(["clipboard-read", "clipboard-write"])
        self.page.locator("[data-act=copy-answer]").last.click()
        copied: str = self.page.evaluate("navigator.clipboard.readText()")
        return copied

    def _note(self, message: object) -> None:
        kind, text = getattr(message, "type", ""), getattr(message, "text", "")
        # A cut connection is told by the browser itself; the product's own mistakes are what counts.
        if kind == "error" and "WebSocket connection" not in text and "net::ERR" not in text:
            self.problems.append(text)
