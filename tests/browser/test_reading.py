"""A reader in a real browser, from the link to the thanks, over a line that fails."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import BrowserContext, Page, Route, expect

from readerstudy.reading.models import Answer
from readerstudy.studies.models import Reader, Slot, Study
from readerstudy.studies.services import close_study, reissue_link, withdraw_film
from tests.browser.films import slots_of
from tests.browser.screen import enter, film_is_shown, rate
from tests.studies.films import ACTOR

pytestmark = [pytest.mark.browser]

ANSWERS = "**/read/answer/**"
FILMS = "**/read/film/**"
NOT_REACHED = "The server cannot be reached. What you said is kept here and sent again."


@pytest.fixture
def reading(page: Page, link: str) -> Page:
    """The first film is shown."""
    enter(page, link)
    return page


def first_slot() -> Slot:
    return slots_of(Reader.objects.get())[0]


def stored() -> list[int]:
    return list(Answer.objects.order_by("id").values_list("rating", flat=True))


def nothing_is_chosen(page: Page) -> None:
    expect(page.get_by_role("radio", checked=True)).to_have_count(0)
    expect(page.locator("#confirm")).to_be_disabled()


def test_every_film_is_rated_by_keyboard_alone(page: Page, link: str) -> None:
    page.goto(link)
    assert re.fullmatch(r"http://[^/]+/read/", page.url)
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    ratings = [1, 2, 3, 4, 5, 6, 1, 6]
    names = [f"Practice film {n} of 2" for n in (1, 2)] + [f"Film {n} of 6" for n in range(1, 7)]
    for name, rating in zip(names, ratings, strict=True):
        film_is_shown(page, name)
        rate(page, rating)
    expect(page.get_by_text("Thank you for reading.")).to_be_visible()
    slots = slots_of(Reader.objects.get())
    assert [slot.answers.get().rating for slot in slots] == ratings
    assert Answer.objects.filter(milliseconds__range=(1, 15_000)).count() == 8


def test_films_are_rated_by_mouse(reading: Page) -> None:
    nothing_is_chosen(reading)
    reading.get_by_role("radio", name="Probably synthetic").check()
    reading.get_by_role("button", name="Confirm").click()
    film_is_shown(reading, "Practice film 2")
    nothing_is_chosen(reading)
    assert stored() == [5]


def test_the_scale_is_reached_by_tab_and_arrows_too(reading: Page) -> None:
    reading.keyboard.press("Tab")
    reading.keyboard.press("Space")
    reading.keyboard.press("ArrowDown")
    reading.keyboard.press("Enter")
    film_is_shown(reading, "Practice film 2")
    assert stored() == [2]


def test_enter_confirms_after_a_button_was_clicked(reading: Page) -> None:
    reading.get_by_role("button", name="Invert").click()
    rate(reading, 4)
    film_is_shown(reading, "Practice film 2")
    reading.get_by_role("button", name="Keys").click()
    reading.get_by_role("button", name="Close").click()
    rate(reading, 2)
    film_is_shown(reading, "Film 1")
    assert stored() == [4, 2]


def test_enter_confirms_a_choice_by_key_while_a_button_has_the_focus(reading: Page) -> None:
    reading.locator("summary").focus()
    rate(reading, 4)
    film_is_shown(reading, "Practice film 2")
    assert stored() == [4]


def test_the_list_of_keys_begins_at_its_top(reading: Page) -> None:
    reading.set_viewport_size({"width": 1366, "height": 500})
    reading.keyboard.press("?")
    expect(reading.get_by_role("heading", name="Mouse and keys")).to_be_in_viewport()
    expect(reading.get_by_role("button", name="Close")).to_be_focused()


def test_no_option_moves_when_the_time_that_is_left_is_told(reading: Page) -> None:
    option = reading.locator(".anchor").first
    before = option.bounding_box()
    told = "Film 23 of 120, about 14 minutes left"
    reading.locator("#progress").evaluate("(progress, told) => (progress.textContent = told)", told)
    # To less than a pixel.
    assert option.bounding_box() == pytest.approx(before, abs=0.5)


def test_a_choice_can_be_changed_until_it_is_confirmed(reading: Page) -> None:
    for key in "264":
        reading.keyboard.press(key)
    expect(reading.locator("#status")).to_have_text("“Possibly synthetic” is chosen. Enter confirms it.")
    reading.keyboard.press("Enter")
    film_is_shown(reading, "Practice film 2")
    assert stored() == [4]


def test_space_does_not_rate_and_enter_wants_a_choice(reading: Page) -> None:
    reading.keyboard.press("Space")
    nothing_is_chosen(reading)
    reading.keyboard.press("Enter")
    expect(reading.locator("#status")).to_have_text("Choose a rating from 1 to 6 first.")
    assert stored() == []


def test_a_film_that_comes_late_cannot_be_rated_before_it_is_drawn(page: Page, link: str) -> None:
    late: list[Route] = []
    page.goto(link)
    page.route(FILMS, lambda route: late.append(route), times=1)
    page.get_by_role("link", name="Begin").click()
    expect(page.locator("#progress")).to_have_text("Practice film 1 of 2")
    rate(page, 6)
    expect(page.get_by_role("radio", name="Definitely synthetic")).to_be_disabled()
    page.wait_for_timeout(2000)
    rate(page, 6)
    expect(page.get_by_role("radio", name="Definitely synthetic")).to_be_disabled()
    [film] = late
    film.continue_()
    film_is_shown(page)
    nothing_is_chosen(page)
    assert stored() == []
    rate(page, 2)
    film_is_shown(page, "Practice film 2")
    assert stored() == [2]
    assert Answer.objects.get().milliseconds < 2000


def test_enter_before_the_first_film_leaves_the_page_and_its_address_alone(page: Page, link: str) -> None:
    page.goto(link)
    page.route(FILMS, lambda route: route.abort())
    page.get_by_role("link", name="Begin").click()
    expect(page.locator("#status")).to_have_text(NOT_REACHED)
    address = page.url
    page.evaluate("() => (window.here = true)")
    for key in ("Enter", "3", "Enter"):
        page.keyboard.press(key)
    page.unroute(FILMS)
    film_is_shown(page, "Practice film 1")
    assert page.url == address
    assert page.evaluate("() => window.here")


def test_a_film_of_the_wrong_length_is_asked_for_again(page: Page, link: str) -> None:
    page.goto(link)
    page.route(FILMS, lambda route: route.fulfill(body="<html>Sign in to the hospital's network.</html>"), times=1)
    page.get_by_role("link", name="Begin").click()
    expect(page.locator("#status")).to_have_text(NOT_REACHED)
    film_is_shown(page)


def test_a_lost_reply_doubles_nothing(reading: Page) -> None:
    replies = []

    def lose(route: Route) -> None:
        replies.append(route.fetch().json())
        route.abort()

    reading.route(ANSWERS, lose, times=1)
    rate(reading, 5)
    expect(reading.locator("#status")).to_have_text(NOT_REACHED)
    film_is_shown(reading, "Practice film 2")
    assert [reply["stored"]["rating"] for reply in replies] == [5]
    assert stored() == [5]


@pytest.mark.parametrize("status", [500, 502, 503])
def test_a_server_in_trouble_is_asked_again(reading: Page, status: int) -> None:
    reading.route(ANSWERS, lambda route: route.fulfill(status=status, body="<html></html>"), times=1)
    rate(reading, 5)
    film_is_shown(reading, "Practice film 2")
    assert stored() == [5]


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, "<html>Sign in to the hospital's network.</html>"),
        (200, '{"ok": true}'),
        (400, "<html>Bad request, says the proxy.</html>"),
        (403, "<html>Forbidden, says the proxy.</html>"),
        (404, "<html>Nothing here, says the proxy.</html>"),
        (409, '{"message": "Conflict, says the proxy."}'),
        (409, "null"),
    ],
)
def test_an_answer_is_kept_and_sent_again_where_somebody_else_replied(reading: Page, status: int, body: str) -> None:
    kind = "text/html" if body.startswith("<") else "application/json"
    reading.route(ANSWERS, lambda route: route.fulfill(status=status, body=body, content_type=kind))
    rate(reading, 5)
    expect(reading.locator("#status")).to_have_text(NOT_REACHED)
    assert reading.evaluate("() => Object.keys(localStorage).length") == 1
    assert stored() == []
    reading.unroute(ANSWERS)
    film_is_shown(reading, "Practice film 2")
    assert stored() == [5]
    assert reading.evaluate("() => Object.keys(localStorage)") == []


def test_off_line_and_back(reading: Page, context: BrowserContext) -> None:
    context.set_offline(True)
    rate(reading, 1)
    expect(reading.locator("#status")).to_have_text(NOT_REACHED)
    reading.keyboard.press("6")
    reading.keyboard.press("Enter")
    assert stored() == []
    context.set_offline(False)
    film_is_shown(reading, "Practice film 2")
    assert stored() == [1]
    rate(reading, 2)
    film_is_shown(reading, "Film 1")
    assert stored() == [1, 2]


def test_an_answer_under_way_survives_a_reload(reading: Page) -> None:
    reading.route(ANSWERS, lambda route: route.abort())
    rate(reading, 6)
    expect(reading.locator("#status")).to_have_text(NOT_REACHED)
    assert stored() == []
    reading.unroute(ANSWERS)
    reading.reload()
    film_is_shown(reading, "Practice film 2")
    assert stored() == [6]
    assert reading.evaluate("() => Object.keys(localStorage)") == []


def test_a_reload_before_confirming_starts_the_film_anew(reading: Page) -> None:
    reading.keyboard.press("4")
    reading.reload()
    film_is_shown(reading, "Practice film 1")
    nothing_is_chosen(reading)
    assert stored() == []


def test_two_tabs_store_one_answer_and_the_second_is_told(reading: Page, context: BrowserContext, link: str) -> None:
    second = context.new_page()
    enter(second, link)
    rate(reading, 5)
    film_is_shown(reading, "Practice film 2")
    rate(second, 2)
    film_is_shown(second, "Practice film 2")
    expect(second.get_by_role("alert")).to_have_text(
        "This film has been rated already, as “Probably synthetic”; that rating stands."
    )
    second.keyboard.press("1")
    expect(second.get_by_role("alert")).to_have_text("")
    assert stored() == [5]


def test_a_film_withdrawn_under_the_readers_eyes_is_passed_over(reading: Page) -> None:
    withdraw_film(case=first_slot().case, reason="A name is burnt in.", actor=ACTOR)
    rate(reading, 3)
    film_is_shown(reading, "Practice film 1 of 1")
    expect(reading.get_by_role("alert")).to_have_text("This film is not the next one to rate.")
    assert stored() == []


def test_a_damaged_film_is_told_once_and_the_reader_goes_on_when_it_is_withdrawn(page: Page, link: str) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    damaged = slots_of(Reader.objects.get())[1]
    damaged.case.path.write_bytes(b"\0" * damaged.case.path.stat().st_size)
    enter(page, link)
    rate(page, 3)
    expect(page.get_by_role("alert")).to_have_text(re.compile("This film cannot be shown. Report it"))
    expect(page.locator("#status")).to_have_text("")
    rate(page, 6)
    expect(page.get_by_role("radio", name="Definitely synthetic")).to_be_disabled()
    assert len([url for url in asked if damaged.code in url]) == 1
    withdraw_film(case=damaged.case, reason="The file is damaged.", actor=ACTOR)
    enter(page, link)
    film_is_shown(page, "Film 1")
    expect(page.get_by_role("alert")).to_have_text("")
    assert stored() == [3]


def test_the_back_button_leads_to_the_start_and_forward_to_the_current_film(reading: Page) -> None:
    rate(reading, 3)
    film_is_shown(reading, "Practice film 2")
    reading.go_back()
    expect(reading.get_by_role("link", name="Continue")).to_be_visible()
    reading.go_forward()
    film_is_shown(reading, "Practice film 2")
    rate(reading, 4)
    film_is_shown(reading, "Film 1")
    assert stored() == [3, 4]


def test_a_double_click_confirms_once(reading: Page) -> None:
    reading.keyboard.press("3")
    reading.get_by_role("button", name="Confirm").dblclick()
    film_is_shown(reading, "Practice film 2")
    nothing_is_chosen(reading)
    assert stored() == [3]


def test_keys_held_down_rate_once(reading: Page) -> None:
    reading.keyboard.down("3")
    for _ in range(3):
        reading.keyboard.down("Enter")
    film_is_shown(reading, "Practice film 2")
    for key in ("3", "Enter"):
        reading.keyboard.down(key)
    nothing_is_chosen(reading)
    assert stored() == [3]


def test_the_next_film_is_there_before_its_turn(reading: Page) -> None:
    ahead = slots_of(Reader.objects.get())[1].code
    asked: list[str] = []
    reading.on("request", lambda request: asked.append(request.url))
    reading.wait_for_timeout(300)
    rate(reading, 3)
    film_is_shown(reading, "Practice film 2")
    assert not [url for url in asked if f"/film/{ahead}/" in url]


def test_a_closed_study_is_said_to_be_closed(reading: Page, study: Study) -> None:
    close_study(study=study, actor=ACTOR)
    rate(reading, 3)
    expect(reading.get_by_text("This study is closed.")).to_be_visible()
    assert stored() == []


def test_an_answer_waits_for_the_new_link_when_the_session_ends(reading: Page) -> None:
    token = reissue_link(reader=Reader.objects.get(), actor=ACTOR)
    rate(reading, 6)
    expect(reading.get_by_role("alert")).to_have_text(
        "Your session has ended. Open your personal link again; what you said is kept."
    )
    assert stored() == []
    reading.goto(reading.url.replace("room/", f"{token}/"))
    reading.get_by_role("link", name="Begin").click()
    film_is_shown(reading, "Practice film 2")
    assert stored() == [6]


def test_what_another_reader_left_in_the_browser_stays_theirs(reading: Page) -> None:
    left = '{"kind":"answer","said":{"code":"AAAAAAAAAAAAAAAAAAAAAA","rating":6,"milliseconds":1}}'
    reading.evaluate("(left) => localStorage.setItem('readerstudy.kept.answer.AAAAAAAAAAAAAAAAAAAAAA.1', left)", left)
    reading.reload()
    film_is_shown(reading, "Practice film 1")
    assert stored() == []
    assert reading.evaluate("() => localStorage.length") == 1


def test_the_reader_is_told_when_practice_is_over(reading: Page) -> None:
    notice = reading.get_by_role("alert")
    for rating, name in ((1, "Practice film 2"), (2, "Film 1")):
        expect(notice).to_have_text("")
        rate(reading, rating)
        film_is_shown(reading, name)
    expect(notice).to_have_text("Practice is over. From here on films count.")
    rate(reading, 3)
    film_is_shown(reading, "Film 2")
    expect(notice).to_have_text("")
