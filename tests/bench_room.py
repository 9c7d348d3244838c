"""`python -m tests.bench_room`: how soon a reader sees the first film and the next one; one JSON line for each figure.

SQLite, gunicorn and Chromium, which draws without a graphics card, share this machine. The first film is timed from the
call of the page until the film is on the screen, the next from the key that confirms an answer.
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
from typing import Any

from playwright.sync_api import Page, sync_playwright

from tests.bench_web import PORT, make_study, server, tell
from tests.browser.screen import enter, film_is_shown

SIDE, FILMS, TIMES = 1024, 20, 5
SCREENS = {"1366 × 768": (1366, 768), "1536 × 2048": (1536, 2048)}
WATCH = """
addEventListener("keydown", ({ key }) => key === "Enter" && (window.confirmed = performance.now()), true);
document.addEventListener("DOMContentLoaded", () => {
  const status = document.getElementById("status");
  const look = () => /is shown/.test(status.textContent) && (window.shown = performance.now());
  if (status) new MutationObserver(look).observe(status, { childList: true });
});
"""


def main() -> int:
    with tempfile.TemporaryDirectory() as home:
        os.environ |= {
            "READERSTUDY_DEBUG": "0",
            "READERSTUDY_HTTPS": "0",
            "READERSTUDY_HOME": home,
            "READERSTUDY_ALLOWED_HOSTS": "127.0.0.1",
            "READERSTUDY_SECRET_KEY": "only-for-this-measurement-" * 3,
            "READERSTUDY_PSEUDONYM_KEY": "only-for-this-measurement",
            "DJANGO_SETTINGS_MODULE": "readerstudy.settings",
            "DJANGO_ALLOW_ASYNC_UNSAFE": "true",
        }
        return measure()


def measure() -> int:
    import django

    django.setup()
    from django.core.management import call_command

    from readerstudy.studies.services import invite_reader
    from tests.browser.conftest import SOFTWARE_GL, find_chromium

    call_command("migrate", verbosity=0)
    call_command("collectstatic", verbosity=0, interactive=False)
    study = make_study("room", SIDE, FILMS)
    with server(), sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=["--no-sandbox", *SOFTWARE_GL])
        for name, (width, height) in SCREENS.items():
            context = browser.new_context(viewport={"width": width, "height": height})
            context.add_init_script(WATCH)
            page = context.new_page()
            _, token = invite_reader(study=study, actor="bench")
            enter(page, f"http://127.0.0.1:{PORT}/read/{token}/")
            tell_both(page, name)
            context.close()
        browser.close()
    return 0


def tell_both(page: Page, screen: str) -> None:
    first = [page.evaluate("() => shown")]
    for _ in range(TIMES):
        page.reload()
        film_is_shown(page)
        first.append(page.evaluate("() => shown"))
    following = []
    for number in range(2, FILMS + 1):
        # Until the film ahead is there: a reader looks at a film for longer.
        page.wait_for_timeout(500)
        page.keyboard.press("4")
        page.keyboard.press("Enter")
        film_is_shown(page, f"Film {number} ")
        following.append(page.evaluate("() => shown - confirmed"))
    told: dict[str, Any] = {"screen": screen, "side": SIDE}
    tell("milliseconds to the first film, nothing cached", round(first[0]), **told)
    tell("milliseconds to the first film, scripts cached", round(statistics.median(first[1:])), **told)
    tell("milliseconds to the next film", round(statistics.median(following)), longest=round(max(following)), **told)


if __name__ == "__main__":
    sys.exit(main())
