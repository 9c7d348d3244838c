"""The course of a run as a picture: how far what it draws is from real films, and how far it overfits.

Drawn in the admin's own colours, which follow its light and its dark theme.
"""

from __future__ import annotations

import io
from collections.abc import Sequence

import matplotlib as mpl
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogFormatter

from evaluation.figures import ACCENT, INK, QUIET, SECOND, STYLE
from gan.config import TrainingConfig
from gan.schedule import spans
from readerstudy.synthesis.models import RunMeasurement

COLOURS = {
    INK: "var(--body-fg)",
    QUIET: "var(--body-quiet-color)",
    ACCENT: "var(--link-fg)",
    SECOND: "var(--accent-curve)",
}
# Inches.
WIDTH, HEIGHT_OF_PANEL = 7.2, 2.3
LABELS_APART = 0.055
"""Resolutions are named only where their phases begin that much of the width apart."""


def course(
    config: TrainingConfig, measurements: Sequence[RunMeasurement], gaps: Sequence[tuple[int, float]]
) -> SafeString:
    """SVG of the Fréchet distances, and of the gaps (images shown, overfitting) below, over the images shown.

    Either may be empty, but not both. Phases begin at dotted lines; their fades are shaded.
    """
    panels = bool(measurements) + bool(gaps)
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(WIDTH, 0.5 + HEIGHT_OF_PANEL * panels), layout="constrained")
        axes = figure.subplots(panels, sharex=True, squeeze=False)[:, 0]
        if measurements:
            _distances(axes[0], measurements)
        if gaps:
            _gaps(axes[-1], gaps)
        shown = max([row.images_shown for row in measurements] + [images for images, _overfitting in gaps])
        for panel in axes:
            panel.set_xlim(0, 1.03 * shown)
            _mark_phases(panel, config, shown, named=panel is axes[0])
        axes[-1].set_xlabel(_("images shown"))
        axes[-1].xaxis.set_major_formatter(FuncFormatter(lambda images, _position: f"{images:,.0f}"))
        text = io.StringIO()
        figure.savefig(text, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    return mark_safe(_in_the_admins_colours(text.getvalue()))


def _distances(axes: Axes, measurements: Sequence[RunMeasurement]) -> None:
    images = [row.images_shown for row in measurements]
    for colour, name, label in (
        (ACCENT, "frechet", _("drawn against real")),
        (SECOND, "floor", _("real against real")),
    ):
        values, low, high = ([getattr(row, name + limit) for row in measurements] for limit in ("", "_low", "_high"))
        axes.fill_between(images, low, high, color=colour, alpha=0.2, linewidth=0)
        axes.plot(images, values, color=colour, linewidth=1.6, marker="o", markersize=3, label=label)
    axes.set_yscale("log")
    for formatter in (axes.yaxis.set_major_formatter, axes.yaxis.set_minor_formatter):
        # Names the finer ticks too where the distances span little.
        formatter(LogFormatter(labelOnlyBase=False, minor_thresholds=(1.5, 0.5)))
    axes.set_ylabel(_("Fréchet distance"))
    axes.legend(loc="upper right", frameon=False, fontsize=8)


def _gaps(axes: Axes, gaps: Sequence[tuple[int, float]]) -> None:
    axes.axhline(0, color=QUIET, linewidth=0.8)
    axes.plot(*zip(*gaps, strict=True), color=INK, linewidth=1.6, marker="o", markersize=3)
    axes.set_ylabel(_("overfitting"))


def _mark_phases(axes: Axes, config: TrainingConfig, shown: int, *, named: bool) -> None:
    start, named_at = 0.0, -1.0 * shown
    for resolution, fade, stable in spans(config):
        if start > shown:
            return
        axes.axvline(start, color=QUIET, linewidth=0.6, linestyle=":")
        axes.axvspan(start, min(start + fade, 1.03 * shown), color=QUIET, alpha=0.1, linewidth=0)
        if named and start - named_at >= LABELS_APART * shown:
            above = (start, 1.02)
            axes.annotate(f"{resolution}²", above, xycoords=("data", "axes fraction"), color=QUIET, fontsize=8)
            named_at = start
        start += fade + stable


def _in_the_admins_colours(svg: str) -> str:
    svg = svg[svg.index("<svg") :]
    for colour, variable in COLOURS.items():
        svg = svg.replace(colour, variable)
    return svg
