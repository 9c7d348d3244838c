"""The light box: what is on the screen after each key and gesture."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from django.utils.html import strip_tags
from playwright.sync_api import Browser, Page, expect

from readerstudy.studies.models import Reader
from tests.browser.conftest import SCREEN
from tests.browser.films import SIDE, greys_of, slots_of
from tests.browser.screen import Seen, drag, enter, film_is_shown, in_the_middle, light_box, rate, seen

pytestmark = [pytest.mark.browser]
OPENED = Seen(window=255, level=128, zoom=600)


@pytest.fixture
def reading(page: Page, link: str) -> Page:
    """The first film is shown."""
    enter(page, link)
    return page


@pytest.fixture(params=["chromium", "chromium_without_gl"])
def either(request: pytest.FixtureRequest, link: str) -> Iterator[Page]:
    """The first film is shown, by WebGL and by the plain drawing."""
    browser: Browser = request.getfixturevalue(request.param)
    context = browser.new_context(viewport=SCREEN)
    page = context.new_page()
    enter(page, link)
    assert page.evaluate("() => Boolean(document.createElement('canvas').getContext('webgl2'))") == (
        request.param == "chromium"
    )
    yield page
    context.close()


def film() -> Any:
    """The first film, as the server renders it: greys of 0 … 255."""
    return greys_of(slots_of(Reader.objects.get())[0])


def span() -> float:
    """From the 1st to the 99th percentile of the first film, on the study's grid."""
    low, high = np.percentile(film(), [1, 99])
    return high - low


def difference(greys: Any, expected: Any) -> float:
    assert greys.shape == expected.shape
    return float(np.abs(greys - expected).max())


# Exact pixels


@pytest.mark.parametrize(
    ("keys", "change"),
    [
        ("", lambda greys: greys),
        ("i", lambda greys: 255 - greys),
        ("h", np.fliplr),
        ("v", np.flipud),
        ("r", lambda greys: np.rot90(greys, -1)),
        ("l", np.rot90),
        ("rh", lambda greys: np.fliplr(np.rot90(greys, -1))),
        ("hlv", lambda greys: np.flipud(np.rot90(np.fliplr(greys)))),
    ],
)
def test_at_one_to_one_each_pixel_is_as_the_server_renders_it(either: Page, keys: str, change: Any) -> None:
    for key in [*keys, "o"]:
        either.keyboard.press(key)
    assert seen(either).zoom == 100
    assert difference(in_the_middle(light_box(either), SIDE), change(film())) <= 1


def test_around_the_film_it_is_black(either: Page) -> None:
    either.keyboard.press("o")
    greys = light_box(either)
    in_the_middle(greys, SIDE)[:] = 0
    assert greys.max() == 0


@pytest.mark.parametrize(("key", "zoom"), [("=", 600), ("-", 50)])
def test_enlarged_films_are_smooth_and_reduced_ones_antialiased(either: Page, key: str, zoom: int) -> None:
    either.keyboard.press("o")
    for _ in range(4):
        either.keyboard.press(key)
    assert seen(either).zoom == zoom
    side = SIDE * zoom // 100
    film_as_tensor = torch.from_numpy(film())[None, None]
    expected = torch.nn.functional.interpolate(film_as_tensor, size=(side, side), mode="bilinear", antialias=True)
    assert difference(in_the_middle(light_box(either), side), expected[0, 0].numpy()) <= 1


def test_the_window_is_applied_to_sixteen_bits(either: Page) -> None:
    either.keyboard.press("o")
    for _ in range(4):
        either.keyboard.press("Shift+ArrowLeft")
    width = 255 - span() / 2
    expected = np.clip((film() - 127.5) / width + 0.5, 0, 1) * 255
    assert difference(in_the_middle(light_box(either), SIDE), expected) <= 1


BROKEN = {
    "shaders that do not link": "WebGL2RenderingContext.prototype.linkProgram = () => {};",
    "contexts that are lost at once": """
        const getContext = HTMLCanvasElement.prototype.getContext;
        HTMLCanvasElement.prototype.getContext = function (kind, ...options) {
            const context = getContext.call(this, kind, ...options);
            if (kind === "webgl2") context.getExtension("WEBGL_lose_context").loseContext();
            return context;
        };""",
}


@pytest.mark.parametrize("breakage", BROKEN)
def test_a_film_is_drawn_plainly_where_webgl_is_there_and_does_not_work(page: Page, link: str, breakage: str) -> None:
    page.add_init_script(BROKEN[breakage])
    enter(page, link)
    page.keyboard.press("o")
    assert difference(in_the_middle(light_box(page), SIDE), film()) <= 1
    assert page.evaluate("() => Boolean(document.getElementById('film').getContext('2d'))")


# Keys and gestures


def test_arrows_change_window_and_level_a_little_and_with_shift_much(reading: Page) -> None:
    for key, window, level in [
        ("ArrowRight", 1, 0),
        ("ArrowLeft", -1, 0),
        ("ArrowUp", 0, -1),
        ("ArrowDown", 0, 1),
    ]:
        for press, share in ((key, 1 / 64), (f"Shift+{key}", 1 / 8)):
            reading.keyboard.press("Space")
            reading.keyboard.press(press)
            now = seen(reading)
            assert now.window == pytest.approx(255 + window * share * span(), abs=1.5)
            assert now.level == pytest.approx(127.5 + level * share * span(), abs=1.5)


def test_a_full_left_drag_spans_the_films_own_range(reading: Page) -> None:
    drag(reading, 384, 0)
    assert seen(reading).window == pytest.approx(255 + span() / 2, abs=2)
    assert seen(reading).level == 128


def test_dragging_up_is_brighter_inverted_too(reading: Page) -> None:
    for key in ("=", "i"):
        reading.keyboard.press(key)
        before = light_box(reading).mean()
        drag(reading, 0, -192)
        assert light_box(reading).mean() > before + 20


def test_the_window_never_closes(reading: Page) -> None:
    drag(reading, -530, 0)
    drag(reading, -530, 0)
    assert seen(reading).window == 1


def test_shift_drag_and_middle_drag_move_the_film(reading: Page) -> None:
    reading.keyboard.press("o")
    drag(reading, 40, -30, button="middle")
    assert difference(in_the_middle(light_box(reading), SIDE, 40, -30), film()) <= 1
    reading.keyboard.down("Shift")
    drag(reading, -10, 50)
    reading.keyboard.up("Shift")
    assert difference(in_the_middle(light_box(reading), SIDE, 30, 20), film()) <= 1
    assert seen(reading) == OPENED._replace(zoom=100)


@pytest.mark.parametrize("turn", ["", "h", "rv"])
def test_control_and_arrows_move_the_film_and_leave_the_window_alone(reading: Page, turn: str) -> None:
    for key in (*turn, "o"):
        reading.keyboard.press(key)
    before = in_the_middle(light_box(reading), SIDE)
    # One step is a sixteenth of the short side, which is 768 pixels.
    for arrow, right, down in [
        ("Right", 48, 0),
        ("Up", 48, -48),
        ("Left", 0, -48),
        ("Left", -48, -48),
        ("Down", -48, 0),
    ]:
        reading.keyboard.press(f"Control+Arrow{arrow}")
        assert difference(in_the_middle(light_box(reading), SIDE, right, down), before) == 0
    assert seen(reading) == OPENED._replace(zoom=100)


def test_control_and_arrows_do_nothing_beside_the_film(reading: Page) -> None:
    opened = light_box(reading)
    reading.get_by_role("button", name="Fit").focus()
    reading.keyboard.press("Control+ArrowRight")
    assert difference(light_box(reading), opened) == 0


@pytest.mark.parametrize("turn", ["", "h", "r", "rv"])
def test_wheel_and_right_drag_zoom_about_the_pointer(reading: Page, turn: str) -> None:
    for key in turn:
        reading.keyboard.press(key)
    # A place 100 pixels right of the middle and 60 below, which keeps its grey.
    right, down = 100, 60
    box = reading.locator("#film").bounding_box()
    assert box
    x, y = int(box["width"] / 2 + right), int(box["height"] / 2 + down)
    before = light_box(reading)[y, x]
    reading.mouse.move(box["x"] + x, box["y"] + y)
    reading.mouse.wheel(0, -500)
    closer = seen(reading).zoom
    assert closer == pytest.approx(600 * np.exp(0.8), abs=1)
    assert abs(light_box(reading)[y, x] - before) <= 25
    drag(reading, 0, -60, button="right", start=(right, down))
    assert seen(reading).zoom > closer
    assert abs(light_box(reading)[y, x] - before) <= 25


def test_plus_and_minus_zoom_and_fit_fits(reading: Page) -> None:
    reading.keyboard.press("+")
    assert seen(reading).zoom == 750
    reading.keyboard.press("-")
    reading.keyboard.press("-")
    assert seen(reading).zoom == 480
    drag(reading, 50, 50, button="middle")
    reading.keyboard.press("=")
    assert seen(reading) == OPENED


def test_double_click_and_space_reset_everything(reading: Page) -> None:
    opened = light_box(reading)
    for reset in (lambda: reading.locator("#film").dblclick(), lambda: reading.keyboard.press("Space")):
        for key in ("i", "h", "r", "ArrowUp", "ArrowRight", "+"):
            reading.keyboard.press(key)
        drag(reading, 60, 60, button="middle")
        assert reading.locator("#turned").inner_text() == "flipped or rotated, inverted"
        reset()
        assert seen(reading) == OPENED
        expect(reading.locator("#turned")).to_be_hidden()
        assert difference(light_box(reading), opened) == 0


def test_a_film_turned_there_and_back_is_not_called_turned(reading: Page) -> None:
    for key in "rrhv":
        reading.keyboard.press(key)
    seen(reading)
    expect(reading.locator("#turned")).to_be_hidden()


def test_every_film_opens_alike(reading: Page) -> None:
    for key in ("i", "r", "+", "Shift+ArrowLeft"):
        reading.keyboard.press(key)
    assert seen(reading) != OPENED
    rate(reading, 3)
    film_is_shown(reading, "Practice film 2")
    assert seen(reading) == OPENED
    expect(reading.locator("#turned")).to_be_hidden()


def test_buttons_do_what_the_keys_do(reading: Page) -> None:
    reading.get_by_role("button", name="1:1").click()
    assert seen(reading).zoom == 100
    reading.get_by_role("button", name="Fit").click()
    assert seen(reading).zoom == 600
    reading.get_by_role("button", name="Invert").click()
    expect(reading.locator("#turned")).to_have_text("inverted")
    reading.get_by_role("button", name="Reset").click()
    expect(reading.locator("#turned")).to_be_hidden()


def test_the_film_follows_the_size_of_the_window(reading: Page) -> None:
    reading.set_viewport_size({"width": 1100, "height": 642})
    assert seen(reading).zoom == 500
    reading.keyboard.press("o")
    reading.set_viewport_size(SCREEN)
    assert seen(reading).zoom == 100


# Help


def test_the_question_mark_lists_the_keys_and_every_key_listed_is_tried_here(reading: Page) -> None:
    expect(reading.get_by_role("dialog")).to_be_hidden()
    reading.keyboard.press("?")
    expect(reading.get_by_role("dialog")).to_be_visible()
    listed = {strip_tags(key) for key in reading.locator("dialog kbd").all_inner_texts()}
    tried = {"1", "6", "Enter", "Ctrl", "←", "→", "↑", "↓", "+", "-", "=", "o", "i", "h", "v", "r", "l", "Space", "?"}
    assert listed == tried
    reading.keyboard.press("3")
    reading.keyboard.press("Escape")
    expect(reading.get_by_role("dialog")).to_be_hidden()
    expect(reading.get_by_role("radio", checked=True)).to_have_count(0)


def test_single_keys_can_be_switched_off_for_good(reading: Page) -> None:
    reading.keyboard.press("?")
    reading.get_by_label("Digits, letters and signs work as keys").uncheck()
    reading.keyboard.press("Escape")
    reading.reload()
    film_is_shown(reading)
    for key in ("3", "i", "+", "?"):
        reading.keyboard.press(key)
    assert seen(reading) == OPENED
    expect(reading.locator("#turned")).to_be_hidden()
    expect(reading.get_by_role("dialog")).to_be_hidden()
    expect(reading.get_by_role("radio", checked=True)).to_have_count(0)
