"""`python -m evaluation.readers.validation`: do the intervals and tests of this package keep what they promise?

Studies are drawn by Roe and Metz's model with a mean AUC that is known, and analysed by the functions that analyse all
studies. Printed is a Markdown table in per cent of the runs: how often 95 % intervals hold an AUC of 0.5, how often
equivalence is claimed where the AUC lies on a bound of the margin (in at most 5 %, if all is well) and where it is 0.5.
The status is 1 where Obuchowski and Rockette's analysis misses `LEAST_COVERAGE` or `MOST_FALSE_CLAIMS`.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import product
from typing import Literal, get_args

import numpy as np
from tqdm import tqdm

from evaluation.readers import covariance, merit, moments, mrmc, one_shot
from evaluation.readers.planning import GUESSING, Goal
from evaluation.readers.ratings import Ratings
from evaluation.readers.roe_metz import RoeMetz

GOAL = Goal("equivalence", margin=0.1)
LOW, HIGH = GUESSING - GOAL.margin, GUESSING + GOAL.margin
AREAS = (LOW, GUESSING, HIGH)
CUT = 4
# Readers who are all the same, and readers who differ in d′ and in how they use the scale.
ALIKE = RoeMetz(reader_sd=0, bias_sd=0, spread_sd=0)
DIFFERENT = RoeMetz(reader_sd=0.3)
# What 2,000 runs of an interval of 95 % and of a test at 5 % do not miss by chance.
LEAST_COVERAGE, MOST_FALSE_CLAIMS = 0.93, 0.065

Method = Literal["both", "readers", "cases", "one-shot", "balanced accuracy", "few readers"]
"""Of the AUC: Obuchowski and Rockette's with readers and films random, with films fixed (a t test over readers) or with
readers fixed, with the wider limits of few readers, and the one-shot analysis; of the balanced accuracy Obuchowski and
Rockette's."""

Outcome = tuple[Method, Literal["covered", "claimed", "undefined"]]

HEADER = (
    "| readers | films | SD of d′ | covers 0.5 | with few_readers | claims at 0.4 | at 0.6 | at 0.5 "
    "| one-shot: covers 0.5 | balanced accuracy: covers 0.5 | readers fixed: covers 0.5 | claims at 0.4, 0.6 "
    "| t test: covers 0.5 | claims at 0.4, 0.6 |",
    "|---|---|---|---|---|---|---|---|---|---|---|---|---|---|",
)


@dataclass(frozen=True)
class Cell:
    """What became of studies of one design, half of whose films are real; `counts` by true AUC."""

    model: RoeMetz
    readers: int
    films: int
    runs: int
    counts: dict[float, Counter[Outcome]]

    def coverage(self, method: Method) -> float:
        """How often the interval held 0.5 where that was the AUC."""
        return self.counts[GUESSING][method, "covered"] / self.runs

    def claims(self, method: Method, area: float) -> float:
        """How often equivalence was claimed with this true AUC."""
        return self.counts[area][method, "claimed"] / self.runs

    @property
    def few(self) -> bool:
        """Whether there are limits for few readers."""
        return self.readers <= mrmc.VERY_FEW_READERS

    @property
    def holds(self) -> bool:
        claims = max(self.claims("both", LOW), self.claims("both", HIGH))
        coverage = self.coverage("few readers" if self.few else "both")
        return coverage >= LEAST_COVERAGE and claims <= MOST_FALSE_CLAIMS

    def row(self) -> str:
        few = _percent(self.coverage("few readers")) if self.few else "–"
        shares = [
            *(self.claims("both", area) for area in (LOW, HIGH, GUESSING)),
            *(self.coverage(method) for method in ("one-shot", "balanced accuracy")),
        ]
        columns = [str(self.readers), str(self.films), f"{self.model.reader_sd:g}"]
        columns += [_percent(self.coverage("both")), few, *map(_percent, shares)]
        for method in ("cases", "readers"):
            columns.append(_percent(self.coverage(method)))
            columns.append(", ".join(_percent(self.claims(method, area)) for area in (LOW, HIGH)))
        return f"| {' | '.join(columns)} |"


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m evaluation.readers.validation", description=__doc__)
    parser.add_argument("--runs", type=int, default=2000, help="studies drawn for every design and true AUC")
    parser.add_argument("--readers", type=int, nargs="+", default=(3, 6, 12))
    parser.add_argument("--films", type=int, nargs="+", default=(60, 120, 240))
    parser.add_argument("--missing", type=float, default=0.0, help="share of the readings that is missing by chance")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(arguments)
    designs = list(product((ALIKE, DIFFERENT), options.readers, options.films))
    cells = []
    print(*HEADER, sep="\n", flush=True)
    with tqdm(total=len(designs) * len(AREAS) * options.runs, desc="Studies", disable=None) as bar:
        for model, readers, films in designs:
            cell = Cell(model, readers, films, options.runs, {area: Counter() for area in AREAS})
            for area in AREAS:
                seed = [options.seed, readers, films, round(100 * model.reader_sd), round(100 * area)]
                for study in _studies(cell, area, options.missing, seed):
                    cell.counts[area].update(_outcomes(study, area))
                    bar.update()
            cells.append(cell)
            print(cell.row(), flush=True)
    undefined = sum((counts for cell in cells for counts in cell.counts.values()), Counter[Outcome]())
    print(f"\n{options.runs} runs a cell, seed {options.seed}. Without an interval:", _undefined(undefined))
    return 0 if all(cell.holds for cell in cells) else 1


def _studies(cell: Cell, area: float, missing: float, seed: Sequence[int]) -> Iterator[Ratings]:
    model, random = cell.model.with_area(area), np.random.default_rng(seed)
    for _ in range(cell.runs):
        study = model.draw(cell.readers, cell.films // 2, cell.films - cell.films // 2, random)
        if missing:
            study = replace(study, values=np.where(random.random(study.values.shape) < missing, np.nan, study.values))
        yield study


def _outcomes(ratings: Ratings, area: float) -> Iterator[Outcome]:
    """What each method makes of a study whose readers have this AUC on average."""
    figure, covariances = merit.auc(ratings).estimates[0], covariance.of_auc(ratings, "jackknife")
    analyses: dict[Method, Callable[[], mrmc.ReaderMean | one_shot.OneShot]] = {
        random: partial(mrmc.reader_mean, figure, covariances, GUESSING, random) for random in get_args(mrmc.Random)
    }
    if area == GUESSING:
        right = merit.balanced_accuracy(ratings, CUT)
        analyses["balanced accuracy"] = partial(
            mrmc.reader_mean, right.estimates[0], covariance.jackknife(right), GUESSING
        )
        analyses["one-shot"] = partial(one_shot.reader_mean, moments.auc(ratings), GUESSING)

    for method, analyse in analyses.items():
        try:
            mean = analyse()
        except mrmc.NoVariance:
            yield method, "undefined"
            continue
        if mean.low <= area <= mean.high:
            yield method, "covered"
        few = mean.few_readers if method == "both" and isinstance(mean, mrmc.ReaderMean) else None
        if few and few.low <= area <= few.high:
            yield "few readers", "covered"
        if isinstance(mean, mrmc.ReaderMean) and GOAL.shown_by(mean):
            yield method, "claimed"


def _undefined(counts: Counter[Outcome]) -> str:
    found = [f"{number} ({method})" for (method, outcome), number in counts.items() if outcome == "undefined"]
    return ", ".join(found) or "none"


def _percent(share: float) -> str:
    return f"{100 * share:.1f}"


if __name__ == "__main__":
    sys.exit(main())
