"""What an answer used, where people look for it: under the answer, in the menu, on a page."""

from playwright.sync_api import expect

from tests.journeys.conftest import People


def test_what_was_used_is_told_under_the_answer_in_the_menu_and_on_the_page(people: People) -> None:
    person, elsewhere = people(), people(viewport={"width": 390, "height": 844}, has_touch=True)
    path = person.send_first("count 5")
    elsewhere.open(path)
    person.wait_until_finished()
    line = person.page.locator(".usage")
    expect(line).to_have_text("No cost")
    line.focus()
    person.page.keyboard.press("Enter")
    told = person.page.get_by_role("dialog", name="What this answer used")
    expect(told.get_by_role("row", name="Served by")).to_contain_text("Demo")
    expect(told.get_by_role("row", name="Input")).to_contain_text("unknown")
    person.page.keyboard.press("Escape")
    expect(told).to_be_hidden()
    expect(line).to_be_focused()

    person.write("count 6")
    for each in (person, elsewhere):
        expect(each.page.locator(".usage:visible")).to_have_count(2)
        each.page.locator(".topbar__more").click()
        expect(each.page.locator("#item-menu")).to_contain_text("No cost · 2 calls")
        each.page.keyboard.press("Escape")
    elsewhere.page.locator(".usage").last.tap()
    expect(elsewhere.page.get_by_role("dialog", name="What this answer used")).to_be_visible()

    person.page.locator(".person__button").click()
    person.page.get_by_role("link", name="Usage").click()
    expect(person.page.get_by_role("heading", name="Usage", level=1)).to_be_visible()
    row = person.page.get_by_role("row", name="Demo")
    expect(row).to_contain_text("no cost")
    width = person.page.evaluate("document.documentElement.scrollWidth - innerWidth")
    assert width <= 0
