"""The page of a training run in the admin, for people who see or move otherwise."""

from __future__ import annotations

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from readerstudy.synthesis.models import TrainingRun
from tests.browser.test_pages import faults
from tests.studies.films import make_collection
from tests.synthesis.runs import make_run

pytestmark = [pytest.mark.browser]


@pytest.fixture
def run(transactional_db: None) -> TrainingRun:
    return make_run(make_collection("nih"))


@pytest.fixture
def at_the_page(run: TrainingRun, page: Page, live_server: LiveServer) -> Page:
    client = Client()
    client.force_login(User.objects.create_superuser("researcher"))
    session = client.cookies[settings.SESSION_COOKIE_NAME].value
    page.context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": session, "url": live_server.url}])
    # The first curve that a server draws loads the library for it.
    page.goto(f"{live_server.url}/admin/synthesis/trainingrun/{run.pk}/change/", timeout=60_000)
    return page


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_of_a_run_meets_wcag_aa_as_far_as_axe_can_tell(at_the_page: Page, scheme: str) -> None:
    at_the_page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    # The admin's colours fade from one theme to the other.
    at_the_page.reload()
    expect(at_the_page.get_by_role("img", name="Curves by images shown")).to_be_visible()
    assert faults(at_the_page) == ""


def test_the_page_fits_a_narrow_window(at_the_page: Page) -> None:
    at_the_page.set_viewport_size({"width": 820, "height": 1180})
    assert at_the_page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def test_weights_are_registered_by_the_keyboard_alone(at_the_page: Page) -> None:
    at_the_page.get_by_role("link", name="register", exact=True).first.focus()
    at_the_page.keyboard.press("Enter")
    expect(at_the_page.get_by_label("Images shown, where weights are saved")).to_have_value("300")
    at_the_page.get_by_label("Name of the generator").focus()
    at_the_page.keyboard.type("early")
    at_the_page.keyboard.press("Enter")
    expect(at_the_page.get_by_text("Generator early is registered.")).to_be_visible()
    expect(
        at_the_page.get_by_role("region", name="Snapshots and checkpoints").get_by_role("link", name="early")
    ).to_be_visible()
