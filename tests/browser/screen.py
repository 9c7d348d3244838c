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


def light_box(page: Page) -> Greys:
    """The canvas as it is on the screen: greys of shape (height, width); black where the flag or focus ring lies."""
    settle(page)
    image = Image.open(io.BytesIO(page.locator("#film").screenshot(animations="allow")))
    rgb = np.asarray(image.convert("RGB")).astype(np.int16)
    return np.where(np.ptp(rgb, axis=2) == 0, rgb[..., 0], 0)


def in_the_middle(greys: npt.NDArray[Any], side: int, right: int = 0, down: int = 0) -> npt.NDArray[Any]:
    """The square of `side` about the middle, moved."""
    top, left = (greys.shape[0] - side) // 2 + down, (greys.shape[1] - side) // 2 + right
    return greys[top : top + side, left : left + side]


def drag(page: Page, right: int, down: int, *, button: Any = "left", start: tuple[int, int] = (0, 0)) -> None:
    """Drag on the film from `start`, counted from its middle."""
    box = page.locator("#film").bounding_box()
    assert box
    x, y = box["x"] + box["width"] / 2 + start[0], box["y"] + box["height"] / 2 + start[1]
    page.mouse.move(x, y)
    page.mouse.down(button=button)
    page.mouse.move(x + right / 2, y + down / 2)
    page.mouse.move(x + right, y + down)
    page.mouse.up(button=button)
