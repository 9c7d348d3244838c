"""Circles that a reader marks on a film: by mouse, finger and keys, over the film and never in it."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from tests.browser.bench import FILM, OPENED, SIDE, open_bench, seen_by
from tests.browser.conftest import SCREEN
from tests.browser.screen import drag, light_box, middle_of, settle, touch

pytestmark = [pytest.mark.browser]
USUAL = 0.04


@pytest.fixture
def marking(page: Page) -> Page:
    """The first of two films is being marked."""
    open_bench(page)
    page.evaluate("() => viewer.startMarking((regions) => (window.told = regions))")
    settle(page)
    return page


@pytest.fixture
def by_touch(chromium: Browser) -> Iterator[Page]:
    context = chromium.new_context(viewport=SCREEN, has_touch=True)
    page = context.new_page()
    open_bench(page)
    page.evaluate("() => viewer.startMarking(() => {})")
    yield page
    context.close()


def regions(page: Page) -> list[tuple[float, float, float]]:
    return [(one["x"], one["y"], one["radius"]) for one in page.evaluate("() => viewer.regions")]


def circles(page: Page) -> list[tuple[float, float, float]]:
    """The circles as they lie on the page: middle, counted from the film's, and radius."""
    settle(page)
    boxes = [box for one in page.locator("circle.light").all() if (box := one.bounding_box())]
    x, y = middle_of(page)
    # The box of a circle holds its line of two pixels or not, by the browser; its middle does not care.
    return [(box["x"] + box["width"] / 2 - x, box["y"] + box["height"] / 2 - y, box["width"] / 2) for box in boxes]


def picture(page: Page, clip: Any) -> Any:
    settle(page)
    return np.asarray(Image.open(io.BytesIO(page.screenshot(clip=clip))).convert("L")).astype(int)


def about(*numbers: float, by: float) -> Any:
    return pytest.approx(numbers, abs=by)


def test_a_drag_marks_a_circle_from_its_middle_to_its_edge(marking: Page) -> None:
    drag(marking, 60, 80, start=(-100, 50))
    expected = about(0.5 - 100 / FILM, 0.5 + 50 / FILM, 100 / FILM, by=0.002)
    assert regions(marking) == [expected]
    assert marking.evaluate("() => [told.length, told[0].radius, viewer.uses.window]") == [
        1,
        regions(marking)[0][2],
        0,
    ]
    assert circles(marking) == [about(-100, 50, 100, by=2)]


def test_a_click_marks_a_small_circle_and_a_double_click_resets_nothing(marking: Page) -> None:
    marking.keyboard.press("i")
    x, y = middle_of(marking)
    marking.mouse.click(x + 200, y - 100)
    assert regions(marking) == [about(0.5 + 200 / FILM, 0.5 - 100 / FILM, USUAL, by=0.002)]
    marking.mouse.dblclick(x, y)
    assert len(regions(marking)) == 3
    assert seen_by(marking)["inverted"]


def test_nothing_is_marked_beside_the_film(marking: Page) -> None:
    x, y = middle_of(marking)
    marking.mouse.click(x, y - 370)
    drag(marking, 0, 50, start=(0, -370))
    assert regions(marking) == []


@pytest.mark.parametrize(
    ("keys", "place"),
    [
        ("h", lambda x, y: (-x, y)),
        ("v", lambda x, y: (x, -y)),
        ("r", lambda x, y: (-y, x)),
        ("l", lambda x, y: (y, -x)),
        ("rh", lambda x, y: (y, x)),
    ],
)
def test_circles_follow_the_film_and_are_marked_where_it_is_turned(marking: Page, keys: str, place: Any) -> None:
    """A turned film carries its circle along; a circle that is marked there afterwards is the same."""
    drag(marking, 30, 40, start=(120, 70))
    for key in keys:
        marking.keyboard.press(key)
    assert circles(marking) == [about(*place(120, 70), 50, by=2)]
    drag(marking, 30, 40, start=place(120, 70))
    first, second = regions(marking)
    assert second == about(*first, by=0.002)


def test_circles_follow_zoom_and_place(marking: Page) -> None:
    drag(marking, 30, 40, start=(100, 60))
    marking.keyboard.press("+")
    assert circles(marking) == [about(125, 75, 62.5, by=2)]
    drag(marking, -40, 30, button="middle")
    assert circles(marking) == [about(85, 105, 62.5, by=2)]


def test_backspace_and_delete_take_the_last_circle_away(marking: Page) -> None:
    for start in ((-100, 0), (0, 0), (100, 0)):
        drag(marking, 30, 40, start=start)
    marking.locator("#film").focus()
    for key, left in (("Backspace", 2), ("Delete", 1), ("Delete", 0), ("Delete", 0)):
        marking.keyboard.press(key)
        assert len(regions(marking)) == len(circles(marking)) == left


def test_arrows_move_a_cross_as_it_is_seen_and_a_marks_a_circle_there(marking: Page) -> None:
    expect(marking.locator(".marks path")).to_have_count(0)
    marking.locator("#film").focus()
    for key in ("r", "ArrowRight", "ArrowLeft", "ArrowRight", "Shift+ArrowUp", "ArrowUp", "ArrowDown", "a"):
        marking.keyboard.press(key)
    # The film lies on its side: right of the screen is up on the film, and up is left.
    assert regions(marking) == [about(0.5 - 1 / 8, 0.5 - 1 / 64, USUAL, by=0.002)]
    assert circles(marking) == [about(FILM / 64, -FILM / 8, USUAL * FILM, by=2)]
    assert seen_by(marking) == {**OPENED, "turned": True}


def test_the_keys_of_marking_work_only_where_the_film_has_the_focus(marking: Page) -> None:
    for key in ("a", "Backspace"):
        marking.keyboard.press(key)
    assert regions(marking) == []


def test_circles_are_seen_on_black_and_on_white(marking: Page) -> None:
    for grey in (0, 65535):
        marking.evaluate("([grey, side]) => show(viewer, Array(side * side).fill(grey), side)", [grey, SIDE])
        drag(marking, 100, 0)
        # Along the circle's lower half, from its middle down: light beside dark, both unlike the film or each other.
        x, y = middle_of(marking)
        clip = {"x": int(x), "y": int(y) + 90, "width": 1, "height": 20}
        greys = picture(marking, clip)
        assert greys.min() == 0
        assert greys.max() > 150
        assert np.ptp(greys) > 150


def test_outside_marking_nothing_is_seen_and_the_hands_do_what_they_did(marking: Page) -> None:
    opened = light_box(marking)
    drag(marking, 60, 80)
    marking.evaluate("() => viewer.stopMarking()")
    assert np.array_equal(light_box(marking), opened)
    assert len(regions(marking)) == 1
    drag(marking, 100, 0)
    assert seen_by(marking)["window"] > 255
    marking.evaluate("() => viewer.startMarking(() => {})")
    assert len(circles(marking)) == 1


def test_the_next_film_has_no_circles_and_no_cross(marking: Page) -> None:
    drag(marking, 60, 80)
    marking.locator("#film").focus()
    marking.keyboard.press("ArrowRight")
    expect(marking.locator(".marks path.light")).to_have_count(1)
    marking.evaluate("([side]) => show(viewer, Array(side * side).fill(9), side)", [SIDE])
    assert regions(marking) == circles(marking) == []
    expect(marking.locator(".marks path")).to_have_count(0)


def test_one_finger_marks_and_two_fingers_zoom_and_leave_no_circle(by_touch: Page) -> None:
    touch(by_touch, [(0, 0), (30, 40), (60, 80)])
    assert regions(by_touch) == [about(0.5, 0.5, 100 / FILM, by=0.002)]
    touch(by_touch, [(-50, 0), (-75, 0), (-100, 0)], [(50, 0), (75, 0), (100, 0)])
    assert len(regions(by_touch)) == 1
    assert circles(by_touch) == [about(0, 0, 200, by=3)]
