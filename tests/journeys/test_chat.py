"""The main job in a real browser: send, watch the answer on every tab, lose nothing."""

import re

import pytest
from playwright.sync_api import expect

from tests.journeys.conftest import People
from tests.journeys.product import Product
from tests.journeys.proxy import BreakableProxy


def conversation_id(path: str) -> str:
    return path.strip("/").split("/")[1]


def test_three_browsers_that_join_at_different_times_end_with_the_text_of_the_database(
    product: Product, people: People
) -> None:
    with BreakableProxy(product.serve.port) as network:
        before, during = people(), people(url=network.url)
        path = before.send_first("count 600")
        during.open(path)
        during.wait_for_text("20")
        for number in range(10):
            network.cut()
            during.wait_for_text(f" {60 + 30 * number} ")
        assert before.page.locator(".composer__stop").is_visible(), "over before the cuts were"
        before.wait_until_finished()
        during.wait_until_finished()
        after = people()
        after.open(path)
        after.wait_until_finished()
        texts = [person.answers for person in (before, during, after)]
        copies = {person.copy_last_answer() for person in (before, after)}
    assert texts[0] == texts[1] == texts[2]
    assert copies == {product.answer_text(conversation_id(path))}
    assert copies.pop().split()[-1] == "600"


def test_every_tab_closed_after_the_first_word_and_the_answer_is_complete_on_return(
    product: Product, people: People
) -> None:
    person = people()
    path = person.send_first("count 300")
    person.wait_for_text("1 2 3")
    person.page.close()
    person.page = person.context.new_page()
    person.open(path)
    person.wait_until_finished()
    assert person.copy_last_answer() == product.answer_text(conversation_id(path))
    assert person.answers[0].split()[-1] == "300"


def test_stop_in_one_tab_stops_the_other_and_keeps_the_text(people: People) -> None:
    first, second = people(), people()
    path = first.send_first("count 5000")
    second.open(path)
    second.wait_for_text(" 40 ")
    second.page.locator(".composer__stop").click()
    for person in (first, second):
        expect(person.page.locator(".message__note")).to_contain_text("Stopped. What came is kept.")
    assert first.answers == second.answers
    assert " 40 " in first.answers[0]


def test_a_message_sent_while_an_answer_runs_waits_visibly_and_runs_next_once(people: People) -> None:
    person = people()
    person.send_first("count 200")
    person.wait_for_text(" 20 ")
    person.write("count 7")
    expect(person.page.locator(".message__note")).to_contain_text("Waiting for the answer before it")
    expect(person.page.locator(".message--assistant")).to_have_count(2)
    person.page.reload()
    expect(person.page.locator(".message--assistant").nth(1).locator(".prose")).to_contain_text(
        "1 2 3 4 5 6 7", timeout=30_000
    )
    expect(person.page.locator(".message--user")).to_have_count(2)
    assert person.answers[0].split()[-1] == "200"


def test_a_failure_is_told_in_place_and_trying_again_is_one_click(people: People) -> None:
    person = people()
    person.send_first("Keep my words", model="compatible:status-500")
    failure = person.page.locator(".failure")
    expect(failure).to_contain_text("failed on its side")
    expect(person.page.locator(".message--user")).to_contain_text("Keep my words")
    person.choose_model("compatible:hello")
    failure.get_by_role("button", name="Try again").click()
    person.wait_for_text("Hello, world!")
    expect(person.page.locator(".failure")).to_have_count(0)
    expect(person.page.locator(".message--user")).to_have_count(1)


def test_too_long_a_message_is_refused_in_words_and_stays_in_the_box(people: People) -> None:
    person = people()
    person.open("/")
    text = "a" * 32_001
    person.write(text)
    expect(person.page.locator("#composer-hint")).to_contain_text("32,001 of 32,000")
    expect(person.page.locator("#composer-text")).to_have_value(text)
    assert person.page.url.endswith("/")


def test_a_draft_outlives_a_reload_and_belongs_to_its_conversation(people: People) -> None:
    person = people()
    person.send_first("count 2")
    person.wait_until_finished()
    person.page.locator("#composer-text").fill("half a thought")
    person.page.reload()
    expect(person.page.locator("#composer-text")).to_have_value("half a thought")
    person.open("/")
    expect(person.page.locator("#composer-text")).to_have_value("")


def test_rename_and_delete_with_undo_from_the_sidebar(people: People) -> None:
    person, other = people(), people()
    path = person.send_first("count 3 please")
    person.wait_until_finished()
    other.open("/")
    line = f'.sidebar__link[href="{path}"]'
    item = person.page.locator(f".sidebar__item:has({line})")
    item.hover()
    item.locator(".sidebar__more").click()
    person.page.get_by_role("button", name="Rename").click()
    person.page.keyboard.press("ControlOrMeta+a")
    person.page.keyboard.type("Numbers I like")
    person.page.keyboard.press("Enter")
    for page in (person.page, other.page):
        expect(page.locator(line)).to_contain_text("Numbers I like")
    item = person.page.locator(f".sidebar__item:has({line})")
    item.hover()
    item.locator(".sidebar__more").click()
    person.page.get_by_role("button", name="Delete").click()
    for page in (person.page, other.page):
        expect(page.locator(line)).to_have_count(0)
    person.page.get_by_role("button", name="Undo").click()
    for page in (person.page, other.page):
        expect(page.locator(line)).to_have_count(1)


def test_a_conversation_that_is_not_there_is_a_page_in_words(people: People) -> None:
    person = people()
    answer = person.page.goto(f"{person.url}/c/00000000-0000-4000-8000-000000000000/")
    assert answer is not None
    assert answer.status == 404
    person.problems.clear()  # the browser's own note of the 404


def test_the_demo_answer_is_rendered_and_highlighted(people: People) -> None:
    person = people()
    person.send_first("hello")
    person.wait_until_finished()
    expect(person.page.locator(".prose pre code [class*=hljs]").first).to_be_attached()
    expect(person.page.locator(".prose table")).to_be_visible()
    expect(person.page.locator(".prose math").first).to_be_visible()
    expect(person.page.locator(".message--assistant details summary")).to_contain_text("Thought for")


def test_nothing_a_model_names_is_fetched(people: People) -> None:
    person = people()
    asked: list[str] = []
    person.page.on("request", lambda request: asked.append(request.url))
    person.send_first("show me", model="compatible:image")
    person.wait_until_finished()
    expect(person.page.locator(".prose a[href^='https://images.example.org/cat.png']")).to_be_visible()
    assert person.page.locator(".prose img").count() == 0
    assert [url for url in asked if "example.org" in url] == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_history_is_readable_without_javascript(people: People, scheme: str) -> None:
    writer = people()
    path = writer.send_first("count 9")
    writer.wait_until_finished()
    reader = people(signed_in=False, java_script_enabled=False, color_scheme=scheme)
    reader.context.add_cookies(writer.context.cookies())  # type: ignore[arg-type]
    reader.open(path)
    expect(reader.page.get_by_text("1 2 3 4 5 6 7 8 9")).to_be_visible()
    expect(reader.page.get_by_text("count 9").last).to_be_visible()


def test_the_keyboard_alone_is_enough(people: People) -> None:
    person = people()
    person.open("/")
    expect(person.page.locator("#composer-text")).to_be_focused()
    person.page.keyboard.type("count 4")
    person.page.keyboard.press("Shift+Enter")
    person.page.keyboard.type("thank you")
    expect(person.page.locator("#composer-text")).to_have_value("count 4\nthank you")
    person.page.keyboard.press("Enter")
    person.page.wait_for_url(re.compile("/c/"))
    person.wait_until_finished()
    expect(person.page.locator("#composer-text")).to_be_focused()


def test_earlier_messages_are_reached_without_javascript(product: Product, people: People) -> None:
    writer = people()
    path = writer.send_first("count 1")
    writer.wait_until_finished()
    fill = """
        INSERT INTO chat_message
            (id, conversation_id, parent_id, role, model_id, parts, attempt, sequence, text_sha256)
        SELECT gen_random_uuid(), '{id}', NULL, 'user', '', '[]', 0, 0, 'x' FROM generate_series(1, 120)
    """
    chain = """
        WITH added AS (
            SELECT id, lag(id) OVER (ORDER BY id) AS parent, row_number() OVER (ORDER BY id) AS number
            FROM chat_message WHERE conversation_id = '{id}' AND text_sha256 = 'x'
        )
        UPDATE chat_message message SET
            parent_id = COALESCE(
                added.parent, (SELECT active_leaf_id FROM chat_conversation WHERE id = '{id}')
            ),
            parts = jsonb_build_array(jsonb_build_object('kind', 'text', 'text', 'filler ' || added.number))
        FROM added WHERE message.id = added.id
    """
    leaf = """
        UPDATE chat_conversation SET active_leaf_id = (
            SELECT id FROM chat_message
            WHERE conversation_id = '{id}' AND text_sha256 = 'x' ORDER BY id DESC LIMIT 1
        ) WHERE id = '{id}'
    """
    for statement in (fill, chain, leaf):
        product.serve.query(statement.format(id=conversation_id(path)))
    reader = people(signed_in=False, java_script_enabled=False)
    reader.context.add_cookies(writer.context.cookies())  # type: ignore[arg-type]
    reader.open(path)
    expect(reader.page.get_by_text("filler 120", exact=True)).to_be_visible()
    reader.page.get_by_role("link", name="Earlier messages").click()
    expect(reader.page.get_by_text("filler 20", exact=True)).to_be_visible()
    expect(reader.page.get_by_text("count 1").last).to_be_visible()
