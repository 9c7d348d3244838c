"""How far one set of features is from another, with all that such a figure needs beside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from evaluation.images.equal_n import SPLITS, at_equal_n
from evaluation.images.frechet import frechet
from evaluation.images.infinity import extrapolated
from evaluation.images.kernel import CMMD_RULE, KernelDistance, cmmd, kernel_distance
from evaluation.images.neighbours import RULE, neighbours
from evaluation.images.parts import parts
from evaluation.images.two_sample import RULE as TWO_SAMPLE_RULE
from evaluation.images.two_sample import two_sample
from evaluation.readers.ratings import Floats

COVARIANCE = "n-1"
DEFAULT_K = 5
REFERENCE = "real films"


def distances(
    real: Floats,
    fake: Floats,
    *,
    k: int = DEFAULT_K,
    seed: int = 0,
    patients: Sequence[str] | None = None,
    reference: str = REFERENCE,
) -> dict[str, Any]:
    """Fréchet and kernel distances, neighbour figures, a two-sample test, and the real-against-real floor at equal n.

    `real` and `fake` have shapes (n, d) and may be mapped from files, `patients` names the patient of each real row,
    `reference` says which real films they are. What cannot be had at this n is None, and `undefined` says why. Raises
    ValueError where a set has fewer than two rows or no features, the widths differ, a value is not finite or `k` is
    below 1.
    """
    real, fake = _checked(real, "real"), _checked(fake, "synthetic")
    if real.shape[1] != fake.shape[1]:
        raise ValueError(f"Real films have {real.shape[1]} features and synthetic ones {fake.shape[1]}.")
    if patients and len(patients) != len(real):
        raise ValueError(f"{len(patients)} patients are named for {len(real)} real rows.")
    if k < 1:
        raise ValueError(f"k is a number of neighbours, 1 or more, not {k}.")
    undefined: list[str] = []
    at_floor = at_equal_n(real, fake, seed, patients)
    if at_floor is None:
        undefined.append("There are too few films or patients for a floor: two disjoint sets of two are needed.")
    to_infinity = extrapolated(real, fake, seed, patients)
    if to_infinity is None:
        undefined.append("There are fewer than three films a side for each feature, so nothing is extrapolated.")
    enough = k < min(len(real), len(fake))
    if not enough:
        undefined.append(f"Neighbour figures need more than k = {k} films a side.")
    near = (
        asdict(neighbours(real, fake, k)) if enough else dict.fromkeys(("precision", "recall", "density", "coverage"))
    )
    polynomial = kernel_distance(real, fake, seed, patients)
    if polynomial.se is None:
        undefined.append("Kernel distances have a standard error from twenty films a side.")
    told_apart = two_sample(real, fake, seed, patients)
    if told_apart is None:
        undefined.append("There are too few films or patients for a classifier in five folds.")
    return {
        "reference": reference,
        "n_real": len(real),
        "n_fake": len(fake),
        "dim": real.shape[1],
        "frechet": frechet(real, fake),
        "frechet_infinity": asdict(to_infinity) if to_infinity else None,
        "kernel": _estimate(polynomial),
        "kernel_p": polynomial.p,
        "cmmd": _estimate(cmmd(real, fake, seed, patients)),
        **near,
        "k": k,
        "k_rule": RULE,
        "covariance": COVARIANCE,
        "seed": seed,
        "two_sample": asdict(told_apart) if told_apart else None,
        "floor": {"n": at_floor[0], **asdict(at_floor[1]), "patients_known": bool(patients)} if at_floor else None,
        "frechet_at_floor_n": at_floor[2].estimate if at_floor else None,
        "frechet_at_floor_n_range": {"low": at_floor[2].low, "high": at_floor[2].high} if at_floor else None,
        "undefined": undefined,
    }


def protocol(figures: dict[str, Any], extractor: dict[str, Any] | None = None, compared: str = "synthetic") -> str:
    """One line that says how the figures came about; `compared` says what was set against the real films."""
    by = ""
    if extractor:
        sha = f", SHA-256 {extractor['sha256'][:12]}" if extractor["sha256"] else ", no weights"
        by = f"extractor {extractor['name']} {extractor['version']}{sha}; {extractor['resize']}; "
    named = "" if figures["reference"] == REFERENCE else f" ({figures['reference']})"
    floor = "no floor; "
    if figures["floor"]:
        kept_apart = "patients kept apart" if figures["floor"]["patients_known"] else "patients not known"
        floor = f"floor n = {figures['floor']['n']}, mean over {SPLITS} splits, {kept_apart}; "
    return (
        f"{by}n = {figures['n_real']} real{named}, {figures['n_fake']} {compared}; d = {figures['dim']}; "
        f"covariance {figures['covariance']}; {floor}k = {figures['k']}, rule {figures['k_rule']}; "
        f"kernel ((x·y)/d + 1)³, unbiased; CMMD {CMMD_RULE}, unbiased; "
        f"two samples: {TWO_SAMPLE_RULE}; seed {figures['seed']}"
    )


def _estimate(distance: KernelDistance) -> dict[str, float | None]:
    return {"estimate": distance.estimate, "se": distance.se}


def _checked(features: Floats, name: str) -> Floats:
    features = np.asanyarray(features)
    if features.ndim != 2 or len(features) < 2 or not features.shape[1]:
        raise ValueError(f"The {name} features need two or more rows of one width, not the shape {features.shape}.")
    if not all(np.isfinite(part).all() for _, part in parts(features)):
        raise ValueError(f"The {name} features hold values that are not finite numbers.")
    return features
