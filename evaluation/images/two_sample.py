"""Can a classifier tell the synthetic from the real (Lopez-Paz and Oquab, ICLR 2017)?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from sklearn import config_context
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold
from sklearn.preprocessing import StandardScaler

from evaluation.images.patients import numbered
from evaluation.readers.auc import placements
from evaluation.readers.intervals import t_quantile
from evaluation.readers.ratings import Bools, Floats

FOLDS = 5
PERMUTATIONS = 99
MOST_FILMS = 1000
MOST_FEATURES = 64
RULE = (
    f"logistic regression on standardised features or their first {MOST_FEATURES} principal components, {FOLDS} folds, "
    f"{PERMUTATIONS} permutations"
)


@dataclass(frozen=True, slots=True)
class TwoSample:
    """The mean AUC over folds, 0.5 where nothing tells the sets apart; `n` films a side took part."""

    n: int
    auc: float
    low: float
    high: float
    p: float


def two_sample(real: Floats, fake: Floats, seed: int = 0, patients: Sequence[str] | None = None) -> TwoSample | None:
    """How well a logistic regression tells features of shapes (n₁, d) and (n₂, d) apart that it was not fitted on.

    Both sides have one n, at most `MOST_FILMS`. Of each of the `patients` of the real rows one film takes part, so that
    no patient is in two folds and films can be dealt anew. The interval is Student's over the folds. `p` is how often
    the whole, fits included, comes out as well with films dealt at random to both sides. None where a side has fewer
    films or patients than folds.
    """
    random = np.random.default_rng(seed)
    order = random.permutation(len(real))
    one_each = order[np.unique(numbered(len(real), patients)[order], return_index=True)[1]]
    n = min(len(one_each), len(fake), MOST_FILMS)
    if n < FOLDS:
        return None
    rows = random.permutation(one_each)[:n], random.permutation(len(fake))[:n]
    features = _reduced(np.concatenate([real[rows[0]], fake[rows[1]]]).astype(np.float64))
    synthetic = np.arange(2 * n) >= n
    with config_context(assume_finite=True, skip_parameter_validation=True):
        areas, *dealt = (
            _areas(features, truth, seed)
            for truth in (synthetic, *(random.permutation(synthetic) for _ in range(PERMUTATIONS)))
        )
    mean = float(areas.mean())
    as_well = sum(others.mean() >= mean - 1e-12 for others in dealt)
    reach = t_quantile(0.975, FOLDS - 1) * float(areas.std(ddof=1)) / FOLDS**0.5
    p = float((1 + as_well) / (1 + PERMUTATIONS))
    return TwoSample(n, mean, max(0.0, mean - reach), min(1.0, mean + reach), p)


def _reduced(features: Floats) -> Floats:
    """Standardised over both sides, which says nothing of their difference, and few enough to be fitted often."""
    scaled = StandardScaler().fit_transform(features)
    if scaled.shape[1] <= MOST_FEATURES:
        return scaled
    return PCA(min(MOST_FEATURES, len(scaled) - 1), whiten=True, svd_solver="full").fit_transform(scaled)


def _areas(features: Floats, synthetic: Bools, seed: int) -> Floats:
    areas = []
    for train, test in StratifiedKFold(FOLDS, shuffle=True, random_state=seed).split(features, synthetic):
        classifier = LogisticRegression(solver="newton-cholesky").fit(features[train], synthetic[train])
        areas.append(placements(classifier.decision_function(features[test]), synthetic[test])[0].mean())
    return np.array(areas)
