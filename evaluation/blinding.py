"""Can the truth of films be predicted from what a reader's browser sees of them beside the picture?

A channel holds one kind of such things for every film. Texts that vary are tested for independence of truth. Numbers
are given to a classifier, whose cross-validated AUC says how well it predicts; 0.5 is guessing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy.stats import rankdata
from sklearn.linear_model import Ridge
from sklearn.model_selection import KFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import SplineTransformer

from evaluation.readers.auc import delong

Bools = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]
Verdict = Literal["tells", "open", "silent"]

SIMULTANEOUS_CONFIDENCE = 0.95
# A channel is silent when truth is predicted from it worse than this, with that confidence over all channels.
HIGHEST_AUC = 0.65
# A channel tells when chance would predict as well less often than this, corrected for the number of channels.
ALPHA = 0.01
PERMUTATIONS = 4_999
FOLDS = 5
KNOTS = 5


@dataclass(frozen=True, eq=False)
class Numbers:
    """A channel of numbers: `values` has shape (films, features)."""

    name: str
    values: Floats
    of_the_picture: bool = False
    """It depends on what the film shows, so it is reported and proves no leak."""


@dataclass(frozen=True)
class Texts:
    """A channel of texts, one for each film."""

    name: str
    values: Sequence[str]
    must_agree: bool = False
    """No film may differ from another in it, whatever its truth."""
    expected: str | None = None
    """What every film must have, where that is known."""


@dataclass(frozen=True)
class Finding:
    """What one channel tells. `auc` to `upper` are None for texts, `p` where there was nothing to test.

    `upper` is the upper limit that holds for all channels together with 95 % confidence; `p` is corrected by Holm.
    """

    name: str
    kind: Literal["text", "numbers", "picture"]
    verdict: Verdict
    distinct: int
    auc: float | None = None
    low: float | None = None
    high: float | None = None
    upper: float | None = None
    p: float | None = None
    note: str = ""


def findings(
    texts: Sequence[Texts], numbers: Sequence[Numbers], synthetic: Bools, *, seed: int, permutations: int = PERMUTATIONS
) -> list[Finding]:
    """What every channel tells of truth. `synthetic` has shape (films,).

    Raises ValueError where a truth state has fewer films than there are folds.
    """
    if min(synthetic.sum(), (~synthetic).sum()) < FOLDS:
        raise ValueError(f"Blinding is measured on at least {FOLDS} real and {FOLDS} synthetic films.")
    varying = [channel for channel in texts if len(set(channel.values)) > 1 and not channel.must_agree]
    moving = [channel for channel in numbers if (channel.values != channel.values[0]).any()]
    shuffled = _shuffled(synthetic, permutations, seed)
    scores = [_cross_validated(channel.values, shuffled, seed) for channel in moving]
    raw = [_p_of_texts(channel.values, shuffled) for channel in varying]
    raw += [_p_of_scores(score, shuffled) for score in scores]
    tested = [channel.name for channel in varying] + [channel.name for channel in moving]
    corrected = dict(zip(tested, holm(raw), strict=True))
    simultaneous = 1 - 2 * (1 - SIMULTANEOUS_CONFIDENCE) / max(1, len(moving))
    by_name = {channel.name: score[:, 0] for channel, score in zip(moving, scores, strict=True)}
    return [
        *(_of_texts(channel, synthetic, corrected.get(channel.name)) for channel in texts),
        *(
            _of_numbers(channel, by_name.get(channel.name), synthetic, corrected.get(channel.name), simultaneous)
            for channel in numbers
        ),
    ]


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's step-down correction (Scandinavian Journal of Statistics 1979), in the order given."""
    order = np.argsort(p_values)
    corrected = np.empty(len(p_values))
    if len(p_values):
        steps = np.array(p_values)[order] * np.arange(len(p_values), 0, -1)
        corrected[order] = np.minimum(np.maximum.accumulate(steps), 1)
    return [float(p) for p in corrected]


def _shuffled(synthetic: Bools, permutations: int, seed: int) -> Bools:
    """Truth as it is in the first column, and shuffled in as many others."""
    columns = np.repeat(synthetic[:, None], permutations, axis=1)
    return np.column_stack([synthetic, np.random.default_rng(seed).permuted(columns, axis=0)])


def _cross_validated(values: Floats, truths: Bools, seed: int) -> Floats:
    """Predictions of every column of `truths` for films that had no part in the fit, of its shape.

    Least squares on splines of the features' ranks: it follows any smooth rule in each feature, and fits all columns at
    once, so that each shuffled truth is predicted by a fit of its own.
    """
    # Ranks know nothing of truth, so that they need not be taken anew for each fold.
    ranks = rankdata(values, axis=0) / len(values)
    classifier = make_pipeline(SplineTransformer(n_knots=KNOTS, degree=2), Ridge())
    folds = KFold(FOLDS, shuffle=True, random_state=seed)
    # Rounded, because what is one prediction must not differ by the order of a sum.
    return np.round(cross_val_predict(classifier, ranks, truths.astype(np.float64), cv=folds), 9)


def _p_of_scores(scores: Floats, truths: Bools) -> float:
    """How often shuffled truth is predicted at least as well."""
    ranks = rankdata(scores, axis=0)
    positives = truths[:, 0].sum()
    areas = ((ranks * truths).sum(0) - positives * (positives + 1) / 2) / (positives * (len(truths) - positives))
    return float((areas >= areas[0] - 1e-12).mean())


def _p_of_texts(values: Sequence[str], truths: Bools) -> float:
    """How often chance makes texts depend as much on shuffled truth, by the χ² of the table of texts and truth."""
    texts, which = np.unique(values, return_inverse=True)
    counts = np.bincount(which)
    member = np.eye(len(texts))[which]
    expected = counts * truths[:, 0].mean()
    statistics = (((member.T @ truths.astype(np.float64)) - expected[:, None]) ** 2 / expected[:, None]).sum(0)
    return float((statistics >= statistics[0] - 1e-9).mean())


def _of_texts(channel: Texts, synthetic: Bools, p: float | None) -> Finding:
    distinct = sorted(set(channel.values))
    as_expected = channel.expected is None or distinct == [channel.expected]
    if len(distinct) == 1 and as_expected:
        return Finding(channel.name, "text", "silent", 1)
    tells = channel.must_agree or not as_expected or (p is not None and p <= ALPHA)
    verdict: Verdict = "tells" if tells else "silent"
    values = np.array(channel.values)
    examples = [
        f"{text[:60]!r}: {int((values[~synthetic] == text).sum())} real, {int((values[synthetic] == text).sum())} "
        "synthetic"
        for text in distinct[:3]
    ]
    return Finding(channel.name, "text", verdict, len(distinct), p=p, note="; ".join(examples))


def _of_numbers(
    channel: Numbers, scores: Floats | None, synthetic: Bools, p: float | None, simultaneous: float
) -> Finding:
    kind: Literal["numbers", "picture"] = "picture" if channel.of_the_picture else "numbers"
    distinct = len(np.unique(channel.values, axis=0))
    if scores is None or p is None:
        return Finding(channel.name, kind, "silent", distinct)
    area = delong(scores, synthetic)
    upper = delong(scores, synthetic, simultaneous).high
    # Without DeLong's variance prediction is perfect, or all films have one score.
    upper = area.estimate if upper is None else upper
    verdict: Verdict = "tells" if p <= ALPHA else "silent" if upper < HIGHEST_AUC else "open"
    return Finding(channel.name, kind, verdict, distinct, area.estimate, area.low, area.high, upper, p)
