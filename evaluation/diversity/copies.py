"""Within one finding: how much of its real films an archive covers, and which films are copies of others.

Coverage falls with the number of films, and a nearest neighbour comes nearer as there are more; so all findings are
measured at one n, beside other real films of the same finding at that n.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from evaluation.images.equal_n import floor_splits, largest_n
from evaluation.images.euclidean import nearest
from evaluation.images.memorisation import NEAR, PAIRS
from evaluation.images.neighbours import neighbours
from evaluation.images.patients import numbered
from evaluation.readers.intervals import Interval, wilson
from evaluation.readers.ratings import Bools, Floats

FEWEST = 20


@dataclass(frozen=True)
class Group:
    """The films of one finding by their rows: real films with the label, synthetic ones that were steered to it."""

    real: np.ndarray
    synthetic: np.ndarray
    patients: list[str] | None
    """Of the real ones among them."""


def groups_of(
    findings: Sequence[str], labels: Floats, targets: Bools, patients: Sequence[str] | None
) -> dict[str, Group]:
    """The group of each finding, from marks of shape (films, findings) of real and of synthetic films."""
    groups = {}
    for column, name in enumerate(findings):
        real = np.flatnonzero(labels[:, column] == 1)
        whose = [patients[row] for row in real.tolist()] if patients else None
        groups[name] = Group(real, np.flatnonzero(targets[:, column]), whose)
    return groups


def common_n(groups: Mapping[str, Group], seed: int) -> tuple[int | None, dict[str, str]]:
    """The n at which all findings can be measured, and for each that has too few films the reason it is left out."""
    sizes, left_out = {}, {}
    for name, group in groups.items():
        size = largest_n(len(group.real), len(group.synthetic), seed, group.patients)
        if size >= FEWEST:
            sizes[name] = size
        else:
            left_out[name] = (
                f"{len(group.real)} real and {len(group.synthetic)} synthetic films; it takes {FEWEST} synthetic ones, "
                f"and real ones for two halves of {FEWEST} without a patient in both."
            )
    return min(sizes.values(), default=None), left_out


def variety(real: Floats, synthetic: Floats, group: Group, n: int, k: int, seed: int) -> dict[str, Any]:
    """Coverage, recall and the share of films that have a near copy in their own set, each beside other real films'.

    Features have shapes (films, d). Estimates are means over the splits of `floor_splits`, limits their 2.5 and 97.5 %
    quantiles: a range of these films and no confidence interval. A film has a near copy where its nearest other film
    is nearer than that of nine in ten real films, so that about 0.1 of real films have one.
    """
    drawn: dict[str, list[float]] = {}
    for first, second, ours in _splits(group, n, seed):
        reals, others, films = real[group.real[first]], real[group.real[second]], synthetic[group.synthetic[ours]]
        patient_of = numbered(len(group.real), group.patients)
        alike = float(np.quantile(_to_nearest(reals, patient_of[first]), NEAR))
        for name, those, whose in (("synthetic", films, None), ("real", others, patient_of[second])):
            near = neighbours(reals, those, k)
            _add(drawn, f"coverage_of_{name}", near.coverage)
            _add(drawn, f"recall_of_{name}", near.recall)
            _add(drawn, f"copies_within_{name}", float((_to_nearest(those, whose) < alike).mean()))
    return {name: asdict(_range(values)) for name, values in drawn.items()}


@dataclass(frozen=True, eq=False)
class Nearest:
    """For every film of a set the nearest training film and how far it is."""

    row: np.ndarray
    distance: Floats


def nearest_training(
    training: Floats,
    films: Floats | None = None,
    *,
    of_training: Sequence[str] | None = None,
    of_films: Sequence[str] | None = None,
) -> Nearest:
    """The nearest training film of every film, or of every training film another one; never one of the same patient.

    Features have shapes (n, d). Raises ValueError where every training film is of a film's own patient.
    """
    if films is None:
        films, ours = training, numbered(len(training), of_training)
        theirs = ours
    else:
        names = [*(of_films or [""] * len(films)), *(of_training or [""] * len(training))]
        ours, theirs = np.split(numbered(len(names), names), [len(films)])
    index, squared = nearest(films, training, 1, (ours, theirs))
    if not np.isfinite(squared).all():
        raise ValueError("Real films that are all of one patient do not tell how near two patients' films are.")
    return Nearest(index[:, 0], np.sqrt(squared[:, 0]))


def copies_of_training(of_synthetic: Nearest, of_fresh: Nearest, rows: np.ndarray, fresh: np.ndarray) -> dict[str, Any]:
    """How near some synthetic films come to training films, beside fresh real films of all and of the same findings.

    A film is near where it is nearer than nine in ten of all fresh films are. `rows` and `fresh` number the films of
    the finding on either side; `pairs` lists the nearest by the numbers of their rows.
    """
    near = float(np.quantile(of_fresh.distance, NEAR))
    distances, real = of_synthetic.distance[rows], of_fresh.distance[fresh]
    order = rows[np.argsort(distances, kind="stable")[:PAIRS]]
    return {
        "near_distance": near,
        "median_of_synthetic": float(np.median(distances)),
        "median_of_real": float(np.median(real)) if len(real) else None,
        "share_of_near_synthetic": _share(distances < near),
        "share_of_near_real": _share(real < near) if len(real) else None,
        "pairs": [
            {"synthetic": int(row), "real": int(of_synthetic.row[row]), "distance": float(of_synthetic.distance[row])}
            for row in order
        ],
    }


def nearest_among(films: Floats, rows: np.ndarray) -> dict[int, tuple[int, float]]:
    """For every film of some rows the nearest other of them: its row and how far it is; none where a film is alone."""
    if len(rows) < 2:
        return {}
    itself = np.arange(len(rows))
    index, squared = nearest(films[rows], films[rows], 1, (itself, itself))
    return {
        int(row): (int(rows[other]), float(np.sqrt(far)))
        for row, other, far in zip(rows, index[:, 0], squared[:, 0], strict=True)
    }


def _splits(group: Group, n: int, seed: int) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    random = np.random.default_rng(seed + 1)
    for first, second in floor_splits(len(group.real), n, seed, group.patients):
        yield first, second, random.permutation(len(group.synthetic))[: len(first)]


def _to_nearest(films: Floats, whose: np.ndarray | None) -> Floats:
    """How far each film's nearest other is; infinite where all others are of the same patient."""
    apart = np.arange(len(films)) if whose is None else whose
    return np.sqrt(nearest(films, films, 1, (apart, apart))[1][:, 0])


def _add(drawn: dict[str, list[float]], name: str, value: float) -> None:
    drawn.setdefault(name, []).append(value)


def _range(values: Sequence[float]) -> Interval:
    low, high = np.quantile(values, [0.025, 0.975])
    return Interval(float(np.mean(values)), float(low), float(high))


def _share(near: Bools) -> dict[str, float | None]:
    return asdict(wilson(int(near.sum()), len(near)))
