"""Nearest neighbours in feature space: do synthetic films come nearer to real films than real films to each other?"""

from __future__ import annotations

from typing import Any

import numpy as np

from evaluation.images.neighbours import nearest, nearest_other
from evaluation.readers.ratings import Floats


def nearest_real(real: Floats, fake: Floats) -> dict[str, Any]:
    """Distances to the nearest real film: of synthetic films, and of each real film among the other real ones.

    Medians of both, and the share of synthetic films that are nearer to a real film than nine in ten real films are to
    their nearest other one (about 0.1 would be expected of fresh real films). Needs two real films.
    """
    of_fake = nearest(fake, real)[1]
    of_real = nearest_other(real)
    near = float(np.quantile(of_real, 0.1))
    return {
        "median_of_synthetic": float(np.median(of_fake)),
        "median_of_real": float(np.median(of_real)),
        "near_distance": near,
        "share_of_near_synthetic": float((of_fake < near).mean()),
    }
