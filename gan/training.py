"""Training of the progressive GAN. The loop reads from top to bottom.

Everything random follows from the seed and the images shown so far, so a run that was stopped and resumed is bit for
bit the run that was not (on the processor, with the same numbers of threads and processes).
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from gan.cache import FilmCache
from gan.checkpoint import checkpoint_folder, checkpoints, save_generator
from gan.config import TrainingConfig
from gan.hardware import PROCESSOR, Hardware
from gan.networks import maps, resolutions
from gan.objectives import faded
from gan.parallel import Ranks
from gan.schedule import Phase, begin_of_stable, phase_at
from gan.snapshot import SHEET_COLUMNS, SHEET_ROWS, Gap, Snapshot, forget_later, write_snapshot
from gan.state import TrainingDiverged, TrainingState
from gan.stopping import TrainingStopped

logger = logging.getLogger(__name__)

GENERATOR_FILE = "generator.safetensors"
SECONDS_BETWEEN_CHECKPOINTS = 300.0
STEPS_BETWEEN_LOOKS = 32
"""How often a graphics card's figures are read and its processes agree whether to stop: each look waits for it."""
FILMS_OF_GAP = 256


@dataclass(frozen=True)
class Figures:
    """What a step tells: images shown, images of this step, phase, losses, mean scores, strength of augmentation."""

    images: int
    batch: int
    phase: Phase
    loss_d: float
    loss_g: float
    on_reals: float
    on_fakes: float
    strength: float


def train(
    config: TrainingConfig,
    cache: FilmCache,
    run: Path,
    *,
    resume: bool = False,
    held_out: FilmCache | None = None,
    hardware: Hardware = PROCESSOR,
    ranks: Ranks | None = None,
    progress: Callable[[Figures], None] = lambda figures: None,
    on_snapshot: Callable[[Snapshot], None] = lambda snapshot: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> Path:
    """Train on the films of `cache` until `config.kimg` thousand were shown; returns the file of the generator.

    Writes checkpoints and snapshots below `run`. With `resume` the newest checkpoint is continued, with a longer last
    phase where `config` is the prolonged one. `held_out` are films of other patients, to watch how the discriminator
    scores them. Of several processes the first one writes, reports and calls. Raises FileExistsError where the run has
    checkpoints and `resume` was not asked for, ValueError where they belong to another configuration or other films,
    where a minibatch does not divide, or where the largest phase does not fit into the memory, TrainingStopped and
    TrainingDiverged as they say.
    """
    ranks = ranks or Ranks()
    _refuse_other_size(config, cache)
    if held_out:
        _refuse_other_size(config, held_out)
    found = checkpoints(run)
    if found and not resume:
        raise FileExistsError(already_there(run))
    _try_largest_phase(config, cache, hardware, ranks)
    state = TrainingState(config, cache, hardware, ranks)
    if found:
        state.restore(found[-1])
    if ranks.is_first:
        forget_later(run, state.images)

    total = round(config.kimg * 1000)
    saved_at = time.monotonic()
    while state.images < total:
        if ranks.is_first and _snapshot_due(state):
            _keep_snapshot(state, run, held_out, on_snapshot)
        state.step()
        if not _is_time_to_look(state, total):
            continue
        figures = read(state)
        if ranks.is_first:
            progress(figures)
        if ranks.any(should_stop()):
            if ranks.is_first:
                state.save(run)
            # One that ends before would have `torchrun` end the one that saves.
            ranks.wait()
            raise TrainingStopped(_stopped(state, run))
        if ranks.is_first and time.monotonic() - saved_at > SECONDS_BETWEEN_CHECKPOINTS:
            _save_or_go_on(state, run)
            saved_at = time.monotonic()
    path = run / GENERATOR_FILE
    if ranks.is_first:
        state.save(run)
        save_generator(path, state.generator_tensors(), state.describe())
        _keep_snapshot(state, run, held_out, on_snapshot)
    ranks.wait()
    return path


def read(state: TrainingState) -> Figures:
    """The figures of the last step, read from the device. Raises TrainingDiverged where they are not finite."""
    loss_d, loss_g, on_reals, on_fakes, strength = torch.stack(state.told).tolist()
    if not (math.isfinite(loss_d) and math.isfinite(loss_g)):
        raise TrainingDiverged.after(state.images)
    return Figures(state.images, state.batch, state.phase, loss_d, loss_g, on_reals, on_fakes, strength)


def already_there(run: Path) -> str:
    return f"{run} holds checkpoints already; continue them with --resume or name another folder."


def _refuse_other_size(config: TrainingConfig, cache: FilmCache) -> None:
    if cache.resolution != config.resolution:
        raise ValueError(
            f"The cache holds films of {cache.resolution}² but the training asks for {config.resolution}²."
        )


def _is_time_to_look(state: TrainingState, total: int) -> bool:
    return not state.hardware.is_cuda or state.steps % STEPS_BETWEEN_LOOKS == 0 or state.images >= total


def _try_largest_phase(config: TrainingConfig, cache: FilmCache, hardware: Hardware, ranks: Ranks) -> None:
    """One step of it with networks of its own, so that a memory too small is found before the first day."""
    resolution = _largest_phase(config, hardware, ranks)
    state = TrainingState(config, cache, hardware, ranks)
    state.images = math.ceil(begin_of_stable(resolution, config))
    try:
        state.step()
    except (MemoryError, RuntimeError) as error:
        if not isinstance(error, MemoryError | torch.OutOfMemoryError) and "can't allocate memory" not in str(error):
            raise
        raise ValueError(
            f"The largest phase, {config.batch(resolution)} films of {resolution}² a step, does not fit into the "
            "memory here; choose a smaller --micro-batch, more processes, or a smaller resolution."
        ) from error


def _largest_phase(config: TrainingConfig, hardware: Hardware, ranks: Ranks) -> int:
    """The resolution at which a process holds most values of maps at once: with small minibatches not always the last.

    Raises ValueError where the minibatch of any does not divide, be it weeks away.
    """
    values, held = 0, {}
    for size in resolutions(config.resolution):
        values += size**2 * maps(size, config.fmap_base, config.fmap_max)
        held[size] = values * hardware.films_at_once(config.batch(size), ranks.world)
    return max(held, key=held.__getitem__)


def _save_or_go_on(state: TrainingState, run: Path) -> None:
    try:
        state.save(run)
    except OSError as error:
        # The checkpoint before is whole, and there may be room again in five minutes: days of training are worth more.
        logger.warning("The training goes on, but its state after %d images was not saved: %s", state.images, error)


def _stopped(state: TrainingState, run: Path) -> str:
    saved = checkpoint_folder(run, state.images)
    return f"Stopped after {state.images} images; saved in {saved}. Continue with --resume."


# Snapshots


def _snapshot_due(state: TrainingState) -> bool:
    """Whether the next step is the last of its resolution, or crosses a multiple of `snapshot_kimg`."""
    config = state.config
    now = state.images
    then = now + config.batch(phase_at(now, config).resolution)
    every = 1000 * config.snapshot_kimg
    return phase_at(then, config).resolution != phase_at(now, config).resolution or now // every != then // every


def _keep_snapshot(
    state: TrainingState, run: Path, held_out: FilmCache | None, on_snapshot: Callable[[Snapshot], None]
) -> None:
    phase = phase_at(state.images, state.config)
    sheet = state.draw(SHEET_COLUMNS * SHEET_ROWS, phase)
    gap = _gap(state, held_out, phase) if held_out else None
    try:
        snapshot = write_snapshot(run, state.generator_tensors(), state.describe(), phase, sheet, gap)
    except OSError as error:
        logger.warning(
            "The training goes on, but its snapshot after %d images was not written: %s", state.images, error
        )
        return
    on_snapshot(snapshot)


def _gap(state: TrainingState, held_out: FilmCache, phase: Phase) -> Gap:
    """Scores of equally many films of each kind, without augmentation."""
    films = min(FILMS_OF_GAP, len(state.cache), len(held_out))
    train, other = (state.score(_spread(cache, films, phase), phase) for cache in (state.cache, held_out))
    return Gap(train=train, held_out=other, fake=state.score(state.draw(films, phase), phase))


def _spread(cache: FilmCache, films: int, phase: Phase) -> Tensor:
    """`films` films from all over a cache, whose neighbours are often of one patient, faded as in training."""
    indices = np.linspace(0, len(cache) - 1, films).astype(int)
    return faded(cache.films(indices, phase.resolution), phase.alpha)
