"""The review of an archive in a real browser: the keyboard, what is stored and said, who sees or moves otherwise."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.conf import settings
from django.test import Client
from playwright.sync_api import Browser, Page, expect
from pytest_django.live_server_helper import LiveServer

from readerstudy.steering.models import FilmReview, LabelledArchive
from tests.browser.test_pages import faults
from tests.reading.room import open_study
from tests.steering.archives import films_of, make_archive, make_reviewer

pytestmark = [pytest.mark.browser]

SCREENS = [(1366, 768), (820, 1180)]


@pytest.fixture
def archive(transactional_db: None, tmp_path: Path) -> LabelledArchive:
    return make_archive(tmp_path, {"Effusion": 14, "Pneumothorax": 3}, side=64)


@pytest.fixture
def reviewing(archive: LabelledArchive, page: Page, live_server: LiveServer) -> Page:
    """A reviewer before the list of archives."""
    sign_in(page, live_server)
    page.set_viewport_size({"width": 1366, "height": 768})
    page.goto(f"{live_server.url}/review/")
    return page


def sign_in(page: Page, live_server: LiveServer) -> None:
    client = Client()
    client.force_login(make_reviewer())
    session = client.cookies[settings.SESSION_COOKIE_NAME].value
    page.context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": session, "url": live_server.url}])


def open_goal(page: Page, name: str) -> None:
    """Open the grid of a goal, and wait until its script listens."""
    page.get_by_role("link", name=name, exact=True).click()
    scripted(page)


def scripted(page: Page) -> None:
    expect(page.locator('.film > a[tabindex="0"]')).to_have_count(1, timeout=15_000)


def stored() -> list[tuple[int, str, bool | None]]:
    return list(FilmReview.objects.order_by("id").values_list("film__seed", "verdict", "tubes"))


def test_a_radiologist_reviews_by_the_keyboard_alone(reviewing: Page) -> None:
    open_goal(reviewing, "Effusion")
    keyboard, status = reviewing.keyboard, reviewing.get_by_role("status")
    # No film has the focus yet, so that none is judged unseen.
    keyboard.press("p")
    keyboard.press("ArrowRight")
    expect(reviewing.get_by_role("link", name="Film 1", exact=True)).to_be_focused()
    keyboard.press("p")
    expect(status).to_have_text("Film 1: plausible. Stored; you have reviewed 1 of 14 films of this goal.")
    # Two rows of six: one to the right, one down.
    keyboard.press("ArrowRight")
    keyboard.press("ArrowDown")
    keyboard.press("i")
    keyboard.press("a")
    expect(status).to_have_text("Film 8: artefact. Stored; you have reviewed 2 of 14 films of this goal.")
    expect(reviewing.locator("#reviewed")).to_have_text("2 of 14 reviewed")
    assert stored() == [(0, "plausible", None), (7, "implausible", None), (7, "artefact", None)]
    keyboard.press("End")
    keyboard.press("ArrowRight")
    keyboard.press("Enter")
    expect(reviewing.get_by_role("link", name="Film 14", exact=True)).to_be_visible()


def test_a_verdict_is_taken_back_and_the_page_remembers_the_rest(reviewing: Page) -> None:
    open_goal(reviewing, "Effusion")
    for key in ("ArrowRight", "p", "ArrowRight", "a", "u"):
        reviewing.keyboard.press(key)
    expect(reviewing.get_by_role("status")).to_contain_text("Film 2: your verdict is taken back. Stored")
    assert [verdict for _seed, verdict, _tubes in stored()] == ["plausible", "artefact", "taken back"]
    reviewing.keyboard.press("u")
    expect(reviewing.get_by_role("status")).to_have_text("Film 2: there is no verdict of yours to take back.")
    reviewing.reload()
    first = reviewing.get_by_role("group", name="Film 1", exact=True)
    expect(first.get_by_role("radio", name="plausible", exact=True)).to_be_checked()
    expect(reviewing.get_by_role("radio", checked=True)).to_have_count(1)


def test_tubes_are_told_before_or_after_the_verdict(reviewing: Page) -> None:
    open_goal(reviewing, "Pneumothorax")
    for key in ("ArrowRight", "t", "p", "t", "ArrowRight", "i"):
        reviewing.keyboard.press(key)
    expect(reviewing.get_by_role("status")).to_contain_text("Film 2: implausible, no tube is seen. Stored")
    assert stored() == [(0, "plausible", True), (0, "plausible", False), (1, "implausible", False)]


def test_after_the_mouse_the_arrows_move_on_and_change_nothing(reviewing: Page) -> None:
    open_goal(reviewing, "Effusion")
    reviewing.get_by_role("group", name="Film 3", exact=True).get_by_role("radio", name="implausible").click()
    expect(reviewing.get_by_role("link", name="Film 3", exact=True)).to_be_focused()
    reviewing.keyboard.press("ArrowRight")
    expect(reviewing.get_by_role("link", name="Film 4", exact=True)).to_be_focused()
    expect(reviewing.get_by_role("status")).to_contain_text("Film 3: implausible.")
    assert stored() == [(2, "implausible", None)]


def test_single_keys_can_be_switched_off(reviewing: Page) -> None:
    open_goal(reviewing, "Effusion")
    reviewing.keyboard.press("?")
    reviewing.get_by_role("checkbox", name="Digits, letters and signs work as keys").uncheck()
    reviewing.keyboard.press("Escape")
    # The browser closes the list in its own time.
    expect(reviewing.locator("#help:not([open])")).to_have_count(1)
    expect(reviewing.locator("#help :focus")).to_have_count(0)
    for key in ("ArrowRight", "p", "?"):
        reviewing.keyboard.press(key)
    expect(reviewing.get_by_role("link", name="Film 1", exact=True)).to_be_focused()
    expect(reviewing.get_by_role("dialog")).to_be_hidden()
    # Another way stays: with Tab to the options.
    reviewing.keyboard.press("Tab")
    reviewing.keyboard.press("Space")
    expect(reviewing.get_by_role("status")).to_contain_text("Film 1: plausible.")
    assert stored() == [(0, "plausible", None)]


def test_what_is_not_stored_is_not_shown_as_said(reviewing: Page) -> None:
    open_goal(reviewing, "Effusion")
    reviewing.route("**/review/film/*/", lambda route: route.abort())
    reviewing.keyboard.press("ArrowRight")
    reviewing.keyboard.press("p")
    expect(reviewing.get_by_role("alert")).to_have_text(
        "Film 1: not stored, because the server cannot be reached. Say it again."
    )
    expect(reviewing.get_by_role("radio", checked=True)).to_have_count(0)
    reviewing.unroute("**/review/film/*/")
    reviewing.context.clear_cookies(name=settings.SESSION_COOKIE_NAME)
    reviewing.keyboard.press("p")
    expect(reviewing.get_by_role("alert")).to_contain_text("no longer signed in")
    assert stored() == []


def test_an_enlarged_film_is_judged_and_left_again(reviewing: Page, archive: LabelledArchive) -> None:
    open_goal(reviewing, "Pneumothorax")
    reviewing.keyboard.press("ArrowRight")
    reviewing.keyboard.press("Enter")
    expect(reviewing.locator("#view")).to_contain_text("Window 65535")
    reviewing.keyboard.press("8")
    expect(reviewing.locator("#view")).not_to_contain_text("Window 65535")
    # The i says implausible here as well.
    reviewing.keyboard.press("i")
    expect(reviewing.get_by_role("status")).to_contain_text("Film 1: implausible, no tube is seen. Stored")
    reviewing.keyboard.press("n")
    expect(reviewing.locator(".flag")).to_have_text("inverted")
    reviewing.keyboard.press("PageDown")
    second = films_of(archive, "Pneumothorax")[1]
    reviewing.wait_for_url(f"**/review/film/{second.pk}/")
    expect(reviewing.locator("#view")).to_contain_text("Window 65535")
    reviewing.keyboard.press("Escape")
    expect(reviewing.get_by_role("link", name="Film 2", exact=True)).to_be_focused()
    assert stored() == [(0, "implausible", False)]


def test_every_page_meets_wcag_aa_as_far_as_axe_can_tell_and_fits(reviewing: Page) -> None:
    def sound() -> None:
        assert faults(reviewing) == ""
        for width, height in SCREENS:
            reviewing.set_viewport_size({"width": width, "height": height})
            assert reviewing.evaluate("document.documentElement.scrollWidth <= window.innerWidth")

    sound()
    open_goal(reviewing, "Pneumothorax")
    for key in ("ArrowRight", "p"):
        reviewing.keyboard.press(key)
    expect(reviewing.get_by_role("status")).to_contain_text("Stored")
    sound()
    reviewing.keyboard.press("?")
    sound()
    reviewing.keyboard.press("Escape")
    reviewing.keyboard.press("Enter")
    expect(reviewing.locator("#view")).to_contain_text("Window")
    sound()
    reviewing.keyboard.press("?")
    sound()


def test_twelve_films_fit_on_a_screen(reviewing: Page) -> None:
    open_goal(reviewing, "Effusion")
    last = reviewing.get_by_role("group", name="Film 12", exact=True).bounding_box()
    assert last
    assert last["y"] + last["height"] <= 768


def test_it_works_without_a_script(archive: LabelledArchive, chromium: Browser, live_server: LiveServer) -> None:
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    sign_in(page, live_server)
    page.goto(f"{live_server.url}/review/{archive.pk}/1/")
    film = page.locator(".film").nth(1)
    film.get_by_role("radio", name="artefact").check()
    film.get_by_label("a tube is seen").check()
    film.get_by_role("button", name="Save").click()
    expect(page.locator(".film").nth(1).get_by_role("radio", name="artefact")).to_be_checked()
    assert stored() == [(1, "artefact", True)]
    page.locator(".film").nth(1).get_by_role("button", name="Take back").click()
    expect(page.get_by_role("radio", checked=True)).to_have_count(0)
    page.locator(".film > a").first.click()
    expect(page.get_by_role("img", name="Film 1", exact=True)).to_be_visible()
    context.close()


def test_whoever_may_be_a_reader_is_warned_first(
    transactional_db: None, page: Page, live_server: LiveServer, tmp_path: Path
) -> None:
    study = open_study(tmp_path)
    arm = study.arms.get(name="synthetic")
    make_archive(tmp_path, {"Effusion": 2}, collection=arm.collection)
    sign_in(page, live_server)
    page.goto(f"{live_server.url}/review/")
    expect(page.get_by_text("is unblinded")).to_be_visible()
    assert faults(page) == ""
    page.get_by_role("button", name="I do not read there").click()
    open_goal(page, "Effusion")
    expect(page.get_by_text("is unblinded")).to_be_visible()
    expect(page.get_by_role("img")).to_have_count(2)
