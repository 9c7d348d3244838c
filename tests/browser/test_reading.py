"""A reader in a real browser, from the link to the thanks."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from readerstudy.reading.models import Answer
from readerstudy.studies.models import Reader
from tests.browser.films import slots_of

pytestmark = [pytest.mark.browser]


def test_every_film_is_rated_by_keyboard_alone(page: Page, link: str) -> None:
    page.goto(link)
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    ratings = [1, 2, 3, 4, 5, 6, 1, 6]
    names = [f"Practice film {n} of 2" for n in (1, 2)] + [f"Film {n} of 6" for n in range(1, 7)]
    for name, rating in zip(names, ratings, strict=True):
        expect(page.locator("#status")).to_have_text(f"{name} is shown.")
        page.keyboard.press(str(rating))
        page.keyboard.press("Enter")
    expect(page.get_by_text("Thank you for reading.")).to_be_visible()
    slots = slots_of(Reader.objects.get())
    assert [slot.answers.get().rating for slot in slots] == ratings
    assert Answer.objects.filter(milliseconds__range=(1, 15_000)).count() == 8
