"""What a training will take on this machine, from a short measurement at every resolution."""

from __future__ import annotations

import math
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

from gan.cache import FilmCache, build
from gan.config import TrainingConfig
from gan.hardware import Hardware
from gan.networks import STD_GROUP
from gan.pixels import film_hash
from gan.provenance import FilmProvenance
from gan.schedule import begin_of_stable, spans
from gan.state import TrainingState

FILMS = 8
MEASURED_PIXELS = 2**20
"""A measured step shows no more pixels than this, if it can; a whole minibatch takes in proportion."""
SECONDS_OF_STEPS = 2.0


@dataclass(frozen=True)
class PlannedPhase:
    """One phase of a training. `memory` is what one process holds at most, in bytes."""

    resolution: int
    fading: bool
    images: int
    batch: int
    steps: int
    seconds: float
    memory: int


def plan(
    config: TrainingConfig,
    hardware: Hardware,
    processes: int = 1,
    progress: Callable[[int], None] = lambda resolution: None,
) -> list[PlannedPhase]:
    """The phases of a training with their steps, time and memory, shared by `processes` that are as fast as this one.

    A fade is taken to cost what the stable phase costs, and processes to exchange their gradients at no cost. Raises
    ValueError where a minibatch does not divide among the processes.
    """
    planned = []
    with tempfile.TemporaryDirectory() as folder:
        cache = random_cache(Path(folder), config.resolution)
        for resolution, fade, stable in spans(config):
            progress(resolution)
            batch = config.batch(resolution)
            share = hardware.films_at_once(batch, processes)
            seconds, memory = _measure(config, cache, hardware, resolution, share)
            for fading, length in ((True, fade), (False, stable)):
                if length:
                    steps = math.ceil(length / batch)
                    taken = steps * seconds * batch / processes
                    planned.append(PlannedPhase(resolution, fading, round(length), batch, steps, taken, memory))
    return planned


def random_cache(folder: Path, resolution: int, films: int = FILMS) -> FilmCache:
    """A cache of noise, which takes as long to read and to train on as one of films."""
    random = np.random.default_rng(0)
    made = [random.integers(0, 65536, (resolution, resolution)).astype(np.uint16) for _ in range(films)]
    rows = [(film, FilmProvenance(film_hash(film))) for film in made]
    return build(rows, films, folder / "cache", resolution=resolution, levels=65536)


def _measure(
    config: TrainingConfig, cache: FilmCache, hardware: Hardware, resolution: int, share: int
) -> tuple[float, int]:
    """Seconds for an image in the stable phase of a resolution, and bytes for steps of `share` films."""
    films = min(share, max(STD_GROUP, MEASURED_PIXELS // resolution**2))
    films -= films % min(STD_GROUP, films)
    sizes = tuple((size, films) for size, _ in config.minibatch)
    alone = replace(hardware, micro_batch=None)
    _forget_peak(hardware)
    before = _peak(hardware)
    state = TrainingState(replace(config, minibatch=sizes), cache, alone)
    state.images = math.ceil(begin_of_stable(resolution, config))
    of_state = _peak(hardware) - before
    state.step()
    with_penalty = _seconds(state, penalty=True)
    seconds = with_penalty
    if config.is_lazy:
        without = _seconds(state, penalty=False)
        seconds = without + (with_penalty - without) / config.r1_interval
    of_films = (_peak(hardware) - before - of_state) * share / films
    return seconds / films, round(before + of_state + of_films)


def _seconds(state: TrainingState, *, penalty: bool) -> float:
    """The fastest of a few steps, all with the penalty or, where it is lazy, all without."""
    images = state.images
    taken: list[float] = []
    while sum(taken) < SECONDS_OF_STEPS or len(taken) < 2:
        state.images, state.steps = images, 0 if penalty else 1
        _wait(state.hardware)
        began = time.perf_counter()
        state.step()
        _wait(state.hardware)
        taken.append(time.perf_counter() - began)
        if len(taken) > 1 and max(taken) > SECONDS_OF_STEPS:
            break
    state.images = images
    return min(taken)


def _wait(hardware: Hardware) -> None:
    if hardware.is_cuda:
        torch.cuda.synchronize(hardware.device)


def _forget_peak(hardware: Hardware) -> None:
    if hardware.is_cuda:
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats(hardware.device)


def _peak(hardware: Hardware) -> int:
    """The most memory that was held, in bytes: of the card, or of this process since it began."""
    if hardware.is_cuda:
        return torch.cuda.max_memory_allocated(hardware.device)
    # In kilobytes, but on macOS.
    unit = 1 if sys.platform == "darwin" else 1024
    return unit * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
