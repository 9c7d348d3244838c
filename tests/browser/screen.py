"""What a reader sees and does: the film as pixels of the screen, the values shown, one film after another."""

from __future__ import annotations

import io
import re
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from PIL import Image
from playwright.sync_api import Page, expect

Greys = npt.NDArray[np.int16]


class Seen(NamedTuple):
    """The values that the page shows of its view."""

    window: int
    level: int
    zoom: int


def enter(page: Page, link: str) -> None:
    """Open the personal link and begin."""
    page.goto(link)
    page.get_by_role("link", name=re.compile("Begin|Continue")).click()
    film_is_shown(page)


def film_is_shown(page: Page, name: str = "") -> None:
    expect(page.locator("#status")).to_have_text(re.compile(rf"{name}.* is shown\."))


def rate(page: Page, rating: int) -> None:
    page.keyboard.press(str(rating))
    page.keyboard.press("Enter")


def seen(page: Page) -> Seen:
    settle(page)
    values = re.findall(r"\d+", page.locator("#view").inner_text())
    return Seen(*map(int, values))


def settle(page: Page) -> None:
    """Wait until what was asked for has been drawn: two frames."""
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")


def light_box(page: Page, film: str = "film") -> Greys:
    """A canvas as it is on the screen: greys of shape (height, width); black where the flag or focus ring lies."""
    settle(page)
    image = Image.open(io.BytesIO(page.locator(f"#{film}").screenshot(animations="allow")))
    rgb = np.asarray(image.convert("RGB")).astype(np.int16)
    return np.where(np.ptp(rgb, axis=2) == 0, rgb[..., 0], 0)


def in_the_middle(greys: npt.NDArray[Any], side: int, right: int = 0, down: int = 0) -> npt.NDArray[Any]:
    """The square of `side` about the middle, moved."""
    top, left = (greys.shape[0] - side) // 2 + down, (greys.shape[1] - side) // 2 + right
    return greys[top : top + side, left : left + side]


def middle_of(page: Page) -> tuple[float, float]:
    """The middle of the film's canvas, on the page."""
    box = page.locator("#film").bounding_box()
    assert box
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def drag(page: Page, right: int, down: int, *, button: Any = "left", start: tuple[int, int] = (0, 0)) -> None:
    """Drag on the film from `start`, counted from its middle."""
    x, y = np.add(middle_of(page), start)
    page.mouse.move(x, y)
    page.mouse.down(button=button)
    page.mouse.move(x + right / 2, y + down / 2)
    page.mouse.move(x + right, y + down)
    page.mouse.up(button=button)


def touch(page: Page, *fingers: list[tuple[int, int]], at: float | None = None) -> None:
    """Put fingers down one by one, move them together and lift them: places counted from the film's middle.

    A finger that waits for the next one trembles. For the browser it all happens `at` this time, by default now."""
    x, y = middle_of(page)
    devtools = page.context.new_cdp_session(page)

    def tell(what: str, places: list[tuple[int, int]]) -> None:
        points = [{"x": x + right, "y": y + down, "id": number} for number, (right, down) in enumerate(places)]
        time = {} if at is None else {"timestamp": at}
        devtools.send("Input.dispatchTouchEvent", {"type": what, "touchPoints": points, **time})

    for number in range(len(fingers)):
        down = [path[0] for path in fingers[: number + 1]]
        tell("touchStart", down)
        if len(down) < len(fingers):
            tell("touchMove", [(right + 20, below) for right, below in down])
            tell("touchMove", down)
    for places in list(zip(*fingers, strict=True))[1:]:
        tell("touchMove", list(places))
    tell("touchEnd", [])
    devtools.detach()
