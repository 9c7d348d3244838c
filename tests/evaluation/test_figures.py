"""Pictures of the report."""

from __future__ import annotations

import base64
import io
from typing import Any
from xml.etree import ElementTree

import numpy as np
from PIL import Image

from evaluation.figures import COLUMNS, GAP, areas, contact_sheet, ratings, roc
from gan.pixels import FULL_SCALE, Film

SIDE = 8


def flat(grey: int) -> Film:
    return np.full((SIDE, SIDE), grey * (FULL_SCALE // 255), dtype=np.uint16)


def drawn(films: list[Film]) -> np.ndarray:
    kind, _, data = contact_sheet(films).partition(",")
    assert kind == "data:image/png;base64"
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(data))))


def test_films_stand_in_rows_on_white() -> None:
    sheet = drawn([flat(grey) for grey in range(COLUMNS + 1)])
    step = SIDE + GAP
    assert sheet.shape == (2 * step - GAP, COLUMNS * step - GAP)
    assert (sheet[:SIDE, :SIDE] == 0).all()
    assert (sheet[:SIDE, 3 * step : 3 * step + SIDE] == 3).all()
    assert (sheet[step:, :SIDE] == COLUMNS).all()
    assert (sheet[step:, SIDE:] == 255).all()
    assert (sheet[SIDE:step] == 255).all()


def test_few_films_make_a_narrow_sheet() -> None:
    assert drawn([flat(7), flat(9)]).shape == (SIDE, 2 * SIDE + GAP)


SVG = {"": "http://www.w3.org/2000/svg"}
RADIUS = 2.5


def svg(uri: str | None) -> ElementTree.Element:
    assert uri
    kind, _, data = uri.partition(",")
    assert kind == "data:image/svg+xml;base64"
    return ElementTree.fromstring(base64.b64decode(data))


def reader(area: float, curve: tuple[list[float], list[float]]) -> dict[str, Any]:
    return {
        "auc": {"estimate": area, "low": None, "high": None},
        "roc": {"false_alarm_rate": curve[0], "hit_rate": curve[1]},
    }


EXTREMES = {"R1": reader(1.0, ([0, 0, 1], [0, 1, 1])), "R2": reader(0.0, ([0, 1, 1], [0, 0, 1]))}


def test_no_marker_is_cut_by_the_frame() -> None:
    for page, markers in ((svg(areas(EXTREMES, None, 0.1)), 2), (svg(roc(EXTREMES)), 6)):
        frames = {
            f"url(#{clip.get('id')})": rect
            for clip in page.iterfind(".//clipPath", SVG)
            for rect in clip.iterfind("rect", SVG)
        }
        drawn = [(group, use) for group in page.iterfind(".//g", SVG) for use in group.iterfind("use", SVG)]
        assert len(drawn) >= markers
        for group, use in drawn:
            frame = frames.get(group.get("clip-path", ""))
            if frame is not None:
                x, left, width = (float(value or 0) for value in (use.get("x"), frame.get("x"), frame.get("width")))
                assert left + RADIUS <= x <= left + width - RADIUS


def test_figures_side_by_side_have_one_size() -> None:
    counts = {role: {"1": 1, "2": 3} for role in ("real", "generator")}
    pages = [svg(uri) for uri in (roc(EXTREMES), areas(EXTREMES, None, 0.1), ratings(counts))]
    assert len({(page.get("width"), page.get("height")) for page in pages}) == 1
