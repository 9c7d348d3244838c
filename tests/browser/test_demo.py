"""`make demo` as a new user meets it: three addresses, a study read by keyboard alone, a report with figures."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.entrance import come_in
from tests.browser.processes import ROOT, found_in, free_port, started
from tests.browser.screen import film_is_shown

pytestmark = [pytest.mark.browser]

COMMAND = [sys.executable, "-m", "readerstudy.demo"]
SECONDS_TO_START = 300
SECONDS_TO_END = 10
ANSWERS_TO_READ = 44


def wait_for_addresses(process: subprocess.Popen, log: Path) -> str:
    """What the demo has printed once it serves."""
    deadline = time.monotonic() + SECONDS_TO_START
    while "\nReport: " not in (text := log.read_text()):
        assert process.poll() is None, text
        assert time.monotonic() < deadline, text
        time.sleep(0.2)
    return text


def ended(process: subprocess.Popen) -> float:
    """Seconds from SIGTERM to the whole group until the demo is gone."""
    begun = time.monotonic()
    os.killpg(process.pid, signal.SIGTERM)
    process.wait(SECONDS_TO_END)
    return time.monotonic() - begun


def test_the_demo_is_read_by_keyboard_and_reported_and_keeps_what_was_read(page: Page, tmp_path: Path) -> None:
    port = free_port()
    environment = {"READERSTUDY_HOME": str(tmp_path / "demo"), "PORT": str(port)}
    log = tmp_path / "log"
    with started(COMMAND, environment, log) as process:
        said = wait_for_addresses(process, log)
        assert urllib.request.urlopen(f"http://127.0.0.1:{port}/").status == 200
        come_in(page, found_in(said, "Reader"))
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        names = [f"Practice film {n} of 4" for n in range(1, 5)] + [f"Film {n} of 40" for n in range(1, 41)]
        assert len(names) == ANSWERS_TO_READ
        for number, name in enumerate(names):
            film_is_shown(page, name)
            page.keyboard.press(str(1 + number % 6))
            page.keyboard.press("Enter")
        expect(page.get_by_text("Thank you for reading.")).to_be_visible()

        page.goto(found_in(said, "Report"))
        expect(page.get_by_text(re.compile("simulated")).first).to_be_visible()
        figures = page.locator("img").all()
        assert len(figures) >= 3
        assert all(figure.evaluate("image => image.complete && image.naturalWidth > 0") for figure in figures)

        page.goto(found_in(said, "Researcher"))
        expect(page.get_by_label("Username:")).to_be_visible()
        assert ended(process) < SECONDS_TO_END

    with started(COMMAND, environment, log) as process:
        again = wait_for_addresses(process, log)
        assert [found_in(again, name) for name in ("Reader", "Report")] == [
            found_in(said, name) for name in ("Reader", "Report")
        ]
        # The server loads the application with its first reply.
        assert urllib.request.urlopen(f"http://127.0.0.1:{port}/").status == 200
        page.goto(found_in(again, "Reader"))
        expect(page.get_by_text("Thank you for reading.")).to_be_visible()


def test_a_port_that_is_taken_is_said_to_be(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as door:
        environment = os.environ | {"PORT": str(door.getsockname()[1]), "READERSTUDY_HOME": str(tmp_path)}
        ended = subprocess.run(COMMAND, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert ended.returncode == 1
    assert re.fullmatch(r"error: Port \d+ is taken \(.+\); choose another one: PORT=8001 make demo\.\n", ended.stderr)
    assert list(tmp_path.iterdir()) == []
