"""Distances against the strength of degradations, drawn without a display: one panel for each degradation."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from evaluation.figures import INK, QUIET, STYLE

# Inches.
WIDTH, HEIGHT, COLUMNS = 9.6, 2.4, 4
MARKERS = "osD^vP"
LABELS = {"frechet": "Fréchet distance ÷ upper end of its floor", "kernel": "kernel distance ÷ upper end of its floor"}
KEY = "filled: mean above the floor; shaded: 95 % of splits; 0: the floor itself"

Json = Mapping[str, Any]


def draw_robustness(result: Json, distance: str, path: Path) -> None:
    """Write one distance of a robustness study as SVG or PNG, as `path` ends.

    Every line is divided by the upper end of its own floor, so that extractors stand on one axis and 1 is where a
    distance begins to notice; a line whose floor does not rise above 0 is left out. The axis is straight up to 1 and
    logarithmic above.
    """
    rows = -(-len(result["degradations"]) // COLUMNS)
    names = [extractor["name"] for extractor in result["extractors"]]
    colours = mpl.colormaps["viridis"](np.linspace(0, 0.85, len(names)))
    styles = {
        name: {"color": colour, "marker": MARKERS[index % len(MARKERS)]}
        for index, (name, colour) in enumerate(zip(names, colours, strict=True))
    }
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(WIDTH, HEIGHT * rows + 0.4), layout="constrained")
        panels = figure.subplots(rows, COLUMNS, sharey=True, squeeze=False).ravel()
        for degradation, axes in zip(result["degradations"], panels, strict=False):
            for line in result["series"]:
                if (line["degradation"], line["distance"]) == (degradation["name"], distance):
                    _line(axes, line, styles[line["extractor"]])
            axes.axhline(1, color=QUIET, linewidth=0.8, linestyle=":")
            axes.set_title(degradation["name"], fontsize=9, fontweight="bold")
            axes.set_xticks(range(6), ["0", *(f"{step:g}" for step in degradation["steps"])])
            axes.set(xlabel=degradation["unit"], yscale=mpl.scale.SymmetricalLogScale(axes, linthresh=1, linscale=0.5))
            axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
            axes.tick_params(colors=INK)
        for axes in panels[len(result["degradations"]) :]:
            axes.set_axis_off()
        figure.supylabel(LABELS[distance], fontsize=9)
        handles, labels = panels[0].get_legend_handles_labels()
        figure.legend(
            handles, labels, loc="outside lower center", ncols=len(labels), frameon=False, title=KEY, title_fontsize=8
        )
        figure.savefig(path, dpi=150, metadata={"Date": None, "Creator": None} if path.suffix == ".svg" else None)


def _line(axes: Axes, line: Json, style: Mapping[str, Any]) -> None:
    floor = line["floor"]
    if floor["high"] <= 0:
        return
    points = [floor, *line["steps"]]
    scale = 1 / floor["high"]
    at = np.arange(len(points))
    estimates, low, high = (np.array([point[name] for point in points]) * scale for name in ("estimate", "low", "high"))
    above = np.array([point.get("above_floor", False) for point in points])
    axes.fill_between(at, low, high, color=style["color"], alpha=0.15, linewidth=0)
    axes.plot(at, estimates, color=style["color"], linewidth=1.4)
    axes.plot(at, estimates, linestyle="none", markersize=4, markerfacecolor="white", label=line["extractor"], **style)
    axes.plot(at[above], estimates[above], linestyle="none", markersize=4, **style)
