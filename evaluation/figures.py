"""The figures of the report, drawn without a display and handed over as text for one self-contained page."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from PIL import Image

from gan.pixels import FULL_SCALE, Film, resample

INK, QUIET, ACCENT, SECOND = "#1c2024", "#8b949e", "#0b5cad", "#b3541e"
STYLE: Any = {
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "axes.edgecolor": QUIET,
    "axes.labelcolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "svg.fonttype": "path",
    # The same figure gives the same file.
    "svg.hashsalt": "readerstudy",
}
# Inches. The figures stand side by side.
SIDE = 3.6
# Beyond the outermost point, so that no marker is cut.
PADDING = 0.03
TILE = 144
GAP = 4
COLUMNS = 8

Json = Mapping[str, Any]


def roc(readers: Json) -> str | None:
    """ROC curves of every reader and their vertical average, as a data URI; None where no reader has a curve."""
    curves = [figures["roc"] for figures in readers.values() if figures["roc"]]
    if not curves:
        return None
    figure, axes = _canvas()
    axes.plot([0, 1], [0, 1], color=QUIET, linewidth=0.8, linestyle=":", label="guessing")
    for index, curve in enumerate(curves):
        label = "readers" if index == 0 else None
        axes.plot(
            curve["false_alarm_rate"],
            curve["hit_rate"],
            color=QUIET,
            linewidth=1,
            marker="o",
            markersize=2,
            label=label,
            clip_on=False,
        )
    grid = np.linspace(0, 1, 201)
    average = np.mean([np.interp(grid, curve["false_alarm_rate"], curve["hit_rate"]) for curve in curves], axis=0)
    axes.plot(grid, average, color=ACCENT, linewidth=2.2, label="average of readers", clip_on=False)
    axes.set(
        xlim=(0, 1),
        ylim=(0, 1),
        aspect="equal",
        xlabel="real films rated synthetic",
        ylabel="synthetic films rated synthetic",
    )
    axes.legend(loc="lower right", frameon=False, fontsize=8)
    return _svg(figure)


def areas(readers: Json, mean: Json | None, margin: float) -> str | None:
    """Every reader's AUC with its interval, the reader mean below, the margin shaded; None where no reader has one."""
    rows = [(name, figures["auc"]) for name, figures in readers.items() if figures["auc"]]
    return _whiskers(rows, mean, margin, "AUC, shaded: the margin around guessing") if rows else None


def proportions(readers: Json, mean: Json, margin: float) -> str:
    """Every reader's proportion correct in pairs with its interval, otherwise as `areas`."""
    rows = [(name, figures["proportion_correct"]) for name, figures in readers.items()]
    return _whiskers(rows, mean, margin, "proportion correct, shaded: the margin")


def _whiskers(rows: Sequence[tuple[str, Json]], mean: Json | None, margin: float, label: str) -> str:
    figure, axes = _canvas(max(SIDE, 0.9 + 0.24 * (len(rows) + 1)))
    axes.axvspan(0.5 - margin, 0.5 + margin, color=ACCENT, alpha=0.1, linewidth=0)
    axes.axvline(0.5, color=QUIET, linewidth=0.8, linestyle=":")
    for row, (_, area) in enumerate(rows):
        _whisker(axes, area, row, INK, "o")
    if mean:
        _whisker(axes, mean, len(rows), ACCENT, "D")
    labels = [name for name, _ in rows] + ["mean"] * bool(mean)
    axes.set_yticks(range(len(labels)), labels)
    axes.set_ylim(len(labels) - 0.5, -0.5)
    axes.set(xlabel=label)
    ends = [value for _, area in rows for value in (area["low"], area["high"], area["estimate"]) if value is not None]
    axes.set_xlim(max(0.0, min([0.35, *ends])) - PADDING, min(1.0, max([0.65, *ends])) + PADDING)
    return _svg(figure)


def ratings(counts: Mapping[str, Mapping[str, int]]) -> str | None:
    """How often each rating was given to real and to generated films, in per cent of each; None without either."""
    if "real" not in counts or "generator" not in counts:
        return None
    figure, axes = _canvas()
    scale = list(counts["real"])
    for offset, role, colour, label in ((-0.2, "real", ACCENT, "real"), (0.2, "generator", SECOND, "synthetic")):
        total = sum(counts[role].values())
        shares = [100 * counts[role][rating] / total for rating in scale]
        hatch = "" if role == "real" else "///"
        axes.bar(
            np.arange(len(scale)) + offset,
            shares,
            width=0.38,
            color=colour,
            hatch=hatch,
            edgecolor="white",
            label=label,
        )
    axes.set_xticks(range(len(scale)), scale)
    axes.set(xlabel="rating, rising towards synthetic", ylabel="% of readings")
    axes.legend(frameon=False, fontsize=8)
    return _svg(figure)


def contact_sheet(films: Sequence[Film], columns: int = COLUMNS) -> str:
    """Films in rows, as one 8-bit PNG on white, as a data URI."""
    return _data_uri("image/png", sheet_png(films, columns))


def sheet_png(films: Sequence[Film], columns: int = COLUMNS) -> bytes:
    """Films in rows, at the side of the smallest, as one 8-bit PNG on white."""
    side = min(TILE, *(len(film) for film in films))
    tiles = [np.rint(resample(film, side) / FULL_SCALE * 255).astype(np.uint8) for film in films]
    step = side + GAP
    columns = min(columns, len(tiles))
    rows = -(-len(tiles) // columns)
    sheet = np.full((rows * step - GAP, columns * step - GAP), 255, dtype=np.uint8)
    for index, tile in enumerate(tiles):
        row, column = divmod(index, columns)
        sheet[row * step : row * step + side, column * step : column * step + side] = tile
    buffer = io.BytesIO()
    Image.fromarray(sheet).save(buffer, format="PNG", optimize=True)
    return buffer.getvalue()


def _canvas(height: float = SIDE) -> tuple[Figure, Axes]:
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(SIDE, height), layout="constrained")
        return figure, figure.add_subplot()


def _whisker(axes: Axes, area: Json, row: int, colour: str, marker: str) -> None:
    if area["low"] is not None:
        axes.plot([max(0.0, area["low"]), min(1.0, area["high"])], [row, row], color=colour, linewidth=1.4)
    axes.plot(area["estimate"], row, marker, color=colour, markersize=5)


def _svg(figure: Figure) -> str:
    buffer = io.BytesIO()
    with mpl.rc_context(STYLE):
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    return _data_uri("image/svg+xml", buffer.getvalue())


def _data_uri(kind: str, content: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode('ascii')}"
