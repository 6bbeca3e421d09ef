"""Coming in: the operator's link, a guest, and a server whose mail is not set up."""

import re

from playwright.sync_api import Browser, expect

from tests.conftest import DataFolders
from tests.journeys.browser import Person
from tests.journeys.conftest import People
from tests.journeys.product import PASSWORD, manage
from tests.processes import ServeProcess


def test_a_stranger_starts_becomes_operator_once_and_chats(
    browser: Browser, data_folders: DataFolders
) -> None:
    with ServeProcess(data_folders(), environment={"DEMO_TOKENS_PER_SECOND": "300"}) as serve:
        told = manage(serve, "chat", "hello")
        assert told.returncode == 2
        link = re.search(r"http\S+/accounts/operator/\S+", told.stdout)
        assert link
        person = Person(browser.new_context(), serve.base_url)
        person.open(link.group())
        person.page.fill("input[name=email]", "first@example.org")
        for field in person.page.locator("input[type=password]").all():
            field.fill(PASSWORD)
        person.page.locator("main form button[type=submit]").first.click()
        person.page.wait_for_url(f"{serve.base_url}/")
        path = person.send_first("count 20")
        person.wait_until_finished()
        assert person.answers[0].split()[-1] == "20"
        assert path.startswith("/c/")
        person.open("/admin/")
        expect(person.page.locator("#site-name")).to_contain_text("Better Chat")
        late = Person(browser.new_context(), serve.base_url)
        answer = late.page.goto(link.group())
        assert answer is not None
        assert answer.status == 410
        chat = manage(serve, "chat", "count 3")
        assert (chat.returncode, chat.stdout.split()) == (0, ["1", "2", "3"]), chat.stderr
        assert person.problems == []


def test_a_guest_starts_at_once_and_reaches_demo_only(people: People) -> None:
    guest = people(signed_in=False)
    guest.open("/")
    guest.page.get_by_role("button", name="Try it").click()
    expect(guest.page.locator("#composer-text")).to_be_visible()
    guest.page.locator(".picker-button").click()
    usable = guest.page.locator(".picker [role=option]:not([aria-disabled])")
    expect(usable).to_have_count(1)
    assert usable.get_attribute("title") == "demo:demo"
    guest.page.keyboard.press("Escape")
    guest.send_first("count 5")
    guest.wait_until_finished()
    assert guest.answers[0].split()[-1] == "5"


def test_the_sign_in_page_says_that_mail_is_not_set_up(people: People) -> None:
    person = people(signed_in=False)
    person.open("/accounts/login/")
    expect(person.page.locator("main")).to_contain_text("console")
    expect(person.page.locator("input[name=password]")).to_be_visible()
