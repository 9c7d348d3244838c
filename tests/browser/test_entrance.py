"""Coming in with a real browser: by keyboard alone, on every screen, with and without its script."""

from __future__ import annotations

import io
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from PIL import Image
from playwright.sync_api import Browser, Page, expect
from pytest_django.live_server_helper import LiveServer

from readerstudy.reading.models import Consent, DisplayCheck, Profile
from readerstudy.studies import texts
from readerstudy.studies.models import Reader, ReaderIdentity, Study
from readerstudy.studies.services import invite_reader, withdraw_link
from tests.browser.entrance import check_display, come_in, come_to_display, press
from tests.browser.films import open_study
from tests.browser.screen import enter
from tests.studies.films import ACTOR

pytestmark = [pytest.mark.browser]

WCAG = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]}
SCREENS = [(1366, 768), (1536, 2048), (390, 844)]
ASKED: dict[str, Any] = {
    "consent_text": texts.CONSENT,
    "consent_version": texts.TEXTS_VERSION,
    "profile_asked": True,
    "display_asked": True,
}


@pytest.fixture
def design() -> dict[str, Any]:
    """What a test's study has beside the questions; a test changes it by its parameters."""
    return {}


@pytest.fixture
def study(transactional_db: None, tmp_path: Path, design: dict[str, Any]) -> Study:
    return open_study(tmp_path, films=1, side=32, **ASKED | design)


def faults(page: Page) -> str:
    results = Axe().run(page, options=WCAG)
    return results.generate_report() if results.violations_count else ""


def is_sound(page: Page) -> None:
    """Sound to axe, nothing beside the screen, and each target large enough for a finger."""
    assert faults(page) == ""
    across = page.evaluate("() => [document.documentElement.scrollWidth, innerWidth]")
    assert across[0] <= across[1]
    for target in page.locator("form label:has([type=radio]), button, a.button").all():
        box = target.bounding_box()
        assert box
        assert box["height"] >= 44


def test_a_reader_comes_in_by_keyboard_alone_in_far_less_than_a_minute(page: Page, link: str) -> None:
    begun = time.monotonic()
    come_in(page, link)
    assert time.monotonic() - begun < 20
    assert (Consent.objects.get().version, Consent.objects.get().given) == (texts.TEXTS_VERSION, True)
    profile = Profile.objects.get()
    assert (profile.position, profile.years, profile.subspecialty, profile.exposure) == ("radiologist", 12, "", "never")
    check = DisplayCheck.objects.get()
    assert (check.display, check.room, check.dark_patch_seen, check.bright_patch_seen) == (
        *("diagnostic", "dark"),
        *(True, True),
    )
    press(page, "Tab", "Enter")
    expect(page.locator("#status")).to_contain_text("is shown")


@pytest.mark.parametrize(("width", "height"), SCREENS)
def test_every_page_is_sound_on_every_screen(page: Page, link: str, width: int, height: int) -> None:
    page.set_viewport_size({"width": width, "height": height})
    come_in(page, link, is_sound)


def test_errors_stand_beside_their_fields_and_what_was_said_is_kept(page: Page, link: str) -> None:
    page.goto(link)
    press(page, "Tab", "Enter")
    page.get_by_label("For how many years").fill("99")
    page.get_by_label("Your subspecialty").fill("thorax")
    press(page, "Enter")
    expect(page.get_by_role("group", name="You are a")).to_contain_text("Choose one of these.")
    years = page.get_by_label("For how many years")
    expect(years).to_have_accessible_description("Give a whole number of years from 0 to 70.")
    expect(page.get_by_label("Your subspecialty")).to_have_value("thorax")
    # The first field that is at fault has the focus.
    expect(page.get_by_role("radio", name="radiologist, mainly chest")).to_be_focused()
    is_sound(page)
    years.fill("9")
    page.get_by_role("radio", name="resident in radiology").check()
    page.get_by_role("radio", name="a few times").check()
    page.get_by_role("button", name="Continue").click()
    # The keys are for the next page, which comes only after the click has returned.
    expect(page.get_by_role("heading", name="Your display")).to_be_visible()
    press(page, "Tab", "Space", "Enter")
    expect(page.get_by_role("radio", name="diagnostic display")).to_be_focused()
    expect(page.get_by_role("group", name="The room is")).to_contain_text("Choose one of these.")
    expect(page.get_by_role("radio", name="in both")).to_be_checked()
    is_sound(page)
    assert Profile.objects.get().subspecialty == "thorax"


def test_who_does_not_agree_is_told_that_nothing_was_stored(page: Page, link: str) -> None:
    page.goto(link)
    press(page, "Tab", "Tab", "Enter")
    expect(page.get_by_text("You have not agreed, so you do not take part.")).to_be_visible()
    is_sound(page)
    assert not Consent.objects.exists()
    page.get_by_role("link", name="Read the text again").click()
    expect(page.get_by_role("button", name="I agree, continue")).to_be_visible()


def test_the_patches_have_the_greys_of_five_and_ninety_five_per_cent(page: Page, link: str) -> None:
    come_to_display(page, link)
    image = Image.open(io.BytesIO(page.locator("#patches").screenshot()))
    values, pixels = np.unique(np.asarray(image.convert("L")), return_counts=True)
    seen = dict(zip(values.tolist(), pixels.tolist(), strict=True))
    # 5 % and 95 % of 255, in squares of 0 and 255 that are four times as large, on a middle grey.
    assert set(seen) >= {0, 13, 128, 242, 255}
    for within, around in ((13, 0), (242, 255)):
        assert seen[around] / seen[within] == pytest.approx(3, rel=0.05)
        assert seen[within] > 2000


def test_the_size_of_the_screen_is_counted_in_its_own_pixels(chromium: Browser, link: str) -> None:
    context = chromium.new_context(
        viewport={"width": 800, "height": 700}, screen={"width": 1280, "height": 800}, device_scale_factor=1.5
    )
    come_in(context.new_page(), link)
    context.close()
    check = DisplayCheck.objects.get()
    assert (check.width, check.height, check.pixel_ratio, check.small) == (1920, 1200, 1.5, False)


@pytest.mark.parametrize("design", [{"small_screen": "refuse"}])
def test_a_small_screen_is_refused_with_a_sentence(chromium: Browser, link: str) -> None:
    context = chromium.new_context(
        viewport={"width": 390, "height": 844}, screen={"width": 390, "height": 844}, device_scale_factor=3
    )
    page = context.new_page()
    come_to_display(page, link)
    check_display(page)
    refusal = page.get_by_text("This screen has 390 × 844 pixels, and this study needs 1024 × 600.")
    expect(refusal).to_be_in_viewport()
    assert faults(page) == ""
    context.close()
    assert not DisplayCheck.objects.exists()


def test_a_browser_without_script_is_told_so(chromium: Browser, link: str) -> None:
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(link)
    press(page, "Tab", "Enter")
    expect(page.get_by_role("heading", name="About you")).to_be_visible()
    press(page, "Tab", "Space", "Tab", "1", "Tab", "Tab", "Space", "Enter")
    expect(page.get_by_role("heading", name="Your display")).to_be_visible()
    check_display(page)
    expect(page.get_by_text("Your browser has not told the size of the screen.")).to_be_visible()
    context.close()


@pytest.mark.parametrize("design", [{"link_use": "once"}])
def test_a_link_that_opens_once_is_opened_by_a_click(
    page: Page, chromium: Browser, study: Study, live_server: LiveServer
) -> None:
    _, token = invite_reader(study=study, actor=ACTOR)
    link = f"{live_server.url}/read/{token}/"
    page.goto(link)
    is_sound(page)
    assert ReaderIdentity.objects.get().link_opened_at is None
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="I agree, continue")).to_be_visible()
    assert token not in page.url
    come_in(page, link)
    enter(page, link)
    context = chromium.new_context()
    other = context.new_page()
    other.goto(link)
    expect(other.get_by_text("it has been opened; in the browser that opened it you can go on")).to_be_visible()
    is_sound(other)
    context.close()


def test_a_withdrawn_link_and_a_wrong_one_are_told_on_sound_pages(page: Page, link: str) -> None:
    come_in(page, link)
    withdraw_link(reader=Reader.objects.get(), actor=ACTOR)
    page.reload()
    expect(page.get_by_role("heading", name="This link has ended")).to_be_visible()
    is_sound(page)
    wrong = link.rsplit("/", 2)[0] + "/" + "x" * 43 + "/"
    for _ in range(11):
        page.goto(wrong)
    expect(page.get_by_role("heading", name="Please wait")).to_be_visible()
    is_sound(page)
