"""Between films: a slip is mended, a film is reported, eyes rest; and how long a film was looked at."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from readerstudy.reading.models import Answer, FilmReport
from readerstudy.studies.models import Reader
from tests.browser.bench import open_bench
from tests.browser.films import slots_of
from tests.browser.screen import drag, film_is_shown, rate

pytestmark = [pytest.mark.browser]
ANSWERS = "**/read/answer/**"
REPORTS = "**/read/report/**"
REPORTED = "Your report is stored, and the film is passed over."


def stored() -> list[tuple[int, int | None]]:
    """Revision and rating of each row, in the order in which they came."""
    return list(Answer.objects.order_by("id").values_list("revision", "rating"))


# Slips


@pytest.fixture
def slipping(begin: Callable[..., Page]) -> Page:
    """The first film is rated, and its rating can be amended for a minute."""
    page = begin(amend_seconds=60)
    expect(page.locator("#slip")).to_be_hidden()
    rate(page, 1)
    film_is_shown(page, "Practice film 2")
    return page


def test_the_last_answer_is_changed_and_the_current_film_comes_back(slipping: Page) -> None:
    expect(slipping.get_by_role("button", name=re.compile(r"Change the last answer \(u\), \d\d"))).to_be_visible()
    slipping.keyboard.press("u")
    film_is_shown(slipping, "The last film")
    expect(slipping.locator("#progress")).to_have_text("The last film again")
    expect(slipping.get_by_role("radio", checked=True)).to_have_count(0)
    rate(slipping, 6)
    film_is_shown(slipping, "Practice film 2")
    rate(slipping, 3)
    film_is_shown(slipping, "Film 1")
    assert stored() == [(1, 1), (2, 6), (1, 3)]
    first, second = slots_of(Reader.objects.get())[:2]
    assert [answer.rating for answer in first.answers.order_by("revision")] == [1, 6]
    assert second.answers.get().rating == 3


def test_it_can_be_changed_by_mouse_and_again_and_after_a_reload(slipping: Page) -> None:
    for rating in (2, 3):
        slipping.get_by_role("button", name="Change the last answer").click()
        film_is_shown(slipping, "The last film")
        rate(slipping, rating)
        film_is_shown(slipping, "Practice film 2")
        slipping.reload()
        film_is_shown(slipping, "Practice film 2")
    assert stored() == [(1, 1), (2, 2), (3, 3)]


def test_it_can_be_left_as_it_was(slipping: Page) -> None:
    for leave in ("u", "u"):
        slipping.keyboard.press("u")
        film_is_shown(slipping, "The last film")
        slipping.keyboard.press(leave)
        film_is_shown(slipping, "Practice film 2")
    assert stored() == [(1, 1)]


def test_the_time_of_a_film_goes_on_where_a_slip_interrupted_it(slipping: Page) -> None:
    drag(slipping, 40, 0)
    slipping.wait_for_timeout(300)
    slipping.keyboard.press("u")
    film_is_shown(slipping, "The last film")
    rate(slipping, 6)
    film_is_shown(slipping, "Practice film 2")
    drag(slipping, 40, 0)
    rate(slipping, 3)
    film_is_shown(slipping, "Film 1")
    current = slots_of(Reader.objects.get())[1].answers.get()
    assert current.window_uses == 2
    assert current.milliseconds >= 300


def test_the_offer_ends_with_the_time_for_it(begin: Callable[..., Page]) -> None:
    page = begin(amend_seconds=4)
    rate(page, 1)
    film_is_shown(page, "Practice film 2")
    page.keyboard.press("u")
    film_is_shown(page, "The last film")
    # The time runs out while the last film is shown.
    film_is_shown(page, "Practice film 2")
    expect(page.get_by_role("alert")).to_have_text("The last answer can be changed no more.")
    expect(page.locator("#slip")).to_be_hidden()
    page.keyboard.press("u")
    rate(page, 2)
    film_is_shown(page, "Film 1")
    assert stored() == [(1, 1), (1, 2)]


def test_where_answers_are_locked_at_once_no_change_is_offered(begin: Callable[..., Page]) -> None:
    page = begin()
    rate(page, 1)
    film_is_shown(page, "Practice film 2")
    expect(page.locator("#slip")).to_be_hidden()
    page.keyboard.press("u")
    film_is_shown(page, "Practice film 2")


def test_a_change_under_way_survives_a_reload(slipping: Page) -> None:
    slipping.keyboard.press("u")
    film_is_shown(slipping, "The last film")
    slipping.route(ANSWERS, lambda route: route.abort())
    rate(slipping, 6)
    expect(slipping.locator("#status")).to_contain_text("cannot be reached")
    slipping.unroute(ANSWERS)
    slipping.reload()
    film_is_shown(slipping, "Practice film 2")
    assert stored() == [(1, 1), (2, 6)]


def test_two_tabs_change_it_once_and_the_second_is_told(slipping: Page, context: BrowserContext) -> None:
    second = context.new_page()
    second.goto(slipping.url)
    film_is_shown(second, "Practice film 2")
    for page in (slipping, second):
        page.keyboard.press("u")
        film_is_shown(page, "The last film")
    rate(slipping, 6)
    film_is_shown(slipping, "Practice film 2")
    rate(second, 4)
    film_is_shown(second, "Practice film 2")
    expect(second.get_by_role("alert")).to_contain_text("that rating stands")
    assert stored() == [(1, 1), (2, 6)]


# Reports


@pytest.mark.parametrize(
    ("words", "kind"), [("It is not displayed properly", "not_displayed"), ("It shows a name or a date", "shows_name")]
)
def test_a_film_is_reported_and_the_reader_goes_on(begin: Callable[..., Page], words: str, kind: str) -> None:
    page = begin()
    page.get_by_text("Report this film").focus()
    page.keyboard.press("Enter")
    page.get_by_role("button", name=words).focus()
    page.keyboard.press("Enter")
    film_is_shown(page, "Practice film 1 of 1")
    expect(page.get_by_role("alert")).to_have_text(REPORTED)
    assert FilmReport.objects.get().kind == kind
    assert FilmReport.objects.get().slot == slots_of(Reader.objects.get())[0]
    expect(page.get_by_role("button", name=words)).to_be_hidden()
    rate(page, 2)
    film_is_shown(page, "Film 1")
    assert stored() == [(1, 2)]


def test_escape_folds_the_report_up_again(begin: Callable[..., Page]) -> None:
    page = begin()
    page.get_by_text("Report this film").click()
    button = page.get_by_role("button", name="It shows a name")
    button.focus()
    page.keyboard.press("Escape")
    expect(button).to_be_hidden()
    expect(page.locator("summary")).to_be_focused()


def test_a_film_that_cannot_be_shown_is_reported_and_the_reader_goes_on(begin: Callable[..., Page]) -> None:
    page = begin()
    damaged = slots_of(Reader.objects.get())[1]
    damaged.case.path.write_bytes(b"\0" * damaged.case.path.stat().st_size)
    page.reload()
    film_is_shown(page)
    rate(page, 3)
    expect(page.get_by_role("alert")).to_have_text(re.compile("This film cannot be shown. Report it"))
    expect(page.get_by_role("radio", name="Definitely real")).to_be_disabled()
    page.get_by_role("button", name="It is not displayed properly").click()
    film_is_shown(page, "Film 1")
    expect(page.get_by_role("alert")).to_have_text(f"{REPORTED} Practice is over. From here on films count.")
    assert FilmReport.objects.get().slot == damaged


def test_a_report_under_way_survives_a_reload(begin: Callable[..., Page]) -> None:
    page = begin()
    page.route(REPORTS, lambda route: route.abort())
    page.get_by_text("Report this film").click()
    page.get_by_role("button", name="It shows a name").click()
    expect(page.locator("#status")).to_contain_text("cannot be reached")
    page.unroute(REPORTS)
    page.reload()
    film_is_shown(page, "Practice film 1 of 1")
    assert FilmReport.objects.get().kind == "shows_name"


# Pauses


def test_after_a_block_the_eyes_rest_and_the_rest_is_not_counted(begin: Callable[..., Page]) -> None:
    page = begin(block_films=2, practice_films=0, amend_seconds=60)
    pause = page.get_by_role("dialog")
    for number in (1, 2):
        film_is_shown(page, f"Film {number}")
        expect(pause).to_be_hidden()
        rate(page, 2)
    words = "You have read 2 films. Rest your eyes for a moment."
    expect(pause).to_contain_text(words)
    page.reload()
    expect(pause).to_contain_text(words)
    # A slip can be mended now too.
    page.keyboard.press("u")
    film_is_shown(page, "The last film")
    rate(page, 5)
    expect(pause).to_contain_text(words)
    page.keyboard.press("3")
    expect(page.get_by_role("radio", checked=True)).to_have_count(0)
    page.wait_for_timeout(1000)
    page.keyboard.press("Enter")
    film_is_shown(page, "Film 3")
    rate(page, 4)
    film_is_shown(page, "Film 4")
    assert stored() == [(1, 2), (1, 2), (2, 5), (1, 4)]
    assert Answer.objects.latest("pk").milliseconds < 1000


# Progress


def test_the_time_that_is_left_is_told_once_there_is_a_pace(begin: Callable[..., Page]) -> None:
    page = begin(practice_films=0)
    for number in range(1, 6):
        film_is_shown(page, f"Film {number}")
        expect(page.locator("#progress")).to_have_text(f"Film {number} of 6")
        rate(page, 2)
    expect(page.locator("#progress")).to_have_text("Film 6 of 6, about 1 minute left")


# Attention


def test_time_at_work_leaves_out_a_hidden_page_and_idle_hands(page: Page) -> None:
    page.clock.install()
    open_bench(page)
    page.clock.pause_at("2100-01-01T00:00:00")
    page.evaluate("""async () => {
        const { Attention } = await import("./reading/attention.js");
        window.attention = new Attention();
        window.hide = (hidden) => {
            Object.defineProperty(document, "hidden", { value: hidden, configurable: true });
            document.dispatchEvent(new Event("visibilitychange"));
        };
        attention.start();
    }""")

    def after(seconds: int) -> None:
        page.clock.run_for(1000 * seconds)

    # Ten seconds at work, then idle for a hundred, of which thirty count.
    after(10)
    page.mouse.move(50, 50)
    after(100)
    page.keyboard.press("Shift")
    # Five at work, sixty hidden, five at work, and a slip of 20 in between that is not this film's time.
    after(5)
    page.evaluate("() => hide(true)")
    after(60)
    page.evaluate("() => hide(false)")
    after(5)
    page.evaluate("() => attention.stop({ window: 1, zoom: 2, pan: 3 })")
    after(20)
    page.evaluate("() => attention.start()")
    after(2)
    page.evaluate("() => attention.stop({ window: 1, zoom: 0, pan: 0 })")
    counted = page.evaluate("() => [attention.milliseconds, attention.activeMilliseconds, attention.uses]")
    assert counted == [182_000, 52_000, {"window_uses": 2, "zoom_uses": 2, "pan_uses": 3}]


def test_uses_and_time_at_work_are_sent_with_the_answer(begin: Callable[..., Page]) -> None:
    page = begin()
    drag(page, 40, 0)
    for key in ("+", "+", "8", "Control+ArrowUp"):
        page.keyboard.press(key)
    rate(page, 2)
    film_is_shown(page, "Practice film 2")
    answer = Answer.objects.get()
    assert (answer.window_uses, answer.zoom_uses, answer.pan_uses) == (2, 2, 1)
    assert 0 < answer.active_milliseconds <= answer.milliseconds
