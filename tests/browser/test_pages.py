"""Pages on different screens, and for readers who see or move otherwise."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.browser.screen import enter, film_is_shown, light_box, rate

pytestmark = [pytest.mark.browser]

SCREENS = [(1366, 768), (1536, 2048), (1920, 1080), (820, 1180), (390, 844)]
WCAG = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]}


def faults(page: Page) -> str:
    results = Axe().run(page, options=WCAG)
    return results.generate_report() if results.violations_count else ""


@pytest.mark.parametrize(("width", "height"), SCREENS)
def test_film_scale_and_buttons_fit_on_the_screen(page: Page, link: str, width: int, height: int) -> None:
    page.set_viewport_size({"width": width, "height": height})
    enter(page, link)
    for element in page.locator("#film, .anchor, #confirm, .tools button, #view").all():
        box = element.bounding_box()
        assert box
        assert box["x"] >= 0
        assert box["y"] >= 0
        assert box["x"] + box["width"] <= width
        assert box["y"] + box["height"] <= height
    for target in page.locator(".anchor, #confirm, .tools button").all():
        box = target.bounding_box()
        assert box
        assert box["height"] >= 44
    # The film takes the whole short side, or nearly all of it.
    film = page.locator("#film").bounding_box()
    assert film
    assert min(film["width"], film["height"]) >= 0.9 * min(width, height, height - 330 if width < 700 else height)


def test_every_page_meets_wcag_aa_as_far_as_axe_can_tell(page: Page, link: str) -> None:
    page.goto(link)
    assert faults(page) == ""
    page.get_by_role("link", name="Begin").click()
    film_is_shown(page)
    assert faults(page) == ""
    page.keyboard.press("4")
    page.keyboard.press("h")
    assert faults(page) == ""
    page.get_by_text("Report this film").click()
    assert faults(page) == ""
    page.get_by_text("Report this film").click()
    page.locator("#film").focus()
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_be_visible()
    assert faults(page) == ""
    page.keyboard.press("Escape")
    rate(page, 3)
    for _ in range(7):
        film_is_shown(page)
        rate(page, 3)
    expect(page.get_by_text("Thank you")).to_be_visible()
    assert faults(page) == ""


EVERYTHING = {"cues": "film", "regions_asked": True, "findings_asked": True, "remarks_asked": True}
BLIND = {"purpose_blind_films": 2, "ethics_reference": "EC 1/2026"}
# Each design with the keys that lead through its states.
DESIGNS = {
    "confidence": ({"question": "confidence"}, ["2", "1"]),
    "pairs": ({"question": "pairs", "cues": "film"}, ["2", "Enter", "Space"]),
    "remarks": (EVERYTHING, ["4", "Enter", "Space"]),
    "purpose-blind": (BLIND, ["n"]),
    "feedback": ({"practice_feedback": True}, ["4", "Enter"]),
    "pause": ({"practice_films": 0, "block_films": 1, "amend_seconds": 60}, ["4", "Enter", "Enter", "u"]),
}


@pytest.mark.parametrize("design", DESIGNS)
def test_every_state_of_each_design_meets_wcag_aa_and_fits(begin: Callable[..., Page], design: str) -> None:
    plan, keys = DESIGNS[design]
    page = begin(**plan)
    for key in ["", *keys]:
        if key:
            page.keyboard.press(key)
            page.wait_for_load_state("networkidle")
        assert faults(page) == ""
        for width, height in SCREENS[:2]:
            page.set_viewport_size({"width": width, "height": height})
            assert outside(page, width, height) == []
            expect(page.locator("#notice")).not_to_contain_text("stopped")


def outside(page: Page, width: int, height: int) -> list[str]:
    """What a reader would have to scroll for: films, options, the buttons that go on."""
    found = page.locator("canvas:not(.sheet), .anchor, .confirm, .tools button, #slip, #feedback button, #pause").all()
    boxes = [(one, box) for one in found if (box := one.bounding_box())]
    return [
        str(one)
        for one, box in boxes
        if min(box["x"], box["y"]) < 0 or box["x"] + box["width"] > width or box["y"] + box["height"] > height
    ]


def test_the_room_is_dark_before_and_between_films(page: Page, link: str) -> None:
    page.goto(link)
    page.route("**/read/film/**", lambda route: route.abort())
    page.get_by_role("link", name="Begin").click()
    expect(page.locator("#status")).to_contain_text("cannot be reached")
    assert light_box(page).max() == 0
    ground = page.evaluate("() => getComputedStyle(document.documentElement).backgroundColor")
    assert ground == "rgb(0, 0, 0)"


@pytest.mark.parametrize(("width", "height"), SCREENS[:2])
def test_no_film_moves_by_what_is_said_beside_it(begin: Callable[..., Page], width: int, height: int) -> None:
    page = begin(amend_seconds=60)
    page.set_viewport_size({"width": width, "height": height})
    place = page.locator("#film").bounding_box()
    page.evaluate("""() => {
        window.sizes = 0;
        new ResizeObserver(() => window.sizes++).observe(document.getElementById("film"));
    }""")
    for name in ("Practice film 2", "Film 1", "Film 2"):
        page.keyboard.press("h")
        rate(page, 3)
        film_is_shown(page, name)
        assert page.locator("#film").bounding_box() == place
    # Told once, when it began to look.
    assert page.evaluate("() => window.sizes") == 1


def test_every_script_is_fetched_at_once_and_once(page: Page, link: str) -> None:
    enter(page, link)
    fetched = page.evaluate("() => performance.getEntriesByType('resource').map(({ name }) => name)")
    scripts = [name.rsplit("/", 1)[1] for name in fetched if name.endswith(".js")]
    named = page.locator("link[rel=modulepreload]").evaluate_all("links => links.map((link) => link.href)")
    assert sorted(scripts) == sorted([*(name.rsplit("/", 1)[1] for name in named), "room.js"])


def test_nothing_comes_from_another_place(page: Page, link: str) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    enter(page, link)
    origin = link.split("/read/")[0]
    assert asked
    assert [url for url in asked if not url.startswith((origin, "data:"))] == []
