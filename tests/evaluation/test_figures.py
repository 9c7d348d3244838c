"""Pictures of the report."""

from __future__ import annotations

import base64
import io

import numpy as np
from PIL import Image

from evaluation.figures import COLUMNS, GAP, contact_sheet
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
