"""A reader at the pages before the first film."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import Page, expect


def nothing(page: Page) -> None:
    """No look at the page."""


def come_in(page: Page, link: str, look: Callable[[Page], None] = nothing) -> None:
    """Open the personal link of a study that asks everything, and answer by keyboard alone until the films begin.

    `look` is called on each page.
    """
    come_to_display(page, link, look)
    look(page)
    check_display(page)
    expect(page.get_by_role("link", name="Begin")).to_be_visible()
    look(page)


def come_to_display(page: Page, link: str, look: Callable[[Page], None] = nothing) -> None:
    """The same up to the display check, whose patches are drawn."""
    page.goto(link)
    expect(page.get_by_role("button", name="I agree, continue")).to_be_visible()
    look(page)
    press(page, "Tab", "Enter")
    expect(page.get_by_role("heading", name="About you")).to_be_visible()
    look(page)
    press(page, "Tab", "Space", "ArrowDown", "Tab", "1", "2", "Tab", "Tab", "Space", "Enter")
    expect(page.get_by_role("heading", name="Your display")).to_be_visible()
    # Drawn, they are no more as wide as canvases are.
    expect(page.locator("#patches")).not_to_have_js_property("width", 300)


def check_display(page: Page) -> None:
    press(page, "Tab", "Space", "Tab", "Space", "Tab", "Space", "Enter")


def press(page: Page, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)
