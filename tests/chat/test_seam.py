"""An answer that was cut and went on reads as if nothing had happened, whatever the second model does."""

import pytest

from chat.turns.seam import Seam

BEFORE = (
    "# Harbours\n\nThe old harbour was built in 1512 by the guild of rope makers. It has two basins, a crane "
    "and a chapel.\n\nThe new harbour lies to the south of the town. It was dug between 1870 and 1884, and "
    "its walls are made of"
)
AFTER = " granite from the quarries inland. Today it serves the fishing fleet.\n\nBoth are open to visitors."


def join(before: str, words: str, *, size: int = 7) -> tuple[str, bool]:
    seam, text, restarted = Seam(before), "", False
    pieces = [words[at : at + size] for at in range(0, len(words), size)]
    for joined in [*map(seam.feed, pieces), seam.flush()]:
        restarted = restarted or joined.restarted
        text += joined.text
    return text, restarted


@pytest.mark.parametrize("size", [1, 7, 10_000])
@pytest.mark.parametrize(
    "words",
    [
        AFTER,
        # thirty words repeated
        BEFORE[BEFORE.index("The new harbour") :] + AFTER,
        "its walls are made of" + AFTER,
        "…and its walls are made of" + AFTER,
        '"and its walls are made of' + AFTER,
        # white space copied freely
        "The new harbour lies to the south\nof the town.  It was dug between 1870 and 1884, and its walls "
        "are made of" + AFTER,
        # a preamble, with and without the words repeated
        "Sure, I'll continue from where I left off:\n\n" + "and its walls are made of" + AFTER,
        "Certainly! Here is the rest of the answer.\n\n" + BEFORE[-60:] + AFTER,
        # the request ignored: everything again
        BEFORE + AFTER,
        "\n" + BEFORE + AFTER,
    ],
)
def test_a_continuation_repeats_nothing_and_loses_nothing(words: str, size: int) -> None:
    text, restarted = join(BEFORE, words, size=size)
    assert not restarted
    assert BEFORE + text == BEFORE + AFTER


def test_a_preamble_alone_is_left_out() -> None:
    text, _ = join(BEFORE, "Continuing from where it stopped:\n\ngranite from the quarries inland.")
    assert text == "granite from the quarries inland."


def test_words_that_only_look_like_a_preamble_stay() -> None:
    assert join("After lunch we will ", "continue with the list: bread, salt, oil.")[0] == (
        "continue with the list: bread, salt, oil."
    )


def test_another_version_of_the_answer_is_told_apart() -> None:
    other = BEFORE[:120] + "quite another story about ships, which does not go on from anything." * 3
    assert join(BEFORE, other) == (other, True)


def test_an_answer_that_begins_with_a_heading_in_the_middle_of_a_line_is_one_of_its_own() -> None:
    other = "## How harbours are built\n\nFirst of all" + ", stone" * 40
    assert join(BEFORE, other) == (other, True)


def test_a_model_that_only_repeats_adds_nothing() -> None:
    assert join(BEFORE, BEFORE[: len(BEFORE) - 40]) == ("", False)
    assert join(BEFORE, BEFORE) == ("", False)


@pytest.mark.parametrize("words", ["and its walls are", "# Harbours\n\nThe old"])
def test_words_that_were_cut_in_the_middle_of_a_repetition_are_not_shown_again(words: str) -> None:
    assert join(BEFORE, words) == ("", False)


def test_a_cut_in_the_middle_of_a_word_is_joined_there() -> None:
    text, _ = join(BEFORE + " gran", "and its walls are made of granite from inland.")
    assert text == "ite from inland."


@pytest.mark.parametrize("cut", range(1, 400, 7))
def test_numbers_go_on_exactly_wherever_they_were_cut(cut: int) -> None:
    whole = " ".join(f"{number:04}" for number in range(1, 200))
    assert whole[:cut] + join(whole[:cut], whole[cut:])[0] == whole


def test_short_answers_are_joined_too() -> None:
    assert join("Hel", "lo, world!")[0] == "lo, world!"
    assert join("Hello", "Hello, world!")[0] == ", world!"
    assert join("Yes", " and no")[0] == " and no"


def test_what_is_held_back_is_bounded() -> None:
    seam = Seam(BEFORE)
    shown, fed = "", 0
    while not shown:
        shown = seam.feed("entirely new words ").text
        fed += 19
    assert fed < 250
