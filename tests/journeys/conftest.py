from collections.abc import Iterator
from typing import Protocol

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.conftest import DataFolders
from tests.fakes.upstream import FakeUpstream
from tests.journeys.browser import Person, launch
from tests.journeys.product import Product, make_operator
from tests.processes import ServeProcess

# What a person can pick; the names say what the fake does (tests/fakes/behaviours.py).
MODELS = ("count-500", "half", "hello", "image", "slow-200", "status-500", "status-429-retry-3")


@pytest.fixture(scope="package")
def product(data_folders: DataFolders) -> Iterator[Product]:
    with FakeUpstream(models=[*MODELS]) as upstream:
        environment = {"DEMO_TOKENS_PER_SECOND": "60", "OPENAI_BASE_URL": upstream.openai_url}
        with ServeProcess(data_folders(), environment=environment) as serve:
            yield Product(serve, upstream, make_operator(serve))


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """No longer than a module: while Playwright runs, its event loop leaves no room for async tests."""
    with sync_playwright() as playwright:
        running = launch(playwright)
        yield running
        running.close()


class People(Protocol):
    """Makes people at browsers of their own; signed in as the operator unless said otherwise."""

    def __call__(self, *, url: str = "", signed_in: bool = True, **options: object) -> Person: ...


@pytest.fixture
def people(browser: Browser, product: Product) -> Iterator[People]:
    made: list[Person] = []

    def a_person_at_a_browser(*, url: str = "", signed_in: bool = True, **options: object) -> Person:
        person = Person(browser.new_context(**options), url or product.url)  # type: ignore[arg-type]
        made.append(person)
        if signed_in:
            person.sign_in()
        return person

    yield a_person_at_a_browser
    for person in made:
        person.context.close()
    assert [problem for person in made for problem in person.problems] == []
