"""Small things to train with: a configuration, films and a cache of them."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np

from gan.cache import FilmCache, build
from gan.config import TrainingConfig
from gan.pixels import Film
from gan.provenance import FilmProvenance

SMALL: dict[str, Any] = {
    "resolution": 8,
    "kimg": 0.1,
    "latent": 8,
    "fmap_base": 16,
    "fmap_max": 8,
    "stable_kimg": 1,
    "fade_kimg": 1,
    "final_kimg": 1,
    "minibatch": ((4, 4), (8, 4), (16, 4), (32, 4)),
}


def small_config(**changes: Any) -> TrainingConfig:
    return TrainingConfig(**(SMALL | changes))


def random_films(count: int, side: int = 16, seed: int = 0) -> list[tuple[Film, FilmProvenance]]:
    random = np.random.default_rng(seed)
    films = [random.integers(0, 65536, (side, side)).astype(np.uint16) for _ in range(count)]
    return [(film, FilmProvenance(hashlib.sha256(film.tobytes()).hexdigest())) for film in films]


def small_cache(folder: Path, count: int = 4, resolution: int = 8, seed: int = 0) -> FilmCache:
    return build(random_films(count, seed=seed), count, folder / "cache", resolution=resolution, levels=65536)
