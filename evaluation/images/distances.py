"""How far one set of features is from another, with all that such a figure needs beside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from evaluation.images.frechet import SPLITS, at_equal_n, extrapolated, frechet
from evaluation.images.kernel import kernel_distance
from evaluation.images.neighbours import RULE, neighbours
from evaluation.readers.ratings import Floats

COVARIANCE = "n-1"
DEFAULT_K = 5


def distances(
    real: Floats, fake: Floats, *, k: int = DEFAULT_K, seed: int = 0, patients: Sequence[str] | None = None
) -> dict[str, Any]:
    """Fréchet and kernel distance, precision, recall, density, coverage, and the real-against-real floor at equal n.

    `real` and `fake` have shapes (n, d), `patients` names the patient of each real row. What cannot be had at this n is
    None, and `undefined` says why. Raises ValueError where a set has fewer than two rows, the widths differ or a value
    is not finite.
    """
    real, fake = _checked(real, "real"), _checked(fake, "synthetic")
    if real.shape[1] != fake.shape[1]:
        raise ValueError(f"Real films have {real.shape[1]} features and synthetic ones {fake.shape[1]}.")
    undefined: list[str] = []
    at_floor = at_equal_n(real, fake, seed, patients)
    if at_floor is None:
        undefined.append("There are too few films or patients for a floor: two disjoint sets of two are needed.")
    to_infinity = extrapolated(real, fake, seed)
    if to_infinity is None:
        undefined.append("There are fewer than three films a side for each feature, so nothing is extrapolated.")
    enough = k < min(len(real), len(fake))
    if not enough:
        undefined.append(f"Neighbour figures need more than k = {k} films a side.")
    near = (
        asdict(neighbours(real, fake, k)) if enough else dict.fromkeys(("precision", "recall", "density", "coverage"))
    )
    return {
        "n_real": len(real),
        "n_fake": len(fake),
        "dim": real.shape[1],
        "frechet": frechet(real, fake),
        "frechet_infinity": asdict(to_infinity) if to_infinity else None,
        "kernel": asdict(kernel_distance(real, fake, seed)),
        **near,
        "k": k,
        "k_rule": RULE,
        "covariance": COVARIANCE,
        "seed": seed,
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
    floor = "no floor; "
    if figures["floor"]:
        kept_apart = "patients kept apart" if figures["floor"]["patients_known"] else "patients not known"
        floor = f"floor n = {figures['floor']['n']}, mean over {SPLITS} splits, {kept_apart}; "
    return (
        f"{by}n = {figures['n_real']} real, {figures['n_fake']} {compared}; d = {figures['dim']}; "
        f"covariance {figures['covariance']}; {floor}k = {figures['k']}, rule {figures['k_rule']}; "
        f"seed {figures['seed']}"
    )


def _checked(features: Floats, name: str) -> Floats:
    features = np.asarray(features, dtype=np.float64)
    if features.ndim != 2 or len(features) < 2:
        raise ValueError(f"The {name} features need two or more rows of one width, not the shape {features.shape}.")
    if not np.isfinite(features).all():
        raise ValueError(f"The {name} features hold values that are not finite numbers.")
    return features
