"""A real Chromium at a real server. Skips by name where Chromium is not found; in CI that is a failure."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, ViewportSize, sync_playwright
from pytest_django.live_server_helper import LiveServer

from readerstudy.studies.models import Study
from readerstudy.studies.services import invite_reader
from tests.browser.films import open_study
from tests.browser.screen import enter
from tests.studies.films import ACTOR

# Playwright's loop runs in this thread, which Django takes for asynchronous code. It is not.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"

SOFTWARE_GL = ["--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--ignore-gpu-blocklist"]
NO_GL = ["--disable-3d-apis"]
# The light box is then 1078 × 768 pixels, within a ring of one for the focus.
SCREEN: ViewportSize = {"width": 1368, "height": 770}


def find_chromium() -> str:
    path = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    if path:
        return path
    reason = "Chromium is not installed, so nothing is tried in a real browser."
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def launch() -> Iterator[Callable[[list[str]], Browser]]:
    path = find_chromium()
    with sync_playwright() as playwright:
        yield lambda options: playwright.chromium.launch(executable_path=path, args=["--no-sandbox", *options])


@pytest.fixture(scope="session")
def chromium(launch: Callable[[list[str]], Browser]) -> Iterator[Browser]:
    browser = launch(SOFTWARE_GL)
    yield browser
    browser.close()


@pytest.fixture(scope="session")
def chromium_without_gl(launch: Callable[[list[str]], Browser]) -> Iterator[Browser]:
    browser = launch(NO_GL)
    yield browser
    browser.close()


@pytest.fixture
def study(transactional_db: None, tmp_path: Path) -> Study:
    return open_study(tmp_path)


@pytest.fixture
def link(study: Study, live_server: LiveServer) -> str:
    """The personal link of a reader."""
    _, token = invite_reader(study=study, actor=ACTOR)
    return f"{live_server.url}/read/{token}/"


@pytest.fixture
def context(chromium: Browser) -> Iterator[BrowserContext]:
    context = chromium.new_context(viewport=SCREEN)
    context.set_default_timeout(15_000)
    yield context
    context.close()


@pytest.fixture
def page(context: BrowserContext) -> Iterator[Page]:
    """A tab in which no script fails."""
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    # A page that is open already may send a request or two past the first route that is laid; so the first one, which
    # catches nothing, is laid before it opens.
    page.route("**/caught-by-no-test", lambda route: route.continue_())
    yield page
    assert errors == []


@pytest.fixture
def begin(page: Page, transactional_db: None, live_server: LiveServer, tmp_path: Path) -> Callable[..., Page]:
    """Opens a study of a certain plan and lets a reader in; the first film is shown."""

    def begin(**plan: Any) -> Page:
        _, token = invite_reader(study=open_study(tmp_path, **plan), actor=ACTOR)
        enter(page, f"{live_server.url}/read/{token}/")
        return page

    return begin
