"""The diversity review by finding, drawn without a display: shares, pairs of findings, coverage of archives."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from evaluation.figures import ACCENT, INK, QUIET, SECOND, STYLE

# Inches.
PANEL, ROW, HEAD = 3.9, 0.32, 1.5
MARKERS = "D^vsP"

Json = Mapping[str, Any]


def draw_diversity(result: Json, path: Path) -> None:
    """Write the figure of `python -m evaluation diversity` as SVG or PNG, as `path` ends."""
    findings = list(result["prevalence"])
    panels = 3 if result["archives"] else 2
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(PANEL * panels, HEAD + ROW * max(8, len(findings))), layout="constrained")
        axes = figure.subplots(1, panels, squeeze=False)[0]
        _shares(axes[0], result["prevalence"])
        _pairs(axes[1], result["together"])
        if result["archives"]:
            _coverage(axes[2], findings, result["archives"])
        figure.savefig(path, dpi=150, metadata={"Date": None, "Creator": None} if path.suffix == ".svg" else None)


def _shares(axes: Axes, table: Json) -> None:
    for row, figures in enumerate(table.values()):
        widest = list((figures["range"] or {}).values())[-1:]
        if widest and widest[0]:
            low, high = (100 * widest[0][end] for end in ("low", "high"))
            axes.barh(row + 0.15, high - low, 0.3, low, color=SECOND, alpha=0.15, linewidth=0)
        called = 100 * figures["plain_called_positive"]["estimate"]
        axes.plot(called, row + 0.15, "x", color=QUIET, markersize=5, label="plain, as the classifier calls them")
        _whisker(axes, figures["source"], row - 0.15, ACCENT, "o", "source, by labels")
        _whisker(axes, figures["corrected"], row + 0.15, SECOND, "D", "plain, corrected")
    _by_row(axes, list(table))
    axes.set(xlabel="% of films; shaded: classifier up to 10 points off")
    _legend(axes)


def _pairs(axes: Axes, table: list[Json]) -> None:
    both = [row for row in table if row["p"] is not None]
    for row in both:
        real, plain = row["held_out_by_classifier"], row["plain_by_classifier"]
        colour, marker = (SECOND, "s") if row["differs"] else (ACCENT, "o")
        label = "shown to differ (Holm)" if row["differs"] else "not shown to differ"
        middle = real["log_odds_ratio"], plain["log_odds_ratio"]
        axes.plot([real["low"], real["high"]], [middle[1]] * 2, color=colour, linewidth=0.6, alpha=0.5)
        axes.plot([middle[0]] * 2, [plain["low"], plain["high"]], color=colour, linewidth=0.6, alpha=0.5)
        axes.plot(*middle, marker, color=colour, markersize=4, label=label)
    axes.axline((0, 0), slope=1, color=QUIET, linewidth=0.8, linestyle=":")
    axes.set(xlabel="log odds ratio of a pair, held-out films", ylabel="log odds ratio of a pair, plain draws")
    axes.tick_params(colors=INK)
    _legend(axes)


def _coverage(axes: Axes, findings: list[str], archives: Json) -> None:
    for number, (name, archive) in enumerate(archives.items()):
        for row, finding in enumerate(findings):
            variety = archive["findings"].get(finding, {}).get("variety")
            if variety:
                at = row + 0.15 * (number + 1)
                _whisker(axes, variety["coverage_of_synthetic"], at, SECOND, MARKERS[number % len(MARKERS)], name)
                _whisker(axes, variety["coverage_of_real"], row - 0.15, ACCENT, "o", "other real films")
    _by_row(axes, findings)
    sizes = ", ".join(str(archive["n"]) for archive in archives.values())
    axes.set(xlabel=f"% of real films covered, n = {sizes}; 95 % of splits", xlim=(0, 100))
    _legend(axes)


def _whisker(axes: Axes, share: Json | None, row: float, colour: str, marker: str, label: str) -> None:
    if share:
        axes.plot([100 * share["low"], 100 * share["high"]], [row, row], color=colour, linewidth=1.4)
        axes.plot(100 * share["estimate"], row, marker, color=colour, markersize=5, label=label)


def _by_row(axes: Axes, findings: list[str]) -> None:
    axes.set_yticks(range(len(findings)), [name.replace("_", " ") for name in findings])
    axes.set_ylim(len(findings) - 0.5, -0.5)
    axes.tick_params(colors=INK)


def _legend(axes: Axes) -> None:
    """One entry for each label, below the axes."""
    handles, labels = axes.get_legend_handles_labels()
    once = dict(zip(labels, handles, strict=True))
    if once:
        axes.legend(
            once.values(), once.keys(), frameon=False, fontsize=8, loc="upper center", bbox_to_anchor=(0.5, -0.14)
        )
