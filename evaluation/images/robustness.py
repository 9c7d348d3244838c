"""Which degradations a distance notices: the distance against their strength, with the floor and intervals over splits.

A sensitivity check and no validation: that a distance rises with blur does not say that it sees what readers see.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from scipy.stats import spearmanr
from sklearn.cluster import KMeans

from evaluation.images.degradations import MIXING, MODE_DROPPING, OF_FILMS, Step, from_elsewhere, left_of_modes
from evaluation.images.distances import COVARIANCE
from evaluation.images.equal_n import SPLITS, floor_splits
from evaluation.images.extractors import Extractor, Progress, describe
from evaluation.images.frechet import frechet
from evaluation.images.kernel import kernel_distance
from evaluation.readers.intervals import Interval
from evaluation.readers.ratings import Floats
from gan.pixels import FULL_SCALE, Film, resample

WHAT = (
    "A sensitivity check: which of these degradations a distance notices, and from which step on. It does not validate "
    "a distance, since nothing here says that the distance sees what readers see."
)
DEGRADATIONS: tuple[Step, ...] = (*OF_FILMS, MIXING, MODE_DROPPING)
DISTANCES: dict[str, Callable[[Floats, Floats], float]] = {
    "frechet": frechet,
    "kernel": lambda first, second: kernel_distance(first, second).estimate,
}
CLUSTERS, CLUSTERED_SIDE = 16, 16
FEWEST = 10

Json = dict[str, Any]
Pair = tuple[Floats, Floats]
Values = dict[str, Floats]
"""Of each distance its values over the splits."""


def robustness(
    real: Sequence[Film],
    other: Sequence[Film],
    extractors: Sequence[Extractor],
    *,
    patients: Sequence[str] | None = None,
    modes: Sequence[str] | None = None,
    seed: int = 0,
    progress: Progress | None = None,
) -> Json:
    """Distances of degraded from untouched real films at equal n, for every extractor and degradation.

    The real films are split into two halves, ten times and no patient in both: one is the reference, the other is
    degraded. `other` are films of another anatomy; `patients` and `modes` name the patient and the mode of each real
    film, and without modes clusters of their greys are taken. `progress` is called with the films measured and their
    number. Raises ValueError where there are too few films or patients, or where two extractors have one name.
    """
    if len({extractor.name for extractor in extractors}) < len(extractors):
        raise ValueError("Two extractors have the same name; rename a file, so that their figures can be told apart.")
    halves = _Halves.of(len(real), patients, seed)
    if len(other) < halves.mixed_in:
        raise ValueError(f"{halves.mixed_in} films of other anatomy are needed, and there are {len(other)}.")
    modes = modes or clusters(real, seed)
    measure = _Measure(progress, len(extractors) * (len(real) * (1 + sum(len(d.steps) for d in OF_FILMS)) + len(other)))
    clean = [measure(extractor, real) for extractor in extractors]
    elsewhere = [measure(extractor, other) for extractor in extractors]
    values: dict[tuple[int, str], list[Values]] = {}
    for index in range(len(extractors)):
        floor = _values(halves.changed(clean[index], clean[index]))
        mixed = [_values(halves.mixed(clean[index], elsewhere[index], share)) for share in MIXING.steps]
        fewer = [_values(halves.of_fewer_modes(clean[index], modes, share)) for share in (0, *MODE_DROPPING.steps)]
        values |= {(index, degradation.name): [floor] for degradation in OF_FILMS}
        values |= {(index, MIXING.name): [floor, *mixed], (index, MODE_DROPPING.name): fewer}
    for degradation, films in _degraded(real, seed):
        for index, extractor in enumerate(extractors):
            changed = measure(extractor, films)
            values[index, degradation].append(_values(halves.changed(clean[index], changed)))
    about = [describe(extractor, rows.shape[1]) for extractor, rows in zip(extractors, clean, strict=True)]
    counts = {"real": len(real), "patients": len(set(patients)) if patients else None, "other": len(other)}
    return {
        "what": WHAT,
        "protocol": _protocol(about, halves, counts, seed),
        "n": halves.size,
        "films": counts,
        "splits": SPLITS,
        "seed": seed,
        "extractors": about,
        "degradations": [_described(degradation) for degradation in DEGRADATIONS],
        "series": [
            _series(extractors[index].name, distance, degradation, halves, values[index, degradation.name])
            for degradation in DEGRADATIONS
            for distance in DISTANCES
            for index in range(len(extractors))
        ],
    }


def clusters(films: Sequence[Film], seed: int) -> list[str]:
    """The cluster of each film by k-means of its greys at 16 × 16, the same for every extractor."""
    small = np.stack([resample(film, CLUSTERED_SIDE).ravel() / FULL_SCALE for film in films])
    means = KMeans(min(CLUSTERS, len(films)), n_init=4, random_state=seed).fit(small)
    return [str(label) for label in means.labels_]


@dataclass(frozen=True)
class _Halves:
    """Rows of reference and degraded films, `size` of each, in every split."""

    splits: tuple[tuple[np.ndarray, np.ndarray], ...]
    size: int
    seed: int

    @classmethod
    def of(cls, films: int, patients: Sequence[str] | None, seed: int) -> _Halves:
        splits = list(floor_splits(films, films // 2, seed, patients))
        size = min((len(reference) for reference, _ in splits), default=0)
        if size < FEWEST:
            raise ValueError(
                f"The real films give two halves of {size} without a patient in both, and {FEWEST} are needed in each."
            )
        return cls(tuple((reference[:size], half[:size]) for reference, half in splits), size, seed)

    @property
    def mixed_in(self) -> int:
        """The most films that are taken from elsewhere."""
        return round(MIXING.steps[-1] / 100 * self.size)

    @property
    def size_of_modes(self) -> int:
        """The films that are left of a half in any case, when modes are dropped."""
        return self.size - int(MODE_DROPPING.steps[-1] / 100 * self.size)

    def changed(self, clean: Floats, changed: Floats) -> Iterator[Pair]:
        for reference, half in self.splits:
            yield clean[reference], changed[half]

    def mixed(self, clean: Floats, other: Floats, percent: float) -> Iterator[Pair]:
        for split, (reference, half) in enumerate(self.splits):
            random = np.random.default_rng((self.seed, split))
            replaced = from_elsewhere(self.size, percent, random)
            rows = clean[half]
            rows[replaced] = other[random.permutation(len(other))[: replaced.sum()]]
            yield clean[reference], rows

    def of_fewer_modes(self, clean: Floats, modes: Sequence[str], percent: float) -> Iterator[Pair]:
        """The first so many films of a half whose modes are left, in the half's own random order."""
        named = np.asarray(modes)
        for split, (reference, half) in enumerate(self.splits):
            left = left_of_modes(named[half], percent, np.random.default_rng((self.seed, split)))
            yield clean[reference[: self.size_of_modes]], clean[half[left[: self.size_of_modes]]]


class _Measure:
    """Features of films, with one progress over all of them."""

    def __init__(self, progress: Progress | None, total: int) -> None:
        self._progress, self._total, self._done = progress, total, 0

    def __call__(self, extractor: Extractor, films: Iterable[Film]) -> Floats:
        rows = extractor.features(films, self._report)
        self._done += len(rows)
        return rows

    def _report(self, done: int, _of: int) -> None:
        if self._progress:
            self._progress(self._done + done, self._total)


def _degraded(films: Sequence[Film], seed: int) -> Iterator[tuple[str, list[Film]]]:
    """All films at every step of every degradation; what chance decides of a film is the same at all steps."""
    for degradation in OF_FILMS:
        for strength in degradation.steps:
            randoms = (np.random.default_rng((seed, index)) for index in range(len(films)))
            changed = (degradation.apply(film, strength, random) for film, random in zip(films, randoms, strict=True))
            yield degradation.name, list(changed)


def _values(pairs: Iterable[Pair]) -> Values:
    rows = [[distance(*pair) for distance in DISTANCES.values()] for pair in pairs]
    return dict(zip(DISTANCES, np.array(rows).T, strict=True))


def _series(extractor: str, distance: str, degradation: Step, halves: _Halves, values: Sequence[Values]) -> Json:
    """One line of the figure; `values` has the untouched half first, then the steps.

    A step is above the floor where its mean lies above the upper limit of the floor. A degradation is ranked right
    where the means rise from the floor through all five steps and the last is above the floor.
    """
    over_splits = np.array([of_step[distance] for of_step in values])
    floor, *steps = (_spread(row) for row in over_splits)
    means = [floor.estimate, *(step.estimate for step in steps)]
    above = [floor.high is not None and step.estimate > floor.high for step in steps]
    monotone = bool((np.diff(means) > 0).all())
    return {
        "extractor": extractor,
        "distance": distance,
        "degradation": degradation.name,
        "n": halves.size_of_modes if degradation is MODE_DROPPING else halves.size,
        "floor": asdict(floor),
        "steps": [
            {"strength": strength, **asdict(step), "above_floor": is_above}
            for strength, step, is_above in zip(degradation.steps, steps, above, strict=True)
        ],
        "spearman": _spearman(degradation.steps, means[1:]),
        "monotone": monotone,
        "monotone_splits": int((np.diff(over_splits, axis=0) > 0).all(0).sum()),
        "first_above_floor": above.index(True) + 1 if any(above) else None,
        "ranked_right": monotone and above[-1],
    }


def _spearman(strengths: Sequence[float], means: Sequence[float]) -> float | None:
    """The rank correlation; None where the distance is the same at every step."""
    return round(float(spearmanr(strengths, means).statistic), 9) if len(set(means)) > 1 else None


def _spread(values: Floats) -> Interval:
    low, high = np.quantile(values, [0.025, 0.975])
    return Interval(float(values.mean()), float(low), float(high))


def _described(degradation: Step) -> Json:
    return {
        "name": degradation.name,
        "unit": degradation.unit,
        "steps": list(degradation.steps),
        "meaning": degradation.meaning,
    }


def _protocol(about: Sequence[Json], halves: _Halves, counts: Json, seed: int) -> str:
    by = "; ".join(
        f"{one['name']} {one['version']} ({'SHA-256 ' + one['sha256'][:12] if one['sha256'] else 'no weights'}, "
        f"{one['resize']}, d = {one['dim']})"
        for one in about
    )
    kept_apart = f"{counts['patients']} patients kept apart" if counts["patients"] else "patients not known"
    return (
        f"n = {halves.size} reference and {halves.size} degraded of {counts['real']} real films, {kept_apart} "
        f"({halves.size_of_modes} each for {MODE_DROPPING.name}); {counts['other']} films of other anatomy; means and "
        f"95 % ranges over {SPLITS} splits; covariance {COVARIANCE}; kernel ((x·y)/d + 1)³, unbiased; seed {seed}; {by}"
    )
