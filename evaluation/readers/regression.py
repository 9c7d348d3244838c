"""Which circumstances go with how films are judged: logistic regression, clustered by reader and by case.

The outcome is “rated synthetic”. A covariate has two effects: on bias (are real films called synthetic more often?) and
on detection (do real and synthetic films come further apart?), the latter its interaction with the truth.
"""

from __future__ import annotations

import math
import warnings
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from statsmodels.genmod.families import Binomial
from statsmodels.genmod.generalized_linear_model import GLM
from statsmodels.tools.sm_exceptions import PerfectSeparationWarning

from evaluation.readers.intervals import t_quantile, two_sided_p
from evaluation.readers.ratings import Bools, Floats
from evaluation.readers.reading import Reading

Effect = Literal["bias", "detection"]

# From this many readers the normal distribution is used; below it, findings are exploratory.
MANY_READERS = 20
# A fitted log odds beyond this is on its way to infinity.
CERTAIN = 25
SEPARATED = "The regression does not converge: a covariate tells the judgements apart completely."


@dataclass(frozen=True, slots=True)
class Term:
    """A log odds ratio with its error, interval and two-sided p; None where the clustered variance is not positive.

    `value` is the label that stands against the reference, or "" for a covariate that is a number (per unit of it).
    """

    covariate: str
    value: str
    effect: Effect
    estimate: float
    se: float | None
    low: float | None
    high: float | None
    p: float | None


@dataclass(frozen=True, slots=True)
class Regression:
    """All terms of the model, and what they rest on.

    `references` holds each covariate's reference: the most frequent label, or a number's mean. `df` is infinite from
    20 readers. `undefined` says what was left out, and why.
    """

    readings: int
    readers: int
    cases: int
    df: float
    exploratory: bool
    references: dict[str, str | float]
    terms: list[Term]
    undefined: list[str]


def logistic(
    readings: Sequence[Reading], covariates: Sequence[str], cut: float, confidence: float = 0.95
) -> Regression:
    """Regress “rated synthetic” (a rating of at least `cut`) on truth, `covariates` and their products with truth.

    `covariates` are fields of a reading or names in its `extra`; labels may be joined by |. Variances are clustered
    both ways (Cameron, Gelbach and Miller, J Bus Econ Stat 2011); below 20 readers Student's t with readers − 1
    degrees of freedom. Raises ValueError where the model cannot be fitted, with the reason.
    """
    undefined: list[str] = []
    texts = {name: [_text(reading, name) for reading in readings] for name in covariates}
    numeric = {name for name, values in texts.items() if _are_numbers(values)}
    keep = _without_gaps(texts, len(readings), undefined)
    synthetic = np.array([reading.truth == "synthetic" for reading in readings], dtype=bool)
    said = np.array([reading.rating >= cut for reading in readings], dtype=bool)
    labels = {name: [set(value.split("|")) for value in texts[name]] for name in covariates if name not in numeric}
    keep &= _judged_both_ways(labels, synthetic, said, keep, undefined)
    kept = np.flatnonzero(keep).tolist()
    readers = _numbered([readings[row].reader for row in kept])
    cases = _numbered([readings[row].case for row in kept])
    count = len(np.unique(readers))
    if count < 2:
        raise ValueError("A regression clustered by reader needs readings of two readers or more.")
    columns: list[tuple[str, str, Floats]] = []
    references: dict[str, str | float] = {}
    for name in covariates:
        if name in numeric:
            numbers = np.array([float(texts[name][row]) for row in kept])
            references[name] = float(numbers.mean())
            columns.append((name, "", numbers - numbers.mean()))
        else:
            own = [labels[name][row] for row in kept]
            references[name], *others = _by_frequency(own)
            columns += [(name, label, np.array([float(label in row) for row in own])) for label in others]
    estimates, variances = _fitted(said[kept], synthetic[kept], [column for *_, column in columns], readers, cases)
    df = math.inf if count >= MANY_READERS else float(count - 1)
    effects: list[tuple[str, str, Effect]] = [("truth", "synthetic", "detection")]
    effects += [(name, value, "bias") for name, value, _ in columns]
    effects += [(name, value, "detection") for name, value, _ in columns]
    terms = [
        _term(*effect, estimate, variance, df, confidence)
        for effect, estimate, variance in zip(effects, estimates, variances, strict=True)
    ]
    if any(term.se is None for term in terms):
        undefined.append("Some terms have no interval: their variance, clustered both ways, is not above zero.")
    return Regression(
        readings=len(kept),
        readers=count,
        cases=len(np.unique(cases)),
        df=df,
        exploratory=count < MANY_READERS,
        references=references,
        terms=terms,
        undefined=undefined,
    )


def _numbered(names: Sequence[str]) -> np.ndarray:
    numbers = {name: number for number, name in enumerate(dict.fromkeys(names))}
    return np.array([numbers[name] for name in names])


def _text(reading: Reading, name: str) -> str:
    value = getattr(reading, name) if hasattr(reading, name) else reading.extra.get(name)
    return "" if value is None else str(value).strip()


def _are_numbers(values: Sequence[str]) -> bool:
    try:
        return all(math.isfinite(float(value)) for value in values if value) and any(values)
    except ValueError:
        return False


def _without_gaps(texts: dict[str, list[str]], count: int, undefined: list[str]) -> Bools:
    """Which readings have a value of every covariate. Raises ValueError where none has."""
    for name, values in texts.items():
        missing = values.count("")
        if missing == len(values):
            raise ValueError(f"The covariate “{name}” has no value in any reading.")
        if missing:
            undefined.append(f"Left out {missing} readings without a value of “{name}”.")
    return np.array([all(values[row] for values in texts.values()) for row in range(count)], dtype=bool)


def _judged_both_ways(
    labels: dict[str, list[set[str]]], synthetic: Bools, said: Bools, keep: Bools, undefined: list[str]
) -> Bools:
    """Which readings have only labels that were judged both ways in real and in synthetic films.

    A label without that has an infinite odds ratio; its readings are left out with it.
    """
    keep = keep.copy()
    for name, values in labels.items():
        for label in sorted(set().union(*values)):
            has = keep & np.array([label in row for row in values])
            judged = {(bool(truth), bool(word)) for truth, word in zip(synthetic[has], said[has], strict=True)}
            if has.any() and len(judged) < 4:
                keep &= ~has
                undefined.append(
                    f"Left out {has.sum()} readings with {name} “{label}”: its real or its synthetic films were all "
                    "judged the same."
                )
    return keep


def _by_frequency(labels: Sequence[set[str]]) -> list[str]:
    """All labels, the most frequent first and the others by name."""
    counts = Counter(label for row in labels for label in row)
    most = max(sorted(counts), key=counts.__getitem__)
    return [most, *sorted(counts.keys() - {most})]


def _fitted(
    said: Bools, synthetic: Bools, columns: Sequence[Floats], readers: np.ndarray, cases: np.ndarray
) -> tuple[Floats, Floats]:
    """Estimates and clustered variances: truth, the columns, their products with truth."""
    for films in (synthetic, ~synthetic):
        if len(np.unique(said[films])) < 2:
            raise ValueError("The real or the synthetic films were all judged the same, so odds ratios are infinite.")
    truth = synthetic.astype(float)
    design = np.column_stack([np.ones(len(said)), truth, *columns, *(column * truth for column in columns)])
    if np.linalg.matrix_rank(design) < design.shape[1]:
        raise ValueError("The covariates cannot be told apart from each other or from the truth; name fewer of them.")
    clusters = np.column_stack([readers, cases])
    model = GLM(said.astype(float), design, family=Binomial())
    try:
        with warnings.catch_warnings(action="error", category=PerfectSeparationWarning):
            fit = model.fit(cov_type="cluster", cov_kwds={"groups": clusters})
    except PerfectSeparationWarning as warning:
        raise ValueError(SEPARATED) from warning
    if not fit.converged or np.abs(design @ fit.params).max() > CERTAIN:
        raise ValueError(SEPARATED)
    return fit.params[1:], np.diag(fit.cov_params())[1:]


def _term(
    covariate: str, value: str, effect: Effect, estimate: float, variance: float, df: float, confidence: float
) -> Term:
    if not variance > 0:
        return Term(covariate, value, effect, float(estimate), None, None, None, None)
    se = math.sqrt(variance)
    reach = t_quantile(0.5 + confidence / 2, df) * se
    return Term(
        covariate,
        value,
        effect,
        float(estimate),
        se,
        float(estimate - reach),
        float(estimate + reach),
        two_sided_p(estimate / se, df),
    )
