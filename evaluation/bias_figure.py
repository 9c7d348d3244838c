"""The Fréchet distance and its floor over n, drawn without a display."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter, ScalarFormatter

from evaluation.figures import ACCENT, INK, SECOND, STYLE

# Inches.
WIDTH, HEIGHT = 5.6, 3.8
MARKERS = "os^Dv"


def bias_curves(sets: Mapping[str, Mapping[str, Any]]) -> str:
    """SVG with a line for the distance and one for the floor of every set, both scales logarithmic.

    Bars reach from the 2.5 to the 97.5 % quantile over the splits; a dotted line is at the extrapolated distance.
    """
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(WIDTH, HEIGHT), layout="constrained")
        axes = figure.add_subplot()
        for marker, (name, about) in zip(MARKERS * len(sets), sets.items(), strict=False):
            sizes = [point["n"] for point in about["curve"]]
            for figure_name, colour, style, label in (
                ("frechet", SECOND, "-", "synthetic and real"),
                ("floor", ACCENT, "--", "real and real"),
            ):
                points = [point[figure_name] for point in about["curve"]]
                middle = [point["estimate"] for point in points]
                bars = [
                    [max(0.0, point["estimate"] - point["low"]) for point in points],
                    [max(0.0, point["high"] - point["estimate"]) for point in points],
                ]
                axes.errorbar(
                    sizes,
                    middle,
                    yerr=bars,
                    color=colour,
                    linestyle=style,
                    linewidth=1.6,
                    elinewidth=0.8,
                    marker=marker,
                    markersize=4,
                    label=f"{name}: {label}",
                )
            if about["frechet_infinity"] and about["frechet_infinity"]["estimate"] > 0:
                axes.plot(sizes, [about["frechet_infinity"]["estimate"]] * len(sizes), color=SECOND, linestyle=":")
        axes.set(xscale="log", yscale="log", xlabel="films a side", ylabel="Fréchet distance")
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_formatter(ScalarFormatter())
            axis.set_minor_formatter(NullFormatter())
        axes.tick_params(colors=INK)
        axes.legend(frameon=False, fontsize=8)
        text = io.StringIO()
        figure.savefig(text, format="svg", metadata={"Date": None, "Creator": None})
    return text.getvalue()
