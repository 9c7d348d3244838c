"""What is asked beside the question: cues, regions, findings and words after it; findings alone in a first phase."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from readerstudy.reading.models import Answer, Remark
from tests.browser.screen import drag, film_is_shown, rate, seen

pytestmark = [pytest.mark.browser]
REMARKS = "**/read/remark/**"
EVERYTHING = {"cues": "film", "regions_asked": True, "findings_asked": True, "remarks_asked": True}


def remark_is_asked(page: Page) -> None:
    expect(page.locator("#status")).to_have_text(
        "Your answer is stored and stays. What you say now is optional; Ctrl+Enter goes on."
    )


def mark_finding(page: Page, finding: str, certainty: str) -> None:
    page.get_by_role("radiogroup", name=finding).get_by_role("radio", name=certainty).check()


@pytest.fixture
def remarking(begin: Callable[..., Page]) -> Page:
    """The first film is rated; everything is asked of it."""
    page = begin(**EVERYTHING)
    rate(page, 5)
    remark_is_asked(page)
    return page


def test_everything_that_is_asked_is_stored(remarking: Page) -> None:
    remarking.get_by_role("checkbox", name="too symmetric").check()
    remarking.get_by_role("checkbox", name="overall impression").check()
    drag(remarking, 60, 80)
    expect(remarking.locator("#marked")).to_have_text("Circles on the film: 1.")
    mark_finding(remarking, "Nodule", "probable")
    mark_finding(remarking, "Pleural Thickening", "possible")
    remarking.get_by_label("In your own words").fill("Ribs end in mid-air.")
    remarking.get_by_role("button", name="Send").click()
    film_is_shown(remarking, "Practice film 2")
    remark = Remark.objects.get()
    assert remark.cues == ["overall", "symmetry"]
    assert remark.findings == {"Nodule": 2, "Pleural_Thickening": 1}
    assert len(remark.regions) == 1
    # The film is as high as the light box; the circle begins in its middle.
    region = remark.regions[0]
    assert (region["x"], region["y"], region["radius"]) == pytest.approx((0.5, 0.5, 100 / 768), abs=0.003)
    assert remark.text == "Ribs end in mid-air."
    assert 0 < remark.milliseconds < 60_000
    assert Answer.objects.get().rating == 5


def test_nothing_need_be_said_and_the_button_says_so(remarking: Page) -> None:
    remarking.get_by_role("checkbox", name="heart border").check()
    expect(remarking.get_by_role("button", name="Send")).to_be_enabled()
    remarking.get_by_role("checkbox", name="heart border").uncheck()
    remarking.get_by_role("button", name="Nothing to add").click()
    film_is_shown(remarking, "Practice film 2")
    remark = Remark.objects.get()
    assert (remark.cues, remark.findings, remark.regions, remark.text) == ([], {}, [], "")


def test_the_film_stays_as_it_is_seen_while_more_is_asked(begin: Callable[..., Page]) -> None:
    page = begin(**EVERYTHING)
    for key in ("i", "+", "Shift+ArrowLeft"):
        page.keyboard.press(key)
    before = seen(page)
    rate(page, 2)
    remark_is_asked(page)
    assert seen(page) == before
    expect(page.locator("#turned")).to_have_text("inverted")


def test_by_keys_alone(begin: Callable[..., Page]) -> None:
    page = begin(cues="film", findings_asked=True)
    rate(page, 6)
    expect(page.get_by_role("checkbox", name="side markers")).to_be_focused()
    # Down two lines and tick; Enter sends nothing. Then to the first line of findings, and two steps to the right.
    for key in ("ArrowDown", "ArrowDown", "Space", "Enter", *["ArrowDown"] * 13, "ArrowRight", "ArrowRight"):
        page.keyboard.press(key)
    assert Remark.objects.count() == 0
    page.keyboard.press("Control+Enter")
    film_is_shown(page, "Practice film 2")
    assert Remark.objects.get().cues == ["symmetry"]
    assert Remark.objects.get().findings == {"Atelectasis": 2}
    rate(page, 6)
    remark_is_asked(page)
    page.keyboard.press("Control+Enter")
    film_is_shown(page, "Film 1")
    assert Remark.objects.latest("pk").cues == []


def test_two_enters_in_a_row_rate_and_send_nothing(begin: Callable[..., Page]) -> None:
    page = begin(cues="film")
    page.keyboard.press("3")
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    remark_is_asked(page)
    page.keyboard.press("Enter")
    page.locator("#film").focus()
    page.keyboard.press("Enter")
    remark_is_asked(page)
    assert Remark.objects.count() == 0


def test_letters_and_digits_are_text_where_text_is_written(remarking: Page) -> None:
    before = seen(remarking)
    remarking.get_by_label("In your own words").press_sequentially("hi? 8 +, u n f")
    remarking.keyboard.press("Enter")
    remarking.keyboard.press("Backspace")
    assert seen(remarking) == before
    expect(remarking.locator("#turned")).to_be_hidden()
    expect(remarking.get_by_role("dialog")).to_be_hidden()
    remarking.keyboard.press("Control+Enter")
    film_is_shown(remarking, "Practice film 2")
    assert Remark.objects.get().text == "hi? 8 +, u n f"


def test_circles_are_marked_by_keys_and_taken_away(remarking: Page) -> None:
    film, marked = remarking.locator("#film"), remarking.locator("#marked")
    film.focus()
    remarking.keyboard.press("a")
    remarking.keyboard.press("Shift+ArrowRight")
    remarking.keyboard.press("a")
    expect(marked).to_have_text("Circles on the film: 2.")
    remarking.keyboard.press("Backspace")
    expect(marked).to_have_text("Circles on the film: 1.")
    remarking.get_by_role("button", name="Take the last one away").click()
    expect(marked).to_have_text("Circles on the film: 0.")
    expect(remarking.get_by_role("button", name="Nothing to add")).to_be_visible()


def test_no_finding_and_findings_exclude_each_other(remarking: Page) -> None:
    none = remarking.get_by_role("checkbox", name="No finding")
    mark_finding(remarking, "Mass", "definite")
    none.check()
    expect(remarking.get_by_role("radiogroup", name="Mass").get_by_role("radio", name="none")).to_be_checked()
    mark_finding(remarking, "Edema", "possible")
    expect(none).not_to_be_checked()
    # A key pressed by mistake takes back nothing that was found.
    remarking.keyboard.press("n")
    expect(none).not_to_be_checked()
    none.check()
    remarking.keyboard.press("Control+Enter")
    film_is_shown(remarking, "Practice film 2")
    assert Remark.objects.get().findings == {"No Finding": 3}


def test_a_reload_before_sending_asks_again_and_not_for_the_rating(remarking: Page) -> None:
    remarking.reload()
    remark_is_asked(remarking)
    expect(remarking.get_by_role("radio", name="Definitely real")).to_be_hidden()
    remarking.keyboard.press("Control+Enter")
    film_is_shown(remarking, "Practice film 2")
    assert Answer.objects.count() == Remark.objects.count() == 1


def test_a_remark_under_way_survives_a_reload(remarking: Page) -> None:
    remarking.route(REMARKS, lambda route: route.abort())
    remarking.get_by_role("checkbox", name="ribs").check()
    remarking.keyboard.press("Control+Enter")
    expect(remarking.locator("#status")).to_contain_text("cannot be reached")
    assert Remark.objects.count() == 0
    remarking.unroute(REMARKS)
    remarking.reload()
    film_is_shown(remarking, "Practice film 2")
    assert Remark.objects.get().cues == ["ribs"]
    assert remarking.evaluate("() => Object.keys(localStorage)") == []


def test_a_lost_reply_to_a_remark_doubles_nothing(remarking: Page) -> None:
    remarking.route(REMARKS, lambda route: (route.fetch(), route.abort()), times=1)
    remarking.keyboard.press("Control+Enter")
    film_is_shown(remarking, "Practice film 2")
    assert Remark.objects.count() == 1


def test_off_line_and_back_with_a_remark(remarking: Page, context: BrowserContext) -> None:
    context.set_offline(True)
    remarking.keyboard.press("Control+Enter")
    expect(remarking.locator("#status")).to_contain_text("cannot be reached")
    context.set_offline(False)
    film_is_shown(remarking, "Practice film 2")
    assert Remark.objects.count() == 1


def test_two_tabs_store_one_remark_and_the_second_is_told(remarking: Page, context: BrowserContext) -> None:
    second = context.new_page()
    second.goto(remarking.url)
    remark_is_asked(second)
    remarking.get_by_role("checkbox", name="ribs").check()
    remarking.keyboard.press("Control+Enter")
    film_is_shown(remarking, "Practice film 2")
    second.keyboard.press("Control+Enter")
    film_is_shown(second, "Practice film 2")
    expect(second.get_by_role("alert")).to_contain_text("that stands")
    assert Remark.objects.get().cues == ["ribs"]


# A purpose-blind phase


@pytest.fixture
def blind(begin: Callable[..., Page]) -> Page:
    return begin(purpose_blind_films=2, ethics_reference="EC 1/2026")


def test_findings_alone_are_asked_first_and_are_needed(blind: Page) -> None:
    film_is_shown(blind, "Film 1 of 2")
    blind.keyboard.press("Enter")
    expect(blind.locator("#status")).to_have_text("Choose findings, or that there is none.")
    expect(blind.get_by_role("button", name="Confirm")).to_be_disabled()
    blind.keyboard.press("n")
    blind.keyboard.press("Enter")
    film_is_shown(blind, "Film 2 of 2")
    mark_finding(blind, "Cardiomegaly", "definite")
    expect(blind.locator("#status")).to_have_text("Ctrl+Enter confirms what you chose.")
    # A letter that was meant for the text takes no finding back.
    blind.keyboard.press("n")
    blind.get_by_label("In your own words").fill("Pacemaker.")
    blind.keyboard.press("Control+Enter")
    blind.wait_for_url("**/read/")
    first, second = Remark.objects.order_by("pk")
    assert (first.findings, first.text) == ({"No Finding": 3}, "")
    assert (second.findings, second.text) == ({"Cardiomegaly": 3}, "Pacemaker.")
    assert Answer.objects.count() == 0


def test_findings_under_way_survive_a_reload(blind: Page) -> None:
    blind.route(REMARKS, lambda route: route.abort())
    blind.keyboard.press("n")
    blind.keyboard.press("Enter")
    expect(blind.locator("#status")).to_contain_text("cannot be reached")
    blind.unroute(REMARKS)
    blind.reload()
    film_is_shown(blind, "Film 2 of 2")
    assert Remark.objects.get().findings == {"No Finding": 3}


def test_the_page_of_that_phase_has_no_form_and_no_words_of_the_question(blind: Page) -> None:
    page = blind.content().lower()
    for word in ("synthetic", "generated", "artificial", "fake", "real", "rating", "cue"):
        assert f" {word}" not in page
    expect(blind.locator("#answer")).to_have_count(0)


def test_before_pairs_the_films_of_that_phase_come_one_at_a_time(begin: Callable[..., Page]) -> None:
    page = begin(purpose_blind_films=2, ethics_reference="EC 1/2026", question="pairs")
    film_is_shown(page, "Film 1 of 2")
    expect(page.locator("canvas#film-right")).to_have_count(0)
    page.keyboard.press("n")
    page.keyboard.press("Enter")
    film_is_shown(page, "Film 2 of 2")
