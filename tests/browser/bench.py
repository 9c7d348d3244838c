"""Viewers on a page of their own, without a server: the scripts as they are in the repository, films of noise."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from django.conf import settings
from playwright.sync_api import Page, Route

from tests.browser.screen import Greys, settle

ADDRESS = "http://viewers.test/"
SIDE = 128
TYPES = {".js": "text/javascript", ".css": "text/css"}
# On the usual screen a light box has 682 × 768 pixels, and the film is as wide.
FILM = 682
OPENED = {
    "window": 255,
    "level": 128,
    "zoom": 533,
    "turned": False,
    "inverted": False,
    "magnified": False,
    "plain": False,
}
PAGE = """<!doctype html><title>Viewers</title>
<link rel="stylesheet" href="page.css"><link rel="stylesheet" href="reading/room.css">
<main class="room" style="grid-template-columns: 1fr 1fr">
  <div class="light-box"><canvas id="film" tabindex="0"></canvas></div>
  <div class="light-box"><canvas id="other" tabindex="0"></canvas></div>
</main>
<canvas id="patches" style="width: 400px; height: 200px"></canvas>
<script type="module">
  import { commandsOf, obey } from "./reading/commands.js";
  import { drawPatches } from "./reading/patches.js";
  import { linkViewers, Viewer } from "./reading/viewer.js";
  const viewerOn = (id) => new Viewer(document.getElementById(id), (seen) => (window[`${id}Seen`] = seen));
  const viewers = ["film", "other"].map(viewerOn);
  const [viewer, other] = viewers;
  document.addEventListener("keydown", (event) => {
    const target = viewers.find(({ canvas }) => canvas === event.target) ?? viewer;
    if (obey(event, commandsOf(target))) event.preventDefault();
  });
  const show = (viewer, pixels, side) => viewer.show({ pixels: new Uint16Array(pixels), side, levels: 256 });
  Object.assign(window, { viewer, other, linkViewers, drawPatches, show });
</script>"""


def open_bench(page: Page, *, linked: bool = False) -> None:
    """Two viewers side by side, `viewer` and `other` in the page, each with a film; the first has the keys."""
    page.route(f"{ADDRESS}**", _serve)
    page.goto(ADDRESS)
    page.wait_for_function("() => window.show")
    if linked:
        page.evaluate("() => linkViewers(viewer, other)")
    for name, seed in (("viewer", 1), ("other", 2)):
        page.evaluate(f"([pixels, side]) => show({name}, pixels, side)", [(noise(seed) * 257).ravel().tolist(), SIDE])
    settle(page)


def seen_by(page: Page, viewer: str = "film") -> dict[str, Any]:
    """What one of the viewers, `film` or `other`, says that it shows."""
    settle(page)
    return page.evaluate(f"() => {viewer}Seen")  # type: ignore[no-any-return]


def noise(seed: int) -> Greys:
    """A film: greys of 0 … 255, shape (side, side)."""
    return np.random.default_rng(seed).integers(0, 256, (SIDE, SIDE))


def _serve(route: Route) -> None:
    name = route.request.url.removeprefix(ADDRESS)
    if name:
        path = Path(settings.BASE_DIR) / "static" / name
        route.fulfill(content_type=TYPES[path.suffix], body=path.read_text())
    else:
        route.fulfill(content_type="text/html", body=PAGE)
