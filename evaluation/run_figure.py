"""The Fréchet distance of a training's snapshots over the images shown, drawn without a display."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure

from evaluation.figures import INK, QUIET, STYLE

# Inches.
WIDTH, HEIGHT = 6.4, 3.4


def course_figure(snapshots: Sequence[dict[str, Any]]) -> str:
    """SVG of the distance with its intervals, each resolution named, and of the real-against-real floor."""
    images = [snapshot["images"] for snapshot in snapshots]
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(WIDTH, HEIGHT), layout="constrained")
        axes = figure.add_subplot()
        distances = [snapshot["frechet"] for snapshot in snapshots]
        values = [distance["estimate"] for distance in distances]
        reach = [
            [distance["estimate"] - distance["low"] for distance in distances],
            [distance["high"] - distance["estimate"] for distance in distances],
        ]
        axes.errorbar(images, values, yerr=reach, color=INK, linewidth=1.2, marker="o", markersize=4, capsize=3)
        axes.plot(images, [snapshot["floor"]["estimate"] for snapshot in snapshots], color=QUIET, linestyle=":")
        axes.annotate(
            "real films from other real films",
            (images[-1], snapshots[-1]["floor"]["estimate"]),
            xytext=(0, -4),
            textcoords="offset points",
            ha="right",
            va="top",
            color=QUIET,
            fontsize="small",
        )
        for snapshot, value in zip(snapshots, values, strict=True):
            axes.annotate(
                f"{snapshot['resolution']}²",
                (snapshot["images"], value),
                xytext=(5, 5),
                textcoords="offset points",
                fontsize="small",
            )
        axes.set(xlabel="images shown", ylabel=f"Fréchet distance, n = {snapshots[0]['n']}", yscale="log")
        axes.tick_params(colors=INK)
        text = io.StringIO()
        figure.savefig(text, format="svg", metadata={"Date": None, "Creator": None})
    return text.getvalue()
