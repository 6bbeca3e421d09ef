"""Choosing a model and how it thinks, in a real browser: rows 15, 41, 45 and 46."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Locator, expect

from tests.journeys.browser import Person
from tests.journeys.conftest import People
from tests.journeys.product import Product

THINKER, PLAIN, OLD = "compatible:hello", "compatible:half", "compatible:image"


@pytest.fixture(autouse=True)
def models(product: Product) -> Iterator[None]:
    """One that offers efforts, one whose successor it is; afterwards as before."""
    change = "UPDATE providers_languagemodel SET"
    product.serve.query(f"{change} efforts = '{{low,medium,high}}', name = 'Thinker' WHERE id = '{THINKER}'")
    product.serve.query(f"{change} successor_id = '{THINKER}', name = 'Old one' WHERE id = '{OLD}'")
    yield
    product.serve.query("DELETE FROM providers_modelpreferences")
    product.serve.query(
        f"{change} efforts = '{{}}', successor_id = NULL, enabled = true, name = split_part(id, ':', 2) "
        "WHERE id LIKE 'compatible:%'"
    )


def active(person: Person) -> Locator:
    """The line that a screen reader is told of."""
    id_ = person.page.locator(".picker__field").get_attribute("aria-activedescendant")
    return person.page.locator(f"#{id_}")


def model_in_use(person: Person) -> Locator:
    return person.page.locator(".picker-button")


def test_a_model_is_found_and_picked_with_the_keyboard_alone(people: People) -> None:
    person = people()
    person.open("/")
    keyboard = person.page.keyboard
    model_in_use(person).focus()
    keyboard.press("Enter")
    expect(person.page.get_by_role("dialog", name="Choose a model")).to_be_visible()
    expect(person.page.get_by_role("combobox", name="Find a model")).to_be_focused()
    keyboard.press("End")
    expect(active(person)).to_contain_text("Demo")
    keyboard.press("Home")
    keyboard.press("ArrowDown")
    keyboard.press("ArrowUp")
    expect(active(person)).to_have_attribute("aria-selected", "true")
    keyboard.type("thinker")
    expect(person.page.get_by_role("option")).to_have_count(1)
    expect(active(person)).to_contain_text("Thinker")
    keyboard.press("Enter")
    expect(person.page.locator(".picker")).to_be_hidden()
    expect(model_in_use(person)).to_contain_text("Thinker")
    expect(model_in_use(person)).to_be_focused()
    keyboard.press("Enter")
    keyboard.press("Escape")
    expect(person.page.locator(".picker")).to_be_hidden()
    expect(model_in_use(person)).to_be_focused()
    for is_open in (True, False):
        model_in_use(person).click()
        expect(person.page.locator(".picker")).to_be_visible(visible=is_open)


def test_effort_shows_where_it_is_offered_survives_a_reload_and_reaches_other_tabs(people: People) -> None:
    person, other = people(), people()
    effort = person.page.get_by_label("Effort")
    person.open("/")
    person.choose_model(PLAIN)
    expect(effort).to_be_hidden()
    person.choose_model(THINKER)
    expect(effort).to_have_value("medium")
    effort.select_option("High")
    person.write("Hello")
    person.page.wait_for_url(re.compile("/c/"))
    person.wait_until_finished()
    other.open(person.page.url)
    expect(other.page.get_by_label("Effort")).to_have_value("high")
    person.page.reload()
    expect(effort).to_have_value("high")
    effort.select_option("Low")  # nothing is sent
    expect(other.page.get_by_label("Effort")).to_have_value("low")
    other.choose_model(PLAIN)
    expect(other.page.get_by_text("“Low” does not apply")).to_be_visible()
    expect(model_in_use(person)).to_contain_text("half")
    expect(effort).to_be_hidden()
    person.page.reload()
    expect(model_in_use(person)).to_contain_text("half")


def test_a_conversation_whose_model_is_gone_reads_on_and_proposes_another(
    product: Product, people: People
) -> None:
    person = people()
    person.send_first("Keep my words", model=OLD)
    person.wait_until_finished()
    gone = person.page.locator(".composer__gone")
    product.serve.query(f"UPDATE providers_languagemodel SET enabled = false WHERE id = '{OLD}'")
    person.write("Are you there?")
    expect(person.page.locator(".composer__problem")).to_contain_text(
        "The model Old one is not available here."
    )
    expect(person.page.locator("#composer-text")).to_have_value("Are you there?")
    expect(gone).to_be_visible()
    person.page.reload()
    expect(person.page.locator(".message--user")).to_contain_text("Keep my words")
    expect(gone).to_contain_text("Old one is not available any more.")
    gone.get_by_role("button", name="Use Thinker").click()
    expect(gone).to_be_hidden()
    expect(person.page.locator("#composer-text")).to_have_value("Are you there?")
    person.page.locator("#composer-text").press("Enter")
    person.wait_for_text("Hello, world!")


def test_favourites_and_the_default_are_kept_and_can_be_changed_without_javascript(people: People) -> None:
    person = people()
    person.open("/")
    model_in_use(person).click()
    person.page.locator(".picker__field").fill("thinker")
    person.page.get_by_role("button", name="Favourite: Thinker").click()
    expect(person.page.get_by_role("group", name="Favourites")).to_contain_text("Thinker")
    person.page.get_by_role("button", name="Make default: Thinker").click()
    expect(person.page.get_by_role("option", name="Thinker")).to_contain_text("Default")
    person.open("/")
    expect(model_in_use(person)).to_contain_text("Thinker")
    plain = people(signed_in=False, java_script_enabled=False)
    plain.context.add_cookies(person.context.cookies())  # type: ignore[arg-type]
    plain.open("/settings/models/?q=thinker")
    star = plain.page.get_by_role("button", name="Favourite: Thinker")
    expect(star).to_have_attribute("aria-pressed", "true")
    star.click()
    expect(star).to_have_attribute("aria-pressed", "false")
    plain.page.get_by_role("button", name="Hide: Thinker").click()
    expect(plain.page.get_by_role("button", name="Show: Thinker")).to_be_visible()
    person.open("/")
    expect(model_in_use(person)).not_to_contain_text("Thinker")
    model_in_use(person).click()
    expect(person.page.get_by_role("option", name="Thinker")).to_have_count(0)
