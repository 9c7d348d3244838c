"""The cost of an accepted film against how rare it is among plain draws, drawn without a display."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

from evaluation.figures import INK, QUIET, STYLE
from evaluation.steering.study import PER_PLAIN_DRAW

RATES = (0.2, 0.001)
MARKERS = {"direction": "s", "undefended": "^", "defended": "o"}

Json = Mapping[str, Any]


def draw_cost(result: Json, path: Path) -> None:
    """Write the figure as SVG or PNG, as `path` ends.

    A goal that no plain draw met stands where one would have.
    """
    least = 1 / result["plain"]
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(6.4, 4.2), layout="constrained")
        axes = figure.add_subplot()
        rates = np.geomspace(RATES[0] * 2, min(RATES[1], least) / 2, 50)
        axes.loglog(rates, PER_PLAIN_DRAW / rates, color=INK, label="drawing until one is accepted")
        for method, marker in MARKERS.items():
            points = [
                (figures["plain"]["accepted"], figures[method]["cost_per_accepted"])
                for figures in result["goals"].values()
                if figures[method]["cost_per_accepted"]
            ]
            axes.plot(
                [max(rate["share"], least) for rate, _cost in points], [cost for _rate, cost in points],
                linestyle="", marker=marker, label=method, color=INK if method == "defended" else QUIET,
            )  # fmt: skip
        for goal, figures in result["goals"].items():
            if cost := figures["defended"]["cost_per_accepted"]:
                place = (max(figures["plain"]["accepted"]["share"], least), cost)
                axes.annotate(goal, place, xytext=(5, 4), textcoords="offset points", fontsize=7)
        axes.invert_xaxis()
        axes.set_xlabel(f"share of {result['plain']:,} plain draws that are accepted")
        axes.set_ylabel("forward equivalents per accepted film")
        axes.legend()
        figure.savefig(path)
