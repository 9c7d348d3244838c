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

    Goals are numbered from the commonest to the rarest; one that no plain draw met stands where one would have.
    """
    least = 1 / result["plain"]
    goals = sorted(result["goals"].items(), key=lambda item: -item[1]["plain"]["accepted"]["share"])
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(8.4, 4.2), layout="constrained")
        axes = figure.add_subplot()
        rates = np.geomspace(RATES[0] * 2, min(RATES[1], least) / 2, 50)
        axes.loglog(rates, PER_PLAIN_DRAW / rates, color=INK, label="drawing until one is accepted")
        for method, marker in MARKERS.items():
            points = [
                (max(figures["plain"]["accepted"]["share"], least), figures[method]["cost_per_accepted"])
                for _goal, figures in goals
                if figures[method]["cost_per_accepted"]
            ]
            colour = INK if method == "defended" else QUIET
            rates_and_costs = np.array(points).reshape(-1, 2).T
            axes.plot(*rates_and_costs, linestyle="", marker=marker, label=method, color=colour)
        for number, (_goal, figures) in enumerate(goals, start=1):
            if cost := figures["defended"]["cost_per_accepted"]:
                place = (max(figures["plain"]["accepted"]["share"], least), cost)
                axes.annotate(str(number), place, xytext=(0, 7), textcoords="offset points", ha="center")
        axes.invert_xaxis()
        axes.xaxis.set_major_formatter(lambda rate, _place: f"{100 * rate:g} %")
        axes.set_xlabel(f"share of {result['plain']:,} plain draws that are accepted")
        axes.set_ylabel("forward equivalents per accepted film")
        axes.legend()
        key = "\n".join(f"{number}  {goal}" for number, (goal, _figures) in enumerate(goals, start=1))
        axes.text(1.02, 1.0, key, transform=axes.transAxes, va="top", linespacing=1.5)
        figure.savefig(path)
