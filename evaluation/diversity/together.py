"""Which findings go together: log odds ratios of pairs, and what comes along where a finding was wanted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations, permutations
from math import sqrt
from typing import Any

import numpy as np

from evaluation.diversity.shares import Z95, Moments, Share, share_of
from evaluation.images.patients import numbered
from evaluation.readers.intervals import two_sided_p
from evaluation.readers.one_reader import holm
from evaluation.readers.ratings import Bools, Floats

# Films with a finding, below which nothing is said of what goes with it.
FEWEST = 5
ALPHA = 0.05


@dataclass(frozen=True, slots=True)
class Pair:
    """Two findings in one set of films: how many films show both, and how many would if neither knew of the other."""

    both: int
    expected: float
    log_odds_ratio: Moments

    def to_json(self) -> dict[str, float]:
        middle, reach = self.log_odds_ratio.value, Z95 * sqrt(self.log_odds_ratio.variance)
        return {
            "both": self.both,
            "expected": self.expected,
            "log_odds_ratio": middle,
            "low": middle - reach,
            "high": middle + reach,
        }


def pair_of(first: Bools, second: Bools, patients: Sequence[str] | None = None) -> Pair:
    """The log odds ratio of two findings, each of shape (films,), half a film added to each cell.

    Haldane (Ann Hum Genet 1956) and Anscombe (Biometrika 1956). The variance is Woolf's or, where it is larger, that
    between `patients`.
    """
    cells = np.array([first & second, first & ~second, ~first & second, ~first & ~second])
    counts = cells.sum(1) + 0.5
    signs = np.array([1, -1, -1, 1])
    totals = np.bincount(numbered(len(first), patients), (signs / counts) @ cells)
    return Pair(
        both=int(cells[0].sum()),
        expected=float(first.mean() * second.sum()),
        log_odds_ratio=Moments(float(signs @ np.log(counts)), float(max((1 / counts).sum(), (totals**2).sum()))),
    )


@dataclass(frozen=True)
class Marked:
    """Films with what is said of each finding, of shape (films, findings), by labels or by a classifier.

    1 is there and 0 is not; NaN, where that is not known, is left out. `patients` are as in `pair_of`.
    """

    marks: Floats
    patients: Sequence[str] | None = None

    def pair(self, first: int, second: int) -> Pair | None:
        """The pair of two columns; None where too few films show one of them."""
        known = np.flatnonzero(~np.isnan(self.marks[:, [first, second]]).any(1))
        shown = self.marks[known] == 1
        if min(shown[:, first].sum(), shown[:, second].sum()) < FEWEST or shown[:, [first, second]].all(0).any():
            return None
        return pair_of(shown[:, first], shown[:, second], self._of(known))

    def share(self, column: int, rows: np.ndarray) -> Share | None:
        """How many of some rows, given by number, show a finding; None where there are too few."""
        rows = rows[~np.isnan(self.marks[rows, column])]
        return share_of(self.marks[rows, column] == 1, self._of(rows)) if len(rows) >= FEWEST else None

    def _of(self, rows: np.ndarray) -> list[str] | None:
        return [self.patients[row] for row in rows.tolist()] if self.patients else None


def pairs(
    findings: Sequence[str], source_labels: Marked, held_out: Marked | None, plain: Marked
) -> list[dict[str, Any]]:
    """Every pair of findings in the source by its labels, and by the classifier in held-out and in plain films.

    The classifier errs in a pair as it errs in one finding, so plain films are compared with held-out films that the
    same classifier looked at, and not with labels: `p`, and `p_holm` over all pairs that can be compared.
    """
    table = []
    for first, second in combinations(range(len(findings)), 2):
        sides = {
            "source_by_labels": source_labels.pair(first, second),
            "held_out_by_classifier": held_out.pair(first, second) if held_out else None,
            "plain_by_classifier": plain.pair(first, second),
        }
        table.append(
            {
                "findings": [findings[first], findings[second]],
                **{name: pair.to_json() if pair else None for name, pair in sides.items()},
                "p": _p(sides["held_out_by_classifier"], sides["plain_by_classifier"]),
            }
        )
    return corrected(table)


def carried_along(
    findings: Sequence[str], archive: Marked, targets: Bools, held_out: Marked, held_out_labels: Floats
) -> list[dict[str, Any]]:
    """What else the classifier sees in films that were steered to one finding, and in real films with that finding.

    An archive holds as many films of a finding as were asked for, so an odds ratio over all of it would speak of that
    choice. `targets` and `held_out_labels` have shape (films, findings). The difference has the interval of Agresti
    and Caffo (Am Stat 2000); `p_holm` is over all ordered pairs that can be compared.
    """
    table = []
    for wanted, other in permutations(range(len(findings)), 2):
        drawn = archive.share(other, np.flatnonzero(targets[:, wanted] & ~targets[:, other]))
        real = held_out.share(other, np.flatnonzero(held_out_labels[:, wanted] == 1))
        row = {
            "wanted": findings[wanted],
            "seen": findings[other],
            "archive": drawn.to_json() if drawn else None,
            "held_out": real.to_json() if real else None,
            "difference": None,
            "p": None,
        }
        if drawn and real:
            row |= _difference(drawn, real)
        table.append(row)
    return corrected(table)


def corrected(table: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rows of a table with `p_holm` beside `p` (Holm, Scand J Stat 1979), and whether they are shown to differ.

    Both are None where `p` is.
    """
    adjusted = iter(holm([row["p"] for row in table if row["p"] is not None]))
    together = [None if row["p"] is None else next(adjusted) for row in table]
    return [
        row | {"p_holm": p, "differs": None if p is None else p < ALPHA} for row, p in zip(table, together, strict=True)
    ]


def _difference(drawn: Share, real: Share) -> dict[str, Any]:
    ours, theirs = drawn.adjusted(1), real.adjusted(1)
    middle, error = ours.value - theirs.value, sqrt(ours.variance + theirs.variance)
    interval = {
        "estimate": drawn.estimate - real.estimate,
        "low": max(-1.0, middle - Z95 * error),
        "high": min(1.0, middle + Z95 * error),
    }
    return {"difference": interval, "p": two_sided_p(middle / error, float("inf"))}


def _p(first: Pair | None, second: Pair | None) -> float | None:
    if first is None or second is None:
        return None
    one, other = first.log_odds_ratio, second.log_odds_ratio
    return two_sided_p((other.value - one.value) / sqrt(one.variance + other.variance), float("inf"))
