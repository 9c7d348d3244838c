"""Two films side by side, and what a viewer says of its use."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page

from tests.browser.bench import OPENED, SIDE, noise, open_bench, seen_by
from tests.browser.conftest import SOFTWARE_GL
from tests.browser.screen import drag, in_the_middle, light_box, middle_of, settle

pytestmark = [pytest.mark.browser]


@pytest.fixture
def bench(page: Page) -> Page:
    open_bench(page)
    return page


@pytest.fixture
def linked(page: Page) -> Page:
    """On a screen of odd width, where one of the light boxes has a pixel less than the other."""
    page.set_viewport_size({"width": 1367, "height": 770})
    open_bench(page, linked=True)
    return page


def uses(page: Page, viewer: str = "viewer") -> Any:
    return page.evaluate(f"() => ({{ ...{viewer}.uses }})")


def wheel(page: Page, *moments: int) -> None:
    """Turn the wheel a little at each of these milliseconds."""
    page.evaluate(
        """(moments) => moments.forEach((timeStamp) => {
            const event = new WheelEvent("wheel", { deltaY: -100, clientX: 341, clientY: 385 });
            viewer.canvas.dispatchEvent(Object.defineProperty(event, "timeStamp", { value: timeStamp }));
        })""",
        list(moments),
    )


def write(page: Page, **key: Any) -> None:
    page.evaluate("(key) => document.body.dispatchEvent(new KeyboardEvent('keydown', key))", key | {"bubbles": True})


# Two films


def test_two_films_lie_side_by_side_and_each_has_hands_of_its_own(bench: Page) -> None:
    for viewer, film in (("other", noise(2)), ("film", noise(1))):
        bench.locator(f"#{viewer}").focus()
        bench.keyboard.press("o")
        assert np.abs(in_the_middle(light_box(bench, viewer), SIDE) - film).max() <= 1
    bench.keyboard.press("i")
    drag(bench, 50, 0)
    assert seen_by(bench)["inverted"]
    assert seen_by(bench, "other") == OPENED | {"zoom": 100}


def test_linked_films_are_seen_alike(linked: Page) -> None:
    drag(linked, 60, -20)
    drag(linked, 30, 40, button="middle")
    wheel(linked, 1000, 1100)
    for key in ("h", "r", "i", "Control+ArrowLeft", "m"):
        linked.keyboard.press(key)
    assert seen_by(linked) != OPENED
    assert seen_by(linked) == seen_by(linked, "other")
    assert linked.evaluate("() => viewer.canvas.width - other.canvas.width") == 1
    assert linked.evaluate("() => viewer.view.centre") == pytest.approx(
        linked.evaluate("() => other.view.centre"), abs=0.1
    )
    linked.locator("#other").focus()
    linked.keyboard.press("Space")
    assert seen_by(linked) == seen_by(linked, "other") == OPENED | {"zoom": 532}


def test_a_linked_film_opens_alike_and_leaves_the_other_alone(linked: Page) -> None:
    linked.keyboard.press("i")
    linked.evaluate("([side]) => show(other, Array(side * side).fill(9), side)", [SIDE])
    assert seen_by(linked)["inverted"]
    assert not seen_by(linked, "other")["inverted"]


@pytest.mark.parametrize("density", [1.25, 1.5])
def test_one_to_one_is_exact_on_a_screen_whose_pixels_are_not_the_pages(
    launch: Callable[[list[str]], Browser], density: float
) -> None:
    browser = launch([*SOFTWARE_GL, f"--force-device-scale-factor={density}"])
    page = browser.new_page(no_viewport=True)
    open_bench(page)
    page.keyboard.press("o")
    settle(page)
    screen = np.asarray(Image.open(io.BytesIO(page.screenshot())).convert("L")).astype(int)
    left, top = page.evaluate("() => viewer.view.origin()")
    # The light box begins one pixel of the page from the corner.
    edge = round(density)
    shown = screen[top + edge :, left + edge :][:SIDE, :SIDE]
    assert page.evaluate("() => devicePixelRatio") == density
    assert np.abs(shown - noise(1)).max() <= 1
    browser.close()


# What is counted


def test_each_drag_each_burst_of_the_wheel_and_each_key_is_one_use(bench: Page) -> None:
    assert uses(bench) == {"window": 0, "zoom": 0, "pan": 0}
    drag(bench, 60, -20)
    drag(bench, 60, 20, button="middle")
    drag(bench, 60, 20, button="right")
    assert uses(bench) == {"window": 1, "zoom": 1, "pan": 1}
    wheel(bench, 1000, 1300, 1600, 2600, 2700)
    assert uses(bench)["zoom"] == 3
    for key in ("ArrowUp", "Shift+ArrowLeft", "8", "+", "=", "o", "m", "Control+ArrowLeft"):
        bench.keyboard.press(key)
    assert uses(bench) == {"window": 4, "zoom": 7, "pan": 2}


def test_a_click_a_turn_and_a_reset_are_no_use(bench: Page) -> None:
    bench.mouse.click(*middle_of(bench))
    for key in ("i", "h", "v", "r", "l", "Space"):
        bench.keyboard.press(key)
    drag(bench, 2, 1)
    assert uses(bench) == {"window": 0, "zoom": 0, "pan": 0}
    assert seen_by(bench) == OPENED


def test_a_key_that_is_held_down_goes_on_and_is_one_use(bench: Page) -> None:
    for _ in range(4):
        bench.keyboard.down("ArrowRight")
        bench.keyboard.down("i")
    assert uses(bench)["window"] == 1
    assert seen_by(bench)["window"] == pytest.approx(255 + 4 * np.ptp(noise(1)) / 64, abs=2)
    assert seen_by(bench)["inverted"]


def test_what_is_counted_begins_anew_with_each_film(bench: Page) -> None:
    bench.keyboard.press("+")
    bench.evaluate("([side]) => show(viewer, Array(side * side).fill(9), side)", [SIDE])
    assert uses(bench) == {"window": 0, "zoom": 0, "pan": 0}


def test_uses_of_linked_films_are_counted_where_the_hand_was(linked: Page) -> None:
    drag(linked, 60, -20)
    assert uses(linked)["window"] == 1
    assert uses(linked, "other")["window"] == 0


# A film that is not on the screen


def test_a_film_is_shown_from_its_drawing_until_it_is_taken_down(bench: Page) -> None:
    assert bench.evaluate("() => viewer.shown")
    assert (
        bench.evaluate("([side]) => { show(viewer, Array(side * side).fill(9), side); return viewer.shown; }", [SIDE])
        is False
    )
    settle(bench)
    assert bench.evaluate("() => viewer.shown")
    assert bench.evaluate("() => { viewer.clear(); return viewer.shown; }") is False
    assert seen_by(bench) is None
    assert light_box(bench).max() == 0


def test_hands_do_nothing_where_there_is_no_film(bench: Page) -> None:
    bench.evaluate("() => { viewer.clear(); viewer.startMarking(() => {}); }")
    for key in ("+", "m", "8", "i", "r", "ArrowUp"):
        bench.keyboard.press(key)
    bench.locator("#film").focus()
    for key in ("ArrowUp", "a", "Delete"):
        bench.keyboard.press(key)
    drag(bench, 50, 50)
    assert uses(bench) == {"window": 0, "zoom": 0, "pan": 0}
    assert bench.evaluate("() => viewer.regions") == []


# Keyboards


@pytest.mark.parametrize(("written", "place"), [("ç", "Digit9"), ("à", "Digit0")])
def test_digits_work_where_the_keyboard_writes_them_with_shift(bench: Page, written: str, place: str) -> None:
    """As a French one does."""
    write(bench, key=written, code=place)
    assert seen_by(bench)["window"] < 255


def test_the_row_of_digits_is_for_digits_alone(bench: Page) -> None:
    """A French keyboard writes a minus where a 6 lies, which is a rating and does not zoom."""
    write(bench, key="-", code="Digit6")
    assert seen_by(bench) == OPENED
    write(bench, key="-", code="NumpadSubtract")
    assert seen_by(bench)["zoom"] < OPENED["zoom"]


@pytest.mark.parametrize(("written", "place"), [("=", "Digit0"), ("*", "Digit8")])
def test_what_is_written_with_shift_is_no_digit(bench: Page, written: str, place: str) -> None:
    """A German keyboard writes = so, which fits the film, and an American one *, which does nothing."""
    bench.keyboard.press("+")
    write(bench, key=written, code=place, shiftKey=True)
    assert seen_by(bench) == OPENED | {"zoom": 533 if written == "=" else 666}


@pytest.mark.parametrize("key", ["Control+m", "Alt+m", "Meta+m"])
def test_keys_of_the_browser_stay_its_own(bench: Page, key: str) -> None:
    bench.keyboard.press(key)
    assert seen_by(bench) == OPENED


# The patches


def test_the_patches_have_exact_greys_and_sharp_edges(bench: Page) -> None:
    bench.evaluate("() => drawPatches(document.getElementById('patches'))")
    greys = light_box(bench, "patches")
    assert greys.shape == (200, 400)
    assert set(np.unique(greys)) == {0, 13, 128, 242, 255}
    assert (greys[100, 100], greys[100, 300]) == (13, 242)
    # Squares of 80 in squares of 160, on middle grey.
    assert (greys == 13).sum() == (greys == 242).sum() == 80**2
    assert (greys == 0).sum() == (greys == 255).sum() == 160**2 - 80**2
    assert in_the_middle(greys[:, :200], 80).max() == 13
    assert in_the_middle(greys[:, 200:], 80).min() == 242
