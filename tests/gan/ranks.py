"""One process of `torchrun`: trains a little with each of several configurations and writes its last gradients.

Usage: python -m tests.gan.ranks CACHE CONFIGURATIONS OUT
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor

from gan.cache import FilmCache
from gan.config import TrainingConfig
from gan.parallel import Ranks, ranks_of_environment
from gan.state import TrainingState

STEPS = 6


@contextmanager
def double_precision() -> Iterator[None]:
    """So that what is left of sums that cancel can be compared."""
    films = FilmCache.films
    torch.set_default_dtype(torch.float64)
    FilmCache.films = lambda *asked: films(*asked).double()  # type: ignore[method-assign]
    try:
        yield
    finally:
        torch.set_default_dtype(torch.float32)
        FilmCache.films = films  # type: ignore[method-assign]


def gradients(config: TrainingConfig, cache: FilmCache, ranks: Ranks) -> dict[str, Tensor]:
    with double_precision():
        state = TrainingState(config, cache, ranks=ranks)
        for _ in range(STEPS):
            state.step()
    of_networks = {
        f"{network}.{name}": parameter.grad.contiguous()
        for network, module in (("G", state.G), ("D", state.D))
        for name, parameter in module.named_parameters()
        if parameter.grad is not None
    }
    return of_networks | {"strength": state.strength.strength}


if __name__ == "__main__":
    torch.set_num_threads(1)
    cache, configs, out = sys.argv[1:]
    with ranks_of_environment() as ranks:
        for number, config in enumerate(json.loads(configs)):
            found = gradients(TrainingConfig.from_json(config), FilmCache(Path(cache)), ranks)
            save_file(found, Path(out) / f"{number} of rank {ranks.rank}")
