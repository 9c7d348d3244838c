"""The light box: what is on the screen after each key and gesture."""

from __future__ import annotations

import re
from collections.abc import Iterator
from time import time
from typing import Any

import numpy as np
import pytest
import torch
from django.utils.html import strip_tags
from playwright.sync_api import Browser, Page, expect

from readerstudy.studies.models import Reader
from tests.browser.conftest import SCREEN
from tests.browser.films import SIDE, greys_of, slots_of
from tests.browser.screen import (
    Seen,
    drag,
    enter,
    film_is_shown,
    in_the_middle,
    light_box,
    middle_of,
    rate,
    seen,
    touch,
)

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


def press(page: Page, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)


def difference(greys: Any, expected: Any) -> float:
    assert greys.shape == expected.shape
    return float(np.abs(greys - expected).max())


# Exact pixels


TURNS: dict[str, Any] = {
    "": lambda greys: greys,
    "i": lambda greys: 255 - greys,
    "h": np.fliplr,
    "v": np.flipud,
    "r": lambda greys: np.rot90(greys, -1),
    "l": np.rot90,
    "rh": lambda greys: np.fliplr(np.rot90(greys, -1)),
    "hlv": lambda greys: np.flipud(np.rot90(np.fliplr(greys))),
}


def test_at_one_to_one_each_pixel_is_as_the_server_renders_it(either: Page) -> None:
    for keys, change in TURNS.items():
        press(either, "Space", *keys, "o")
        assert seen(either).zoom == 100
        assert difference(in_the_middle(light_box(either), SIDE), change(film())) <= 1, keys


def test_around_the_film_it_is_black(either: Page) -> None:
    either.keyboard.press("o")
    greys = light_box(either)
    in_the_middle(greys, SIDE)[:] = 0
    assert greys.max() == 0


def test_enlarged_films_are_smooth_and_reduced_ones_antialiased(either: Page) -> None:
    for key, zoom in (("=", 600), ("-", 50)):
        press(either, "o", key, key, key, key)
        assert seen(either).zoom == zoom
        side = SIDE * zoom // 100
        film_as_tensor = torch.from_numpy(film())[None, None]
        expected = torch.nn.functional.interpolate(film_as_tensor, size=(side, side), mode="bilinear", antialias=True)
        assert difference(in_the_middle(light_box(either), side), expected[0, 0].numpy()) <= 1


def test_the_window_is_applied_to_sixteen_bits(either: Page) -> None:
    press(either, "o", *["Shift+ArrowLeft"] * 4)
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
    expect(page.locator(".sheet")).to_have_count(1)


def test_a_film_stays_to_be_seen_when_the_graphics_driver_is_lost_and_comes_back(reading: Page) -> None:
    reading.keyboard.press("o")
    opened = light_box(reading)
    context = "document.getElementById('film').getContext('webgl2')"
    reading.evaluate(f"() => (window.driver = {context}.getExtension('WEBGL_lose_context')).loseContext()")
    expect(reading.locator(".sheet")).to_have_count(1)
    expect(reading.locator("#view")).to_contain_text("without the graphics driver")
    assert difference(light_box(reading), opened) <= 1
    reading.keyboard.press("i")
    drag(reading, 40, -30, button="middle")
    assert difference(in_the_middle(light_box(reading), SIDE, 40, -30), 255 - film()) <= 1
    reading.evaluate("() => window.driver.restoreContext()")
    expect(reading.locator(".sheet")).to_have_count(0)
    assert difference(in_the_middle(light_box(reading), SIDE, 40, -30), 255 - film()) <= 1


def test_a_driver_that_is_lost_for_good_keeps_no_reader_from_rating(reading: Page) -> None:
    context = "document.getElementById('film').getContext('webgl2')"
    reading.evaluate(f"() => {context}.getExtension('WEBGL_lose_context').loseContext()")
    rate(reading, 3)
    film_is_shown(reading, "Practice film 2")
    reading.keyboard.press("o")
    second = greys_of(slots_of(Reader.objects.get())[1])
    assert difference(in_the_middle(light_box(reading), SIDE), second) <= 1


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


def test_control_and_arrows_move_the_film_and_leave_the_window_alone(reading: Page) -> None:
    for turn in ("", "h", "rv"):
        press(reading, "Space", *turn, "o")
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
            assert difference(in_the_middle(light_box(reading), SIDE, right, down), before) == 0, turn
        assert seen(reading) == OPENED._replace(zoom=100)


def test_control_and_arrows_do_nothing_beside_the_film(reading: Page) -> None:
    opened = light_box(reading)
    reading.get_by_role("button", name="Fit").focus()
    reading.keyboard.press("Control+ArrowRight")
    assert difference(light_box(reading), opened) == 0


def test_wheel_and_right_drag_zoom_about_the_pointer(reading: Page) -> None:
    # A place 100 pixels right of the middle and 60 below, which keeps its grey.
    right, down = 100, 60
    box = reading.locator("#film").bounding_box()
    assert box
    x, y = int(box["width"] / 2 + right), int(box["height"] / 2 + down)
    for turn in ("", "h", "r", "rv"):
        press(reading, "Space", *turn)
        before = light_box(reading)[y, x]
        reading.mouse.move(box["x"] + x, box["y"] + y)
        reading.mouse.wheel(0, -500)
        closer = seen(reading).zoom
        assert closer == pytest.approx(600 * np.exp(0.8), abs=1)
        assert abs(light_box(reading)[y, x] - before) <= 25, turn
        drag(reading, 0, -60, button="right", start=(right, down))
        assert seen(reading).zoom > closer
        assert abs(light_box(reading)[y, x] - before) <= 25, turn


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
    press(reading, *"rrhv")
    seen(reading)
    expect(reading.locator("#turned")).to_be_hidden()


def test_every_film_opens_alike(reading: Page) -> None:
    press(reading, "i", "r", "+", "Shift+ArrowLeft")
    assert seen(reading) != OPENED
    rate(reading, 3)
    film_is_shown(reading, "Practice film 2")
    assert seen(reading) == OPENED
    expect(reading.locator("#turned")).to_be_hidden()


# The glass


def test_the_glass_shows_the_film_twice_as_large_over_the_middle(either: Page) -> None:
    press(either, *"om")
    # The glass is 269 pixels wide, so the whole film lies in it.
    twice = torch.nn.functional.interpolate(torch.from_numpy(film())[None, None], scale_factor=2, mode="bilinear")
    assert difference(in_the_middle(light_box(either), 2 * SIDE), twice[0, 0].numpy()) <= 1
    either.keyboard.press("m")
    assert difference(in_the_middle(light_box(either), SIDE), film()) <= 1


def test_the_glass_goes_with_the_pointer_and_what_lies_there_stays(either: Page) -> None:
    x, y = middle_of(either)
    for keys in ("", "hr", "i"):
        press(either, "Space", *keys)
        opened = light_box(either)
        either.mouse.move(x + 5, y + 5)
        either.keyboard.press("m")
        for right, down in ((0, 0), (-150, 90), (300, 300)):
            either.mouse.move(x + right, y + down)
            greys = light_box(either)
            under, around = in_the_middle(greys, 2, right, down), in_the_middle(opened, 6, right, down)
            assert around.min() - 1 <= under.min(), keys
            assert under.max() <= around.max() + 1, keys
            # Within the glass, 269 pixels wide in a frame of two, it is another picture; beside it the same.
            glass = np.zeros(greys.shape, bool)
            in_the_middle(glass, 275, right, down)[:] = True
            assert difference(greys[~glass], opened[~glass]) == 0
            assert np.abs(greys - opened)[glass].mean() > 10
        either.mouse.move(0, 0)
        either.keyboard.press("Escape")
        assert difference(light_box(either), opened) == 0


def test_the_glass_is_seen_by_the_same_window(reading: Page) -> None:
    press(reading, "m", "9", "i")
    inside = in_the_middle(light_box(reading), 200)
    reading.keyboard.press("Escape")
    outside = in_the_middle(light_box(reading), 100)
    assert np.percentile(inside, [1, 50, 99]) == pytest.approx(np.percentile(outside, [1, 50, 99]), abs=10)


def test_the_next_film_lies_under_no_glass(reading: Page) -> None:
    reading.keyboard.press("m")
    rate(reading, 3)
    film_is_shown(reading, "Practice film 2")
    with_none = light_box(reading)
    reading.keyboard.press("Escape")
    assert difference(light_box(reading), with_none) == 0


# Windows by one key


def test_presets_are_shares_of_the_films_own_range(reading: Page) -> None:
    low, high = np.percentile(film(), [1, 99])
    for key, black, white in (("8", 0, 0.7), ("9", 0.4, 1), ("0", 0.2, 0.8)):
        press(reading, "Shift+ArrowLeft", key)
        now = seen(reading)
        assert now.window == pytest.approx((white - black) * (high - low), abs=1.5)
        assert now.level == pytest.approx(low + (black + white) / 2 * (high - low), abs=1.5)
        reading.keyboard.press("7")
        assert seen(reading) == OPENED


def test_presets_leave_zoom_place_and_turn_alone(reading: Page) -> None:
    press(reading, "i", "h", "o", "Control+ArrowRight", "8", "7")
    assert difference(in_the_middle(light_box(reading), SIDE, 48), 255 - np.fliplr(film())) <= 1


# Full screen


def test_f_fills_the_screen_and_f_or_escape_gives_it_back(reading: Page) -> None:
    for back in ("f", "Escape"):
        reading.keyboard.press("f")
        reading.wait_for_function("() => document.fullscreenElement === document.documentElement")
        rate(reading, 4)
        film_is_shown(reading)
        reading.keyboard.press(back)
        reading.wait_for_function("() => !document.fullscreenElement")


# Hands that are used to another mouse


@pytest.fixture
def panning(reading: Page) -> Page:
    """The left drag moves the film."""
    reading.keyboard.press("?")
    reading.get_by_label("The left drag moves the film").check()
    reading.keyboard.press("Escape")
    return reading


def test_the_left_drag_can_move_the_film_and_the_right_one_change_the_window(panning: Page) -> None:
    panning.keyboard.press("o")
    drag(panning, 40, -30)
    assert difference(in_the_middle(light_box(panning), SIDE, 40, -30), film()) <= 1
    assert seen(panning) == OPENED._replace(zoom=100)
    drag(panning, 384, 0, button="right")
    assert seen(panning).window == pytest.approx(255 + span() / 2, abs=2)
    panning.keyboard.press("7")
    panning.keyboard.down("Shift")
    drag(panning, 384, 0)
    panning.keyboard.up("Shift")
    assert seen(panning).window == pytest.approx(255 + span() / 2, abs=2)
    drag(panning, 0, -60, button="middle")
    assert seen(panning).zoom > 100


def test_the_list_of_keys_follows_the_mouse_and_the_browser_remembers(panning: Page) -> None:
    def listed(gesture: str) -> str:
        return panning.get_by_role("rowheader", name=re.compile(f"^{gesture}")).locator("..").inner_text()

    panning.reload()
    film_is_shown(panning)
    panning.keyboard.press("?")
    expect(panning.get_by_label("The left drag moves the film")).to_be_checked()
    assert listed("left drag").endswith("move the film")
    assert "window" in listed("right drag")
    panning.get_by_label("The left drag moves the film").uncheck()
    assert "window" in listed("left drag")
    assert listed("middle drag").endswith("move the film")
    panning.keyboard.press("Escape")
    drag(panning, 384, 0)
    assert seen(panning).window > 255


# Fingers


@pytest.fixture
def by_touch(chromium: Browser, link: str) -> Iterator[Page]:
    context = chromium.new_context(viewport=SCREEN, has_touch=True)
    page = context.new_page()
    enter(page, link)
    yield page
    context.close()


def test_one_finger_changes_the_window(by_touch: Page) -> None:
    touch(by_touch, [(0, 0), (96, 0), (192, 0), (384, 0)])
    assert seen(by_touch).window == pytest.approx(255 + span() / 2, abs=2)
    assert seen(by_touch).zoom == 600


def test_two_fingers_move_the_film_with_them(by_touch: Page) -> None:
    by_touch.keyboard.press("o")
    touch(by_touch, [(0, 0), (20, -15), (40, -30)], [(100, 0), (120, -15), (140, -30)])
    assert difference(in_the_middle(light_box(by_touch), SIDE, 40, -30), film()) <= 1
    assert seen(by_touch) == OPENED._replace(zoom=100)


def test_two_fingers_zoom_about_the_place_between_them(by_touch: Page) -> None:
    before = in_the_middle(light_box(by_touch), 1, 100, 60)
    touch(by_touch, [(50, 60), (25, 60), (0, 60)], [(150, 60), (175, 60), (200, 60)])
    assert seen(by_touch) == OPENED._replace(zoom=1200)
    assert difference(in_the_middle(light_box(by_touch), 1, 100, 60), before) <= 25


def test_a_double_tap_resets_and_two_taps_apart_do_not(by_touch: Page) -> None:
    by_touch.keyboard.press("i")
    now = time()
    # Too late, elsewhere, and as it should be.
    for right, later in ((100, 0.0), (100, 0.6), (0, 0.8)):
        touch(by_touch, [(right, 0)], at=now + later)
    expect(by_touch.locator("#turned")).to_have_text("inverted")
    touch(by_touch, [(0, 0)], at=now + 1)
    expect(by_touch.locator("#turned")).to_be_hidden()


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
    tried = {"1", "6", "7", "8", "9", "0", "Enter", "Ctrl", "←", "→", "↑", "↓", "+", "-", "=", "o", "m", "Escape"}
    assert listed == tried | {"i", "h", "v", "r", "l", "Space", "f", "?"}
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
    press(reading, "3", "i", "+", "?")
    assert seen(reading) == OPENED
    expect(reading.locator("#turned")).to_be_hidden()
    expect(reading.get_by_role("dialog")).to_be_hidden()
    expect(reading.get_by_role("radio", checked=True)).to_have_count(0)
