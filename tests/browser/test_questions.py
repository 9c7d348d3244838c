"""The questions that a study can ask beside the six-point rating: real or synthetic, and which of two films."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from playwright.sync_api import BrowserContext, Page, Route, expect

from readerstudy.reading.models import Answer
from readerstudy.studies.models import CaseTruth, Reader, Slot
from readerstudy.studies.rendering import film_of, frozen_payload
from tests.browser.films import SIDE, slots_of
from tests.browser.screen import drag, film_is_shown, in_the_middle, light_box, seen

pytestmark = [pytest.mark.browser]
ANSWERS = "**/read/answer/**"


def press(page: Page, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)


def ratings() -> list[int | None]:
    return list(Answer.objects.order_by("id").values_list("rating", flat=True))


def chosen() -> list[str]:
    return list(Answer.objects.order_by("id").values_list("chosen", flat=True))


# Real or synthetic, then how sure


@pytest.fixture
def confidence(begin: Callable[..., Page]) -> Page:
    return begin(question="confidence")


def test_both_answers_make_the_rating(confidence: Page) -> None:
    """Real: sure 1, fairly sure 2, a guess 3; synthetic: sure 6, fairly sure 5, a guess 4."""
    for keys in ("11", "12", "13", "21", "22", "23"):
        film_is_shown(confidence)
        press(confidence, *keys, "Enter")
        expect(confidence.get_by_role("radio", checked=True)).to_have_count(0)
    film_is_shown(confidence, "Film 5")
    assert ratings() == [1, 2, 3, 6, 5, 4]


def test_each_step_says_what_is_chosen_and_all_anchors_stay_in_sight(confidence: Page) -> None:
    status = confidence.locator("#status")
    press(confidence, "Enter")
    expect(status).to_have_text("Choose real or synthetic first, then how sure you are.")
    press(confidence, "2")
    expect(status).to_have_text("“Synthetic” is chosen. Now say how sure you are; Backspace goes back.")
    expect(confidence.locator("#confirm")).to_be_disabled()
    press(confidence, "Enter")
    assert ratings() == []
    press(confidence, "3")
    expect(status).to_have_text("“Synthetic, a guess” is chosen. Enter confirms it.")
    for words in ("Real", "Synthetic", "sure", "fairly sure", "a guess"):
        expect(confidence.get_by_text(words, exact=True)).to_be_visible()


def test_backspace_goes_back_to_the_first_answer(confidence: Page) -> None:
    press(confidence, "1", "1", "Backspace")
    expect(confidence.get_by_role("radio", checked=True)).to_have_count(0)
    press(confidence, "2", "1", "Enter")
    film_is_shown(confidence, "Practice film 2")
    assert ratings() == [6]


def test_by_mouse_the_first_answer_can_be_changed_and_the_second_is_asked_anew(confidence: Page) -> None:
    expect(confidence.get_by_role("radio", name="fairly sure")).to_be_disabled()
    confidence.get_by_role("radio", name="Real").check()
    confidence.get_by_role("radio", name="fairly sure").check()
    confidence.get_by_role("radio", name="Synthetic").check()
    expect(confidence.locator("#confirm")).to_be_disabled()
    confidence.get_by_role("radio", name="fairly sure").check()
    confidence.get_by_role("button", name="Confirm").click()
    film_is_shown(confidence, "Practice film 2")
    assert ratings() == [5]


def test_a_half_given_answer_does_not_survive_a_reload(confidence: Page) -> None:
    press(confidence, "2")
    confidence.reload()
    film_is_shown(confidence)
    press(confidence, "1", "Enter")
    assert ratings() == []
    press(confidence, "1", "Enter")
    film_is_shown(confidence, "Practice film 2")
    assert ratings() == [1]


# Which of two films


@pytest.fixture
def pairs(begin: Callable[..., Page]) -> Page:
    return begin(question="pairs", practice_films=0)


def first_pair() -> Slot:
    return slots_of(Reader.objects.get())[0]


def test_each_film_lies_on_its_side_exactly(pairs: Page) -> None:
    press(pairs, "o")
    for name, case in zip(("film", "film-right"), first_pair().cases, strict=True):
        greys = film_of(frozen_payload(case), case.study.side).astype(float) / 257
        assert np.abs(in_the_middle(light_box(pairs, name), SIDE) - greys).max() <= 1


def test_a_side_is_chosen_by_one_key_and_confirmed_by_enter(pairs: Page) -> None:
    for number, key in enumerate("121", start=1):
        film_is_shown(pairs, f"Pair {number} of 3")
        press(pairs, key, "Enter")
    expect(pairs.get_by_text("Thank you for reading.")).to_be_visible()
    assert chosen() == ["left", "right", "left"]
    assert ratings() == [None] * 3


def test_arrows_are_for_the_window_of_both_and_choose_nothing(pairs: Page) -> None:
    before = [light_box(pairs, name).mean() for name in ("film", "film-right")]
    press(pairs, "Shift+ArrowUp")
    after = [light_box(pairs, name).mean() for name in ("film", "film-right")]
    assert all(now > then + 5 for now, then in zip(after, before, strict=True))
    expect(pairs.get_by_role("radio", checked=True)).to_have_count(0)
    press(pairs, "Enter")
    expect(pairs.locator("#status")).to_have_text("Choose the film on the left or the one on the right first.")
    assert chosen() == []


def test_uses_of_both_sides_are_counted(pairs: Page) -> None:
    drag(pairs, 40, 0)
    box = pairs.locator("#film-right").bounding_box()
    assert box
    pairs.mouse.move(box["x"] + 200, box["y"] + 200)
    pairs.mouse.wheel(0, -100)
    assert seen(pairs).zoom > 100
    press(pairs, "+", "2", "Enter")
    film_is_shown(pairs, "Pair 2")
    answer = Answer.objects.get()
    assert (answer.window_uses, answer.zoom_uses, answer.pan_uses) == (1, 2, 0)


@pytest.mark.parametrize("late_side", ["", "right/"])
def test_no_side_can_be_chosen_before_both_films_are_drawn(pairs: Page, late_side: str) -> None:
    held: list[Route] = []
    pairs.route(f"**/read/film/*/{late_side}", lambda route: held.append(route))
    pairs.reload()
    expect(pairs.locator("#status")).to_have_text("The films are on their way.")
    press(pairs, "1", "Enter")
    pairs.wait_for_timeout(2000)
    expect(pairs.get_by_role("radio", name="The film on the left")).to_be_disabled()
    for route in held:
        route.continue_()
    pairs.unroute(f"**/read/film/*/{late_side}")
    film_is_shown(pairs, "Pair 1")
    expect(pairs.get_by_role("radio", checked=True)).to_have_count(0)
    assert chosen() == []
    press(pairs, "2", "Enter")
    film_is_shown(pairs, "Pair 2")
    assert chosen() == ["right"]


def test_both_films_of_the_next_pair_are_there_before_their_turn(pairs: Page) -> None:
    asked: list[str] = []
    pairs.on("request", lambda request: asked.append(request.url))
    pairs.reload()
    film_is_shown(pairs, "Pair 1")
    code = slots_of(Reader.objects.get())[1].code
    pairs.wait_for_load_state("networkidle")
    assert len([url for url in asked if f"/film/{code}/" in url]) == 2
    press(pairs, "1", "Enter")
    film_is_shown(pairs, "Pair 2")
    assert len([url for url in asked if f"/film/{code}/" in url]) == 2


def test_a_choice_under_way_survives_a_reload(pairs: Page) -> None:
    pairs.route(ANSWERS, lambda route: route.abort())
    press(pairs, "2", "Enter")
    expect(pairs.locator("#status")).to_contain_text("cannot be reached")
    assert chosen() == []
    pairs.unroute(ANSWERS)
    pairs.reload()
    film_is_shown(pairs, "Pair 2")
    assert chosen() == ["right"]


def test_two_tabs_store_one_choice(pairs: Page, context: BrowserContext) -> None:
    second = context.new_page()
    second.goto(pairs.url)
    film_is_shown(second, "Pair 1")
    press(pairs, "1", "Enter")
    film_is_shown(pairs, "Pair 2")
    press(second, "2", "Enter")
    film_is_shown(second, "Pair 2")
    expect(second.get_by_role("alert")).to_contain_text("the film on the left")
    assert chosen() == ["left"]


# Practice with feedback


def truth_of(slot: Slot) -> str:
    """Of the film, or of the one on the left."""
    return CaseTruth.objects.get(case=slot.case).radiograph.collection.truth


def test_a_practice_film_is_followed_by_its_truth_and_a_film_of_the_study_is_not(begin: Callable[..., Page]) -> None:
    page = begin(practice_feedback=True)
    truths = [
        CaseTruth.objects.get(case=slot.case).radiograph.collection.truth for slot in slots_of(Reader.objects.get())
    ]
    for number, truth in enumerate(truths[:2], start=1):
        film_is_shown(page, f"Practice film {number}")
        press(page, "3", "Enter")
        expect(page.get_by_role("alert")).to_have_text(f"This film was {truth}.")
        expect(page.get_by_role("button", name="Continue")).to_be_focused()
        # The film that is spoken of is still there, and nothing more can be said of it.
        expect(page.locator("#film")).to_have_attribute("aria-label", f"Practice film {number} of 2")
        expect(page.get_by_role("radio", name="Definitely real")).to_be_disabled()
        press(page, "Enter")
    film_is_shown(page, "Film 1")
    expect(page.get_by_role("alert")).to_have_text("Practice is over. From here on films count.")
    press(page, "3", "Enter")
    film_is_shown(page, "Film 2")
    expect(page.get_by_role("button", name="Continue")).to_be_hidden()


def test_the_synthetic_side_of_a_practice_pair_is_told(begin: Callable[..., Page]) -> None:
    page = begin(question="pairs", practice_feedback=True)
    press(page, "1", "Enter")
    side = "left" if truth_of(first_pair()) == "synthetic" else "right"
    expect(page.get_by_role("alert")).to_have_text(f"The film on the {side} was synthetic.")
    page.get_by_role("button", name="Continue").click()
    film_is_shown(page, "^Pair 1 of 3")
