"""The power of a study over its films, drawn without a display."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

from evaluation.figures import INK, QUIET, STYLE
from evaluation.readers.planning import Plan

# Inches.
WIDTH, HEIGHT = 5.6, 3.6


def power_curves(plans: Mapping[int, Sequence[Plan]], target: float) -> str:
    """SVG of the power over the films, one line for each number of readers; dashed where readers are fixed."""
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(WIDTH, HEIGHT), layout="constrained")
        axes = figure.add_subplot()
        axes.axhline(target, color=QUIET, linewidth=0.8, linestyle=":")
        colours = mpl.colormaps["viridis"](np.linspace(0, 0.85, len(plans)))
        # The most readers first, as their line lies above the others.
        for colour, (readers, points) in zip(colours, sorted(plans.items(), reverse=True), strict=True):
            fixed = points[0].random == "cases"
            axes.plot(
                [point.films for point in points],
                [point.power for point in points],
                color=colour,
                linewidth=1.8,
                linestyle="--" if fixed else "-",
                label=f"{readers}, fixed" if fixed else f"{readers}",
            )
        axes.set(ylim=(0, 1.02), xlabel="films", ylabel="power")
        axes.tick_params(colors=INK)
        axes.legend(loc="center left", bbox_to_anchor=(1, 0.5), frameon=False, title="readers")
        text = io.StringIO()
        figure.savefig(text, format="svg", metadata={"Date": None, "Creator": None})
    return text.getvalue()
