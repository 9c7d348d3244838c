"""AUCs of the arms of a study of usefulness and their differences from real films alone, as a forest plot."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from evaluation.classifiers.usefulness import ALPHA
from evaluation.figures import ACCENT, INK, QUIET, SECOND, STYLE
from evaluation.usefulness_table import MEAN, NAMES

# Inches.
WIDTH, ROW, MARGINS = 9.6, 0.62, 1.3
# Of a row, between two arms.
STEP = 0.19
LOOKS: dict[str, Any] = {
    "real": {"color": INK, "marker": "s"},
    "synthetic": {"color": SECOND, "marker": "o"},
    "both": {"color": ACCENT, "marker": "D"},
    "filled": {"color": "#3b7d3b", "marker": "^"},
}

Json = Mapping[str, Any]


def draw_usefulness(result: Json, path: Path) -> None:
    """Write AUCs on the left and differences on the right, with their 95 % limits, as SVG or PNG, as `path` ends.

    The mean over findings stands on top, then findings that have an AUC in some arm. Filled marks differ from real
    films alone after Holm's correction.
    """
    findings = {
        finding: row
        for finding, row in result["findings"].items()
        if any(arm["auc"] is not None for arm in row["arms"].values())
    }
    rows = [(MEAN, result["overall"]["arms"], result["comparison"])]
    rows += [(finding, row["arms"], row["comparison"]) for finding, row in findings.items()]
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(WIDTH, ROW * len(rows) + MARGINS), layout="constrained")
        left, right = figure.subplots(1, 2, sharey=True)
        _forest(left, [arms for _, arms, _ in rows], "auc")
        _forest(right, [comparison for _, _, comparison in rows], "difference")
        left.axvline(0.5, color=QUIET, linewidth=0.8, linestyle=":")
        right.axvline(0, color=QUIET, linewidth=0.8, linestyle=":")
        left.set(xlabel="AUC of one network, mean over seeds", ylim=(len(rows) - 0.5, -0.5))
        right.set(xlabel="more than real films alone")
        left.set_yticks(range(len(rows)), [name.replace("_", " ") for name, _, _ in rows])
        for axes in (left, right):
            axes.axhline(0.5, color=QUIET, linewidth=0.8)
            axes.tick_params(axis="y", length=0)
        handles = [
            Line2D([], [], linewidth=1.4, markersize=5, label=NAMES[name], **look) for name, look in LOOKS.items()
        ]
        figure.legend(handles=handles, loc="outside lower center", ncols=len(handles), frameon=False)
        figure.savefig(path, dpi=150, metadata={"Date": None, "Creator": None} if path.suffix == ".svg" else None)


def _forest(axes: Axes, rows: Sequence[Json], value: str) -> None:
    for row, figures in enumerate(rows):
        for place, (name, look) in enumerate(LOOKS.items()):
            figure = figures.get(name)
            if figure is None or figure[value] is None:
                continue
            at = row + (place - (len(LOOKS) - 1) / 2) * STEP
            if figure["low"] is not None:
                axes.plot([figure["low"], figure["high"]], [at, at], color=look["color"], linewidth=1.4)
            shown = value == "auc" or figure.get("p_holm", 1.0) < ALPHA
            axes.plot(
                figure[value],
                at,
                markersize=5,
                linestyle="none",
                **look,
                markerfacecolor=look["color"] if shown else "white",
            )
