"""The real films of each step: which ones, read ahead of the step that shows them."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from functools import lru_cache

import numpy as np
from torch import Tensor

from gan.cache import FilmCache
from gan.hardware import Hardware
from gan.parallel import Ranks
from gan.seeds import seed_for


class Feed:
    """One process's share of the films of each step, as float32 in −1 … 1.

    Each epoch shows every film once, in an order of its own that follows from the seed alone.
    """

    def __init__(self, cache: FilmCache, seed: int, ranks: Ranks, hardware: Hardware) -> None:
        self._cache, self._seed, self._ranks, self._hardware = cache, seed, ranks, hardware
        self._reader = ThreadPoolExecutor(1, "films")
        self._ahead: tuple[tuple[int, int, int], Future[Tensor]] | None = None

    def films(self, images: int, batch: int, resolution: int) -> Tensor:
        """The films of the step that begins after `images`. Those of the step after it are read meanwhile."""
        asked = (images, batch, resolution)
        films = self._ahead[1].result() if self._ahead and self._ahead[0] == asked else self._read(*asked)
        following = (images + batch, batch, resolution)
        self._ahead = following, self._reader.submit(self._read, *following)
        return self._hardware.send(films)

    def _read(self, images: int, batch: int, resolution: int) -> Tensor:
        positions = np.arange(images, images + batch)[self._ranks.rank :: self._ranks.world]
        epochs, places = np.divmod(positions, len(self._cache))
        orders = {epoch: _order(self._seed, int(epoch), len(self._cache)) for epoch in set(epochs)}
        indices = np.array([orders[epoch][place] for epoch, place in zip(epochs, places, strict=True)])
        return self._cache.films(indices, resolution)


@lru_cache(maxsize=4)
def _order(seed: int, epoch: int, films: int) -> np.ndarray:
    return np.random.default_rng(seed_for(seed, f"epoch {epoch}")).permutation(films)
