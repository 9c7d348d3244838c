"""Training of the progressive GAN. The loop reads from top to bottom.

Everything random follows from the seed and the images shown so far, so a run that was stopped and resumed is bit for
bit the run that was not (on the CPU, with the same number of threads).
"""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from gan.cache import FilmCache
from gan.checkpoint import checkpoints, describe, load_checkpoint, save_checkpoint, save_generator
from gan.config import TrainingConfig
from gan.networks import Discriminator, Generator, enlarged, halved
from gan.schedule import Phase, phase_at
from gan.stopping import TrainingStopped

GENERATOR_FILE = "generator.safetensors"
SECONDS_BETWEEN_CHECKPOINTS = 300.0


class TrainingDiverged(Exception):
    """The losses are no longer finite; the last good checkpoint is kept."""


@dataclass(frozen=True)
class Figures:
    """What a step tells: images shown, images of this step, phase, losses."""

    images: int
    batch: int
    phase: Phase
    loss_d: float
    loss_g: float


def train(
    config: TrainingConfig,
    cache: FilmCache,
    run: Path,
    *,
    resume: bool = False,
    progress: Callable[[Figures], None] = lambda figures: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> Path:
    """Train on the films of `cache` until `config.kimg` thousand were shown; returns the file of the generator.

    Writes checkpoints below `run`. With `resume` the newest one is continued. Raises FileExistsError where the run has
    checkpoints and `resume` was not asked for, ValueError where they belong to another configuration or other films,
    TrainingStopped and TrainingDiverged as they say.
    """
    if cache.resolution != config.resolution:
        raise ValueError(
            f"The cache holds films of {cache.resolution}² but the training asks for {config.resolution}²."
        )
    state = TrainingState(config, cache)
    found = checkpoints(run)
    if found and not resume:
        raise FileExistsError(already_there(run))
    if found:
        state.restore(found[-1])

    total = round(config.kimg * 1000)
    saved_at = time.monotonic()
    while state.images < total:
        figures = state.step()
        if not (math.isfinite(figures.loss_d) and math.isfinite(figures.loss_g)):
            raise TrainingDiverged(_diverged(figures.images))
        progress(figures)
        if should_stop():
            raise TrainingStopped(
                f"Stopped after {state.images} images; saved in {state.save(run)}. Continue with --resume."
            )
        if time.monotonic() - saved_at > SECONDS_BETWEEN_CHECKPOINTS:
            state.save(run)
            saved_at = time.monotonic()
    state.save(run)
    path = run / GENERATOR_FILE
    save_generator(path, dict(state.average.state_dict()), describe(config, cache, state.images))
    return path


class TrainingState:
    """Networks, optimisers, the averaged generator and the count of images shown."""

    def __init__(self, config: TrainingConfig, cache: FilmCache) -> None:
        self.config, self.cache = config, cache
        torch.manual_seed(_seed(config.seed, "weights"))
        sizes = (config.fmap_base, config.fmap_max)
        self.G = Generator(config.resolution, config.latent, *sizes)
        self.D = Discriminator(config.resolution, *sizes)
        for network in (self.G, self.D):
            # A third faster on a processor, and nothing else changes.
            network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.average = deepcopy(self.G).requires_grad_(False)
        self.images = self.steps = 0
        self._renew_optimisers()
        self._stage = _stage(phase_at(0, config))

    def step(self) -> Figures:
        """Show one minibatch: one step of the discriminator, one of the generator."""
        config = self.config
        phase = phase_at(self.images, config)
        if _stage(phase) != self._stage:
            # Adam's moments belong to networks that no longer exist (the authors reset them likewise).
            self._stage = _stage(phase)
            self._renew_optimisers()
        batch = config.batch(phase.resolution)
        noise = torch.Generator().manual_seed(_seed(config.seed, f"noise {self.images}"))
        reals = faded(self.cache.films(self._indices(batch), phase.resolution), phase.alpha)

        loss_d = self._step_discriminator(reals, phase, noise)
        loss_g = self._step_generator(batch, phase, noise)

        decay = 0.5 ** (batch / (1000 * config.ema_kimg))
        with torch.no_grad():
            for average, weight in zip(self.average.parameters(), self.G.parameters(), strict=True):
                average.lerp_(weight, 1 - decay)
        self.images += batch
        self.steps += 1
        return Figures(self.images, batch, phase, loss_d, loss_g)

    def _step_discriminator(self, reals: Tensor, phase: Phase, noise: torch.Generator) -> float:
        config, at = self.config, (phase.resolution, phase.alpha)
        latents = torch.randn(len(reals), config.latent, generator=noise)
        with torch.no_grad():
            fakes = self.G(latents, *at)
        self.optimiser_d.zero_grad(set_to_none=True)
        if config.loss == "wgan-gp":
            on_reals, on_fakes = self.D(reals, *at), self.D(fakes, *at)
            mix = torch.rand(len(reals), 1, 1, 1, generator=noise)
            loss = on_fakes.mean() - on_reals.mean() + config.drift * on_reals.square().mean()
            loss = loss + config.gradient_penalty * gradient_penalty(self.D, torch.lerp(reals, fakes, mix), phase)
        else:
            regularise = self.steps % config.r1_interval == 0
            reals = reals.requires_grad_(regularise)
            on_reals, on_fakes = self.D(reals, *at), self.D(fakes, *at)
            loss = F.softplus(on_fakes).mean() + F.softplus(-on_reals).mean()
            if regularise:
                gamma = config.r1_gamma or 0.0002 * phase.resolution**2 / len(reals)
                (gradient,) = torch.autograd.grad(on_reals.sum(), reals, create_graph=True)
                penalty = gradient.square().sum(dim=(1, 2, 3)).mean()
                loss = loss + 0.5 * gamma * config.r1_interval * penalty
        loss.backward()
        self.optimiser_d.step()
        return float(loss.detach())

    def _step_generator(self, batch: int, phase: Phase, noise: torch.Generator) -> float:
        at = (phase.resolution, phase.alpha)
        latents = torch.randn(batch, self.config.latent, generator=noise)
        self.optimiser_g.zero_grad(set_to_none=True)
        self.D.requires_grad_(False)
        scores = self.D(self.G(latents, *at), *at)
        loss = -scores.mean() if self.config.loss == "wgan-gp" else F.softplus(-scores).mean()
        loss.backward()
        self.D.requires_grad_(True)
        self.optimiser_g.step()
        return float(loss.detach())

    def _indices(self, batch: int) -> np.ndarray:
        """The films of this step: each epoch shows every film once, in an order of its own."""
        films = len(self.cache)
        positions = np.arange(self.images, self.images + batch)
        orders = {
            epoch: np.random.default_rng(_seed(self.config.seed, f"epoch {epoch}")).permutation(films)
            for epoch in set(positions // films)
        }
        return np.array([orders[position // films][position % films] for position in positions])

    def _renew_optimisers(self) -> None:
        self.optimiser_g, self.optimiser_d = self._adam(self.G), self._adam(self.D)

    def _adam(self, network: torch.nn.Module) -> torch.optim.Adam:
        config = self.config
        return torch.optim.Adam(network.parameters(), lr=config.rate, betas=(0.0, config.beta2), eps=config.epsilon)

    def save(self, run: Path) -> Path:
        """Write a checkpoint below `run`. Raises TrainingDiverged, and writes nothing, where a value is not finite."""
        tensors: dict[str, Tensor] = {}
        for name, network in (("G", self.G), ("D", self.D), ("average", self.average)):
            tensors |= {f"{name}.{key}": value for key, value in network.state_dict().items()}
        for name, optimiser in (("optimiser_g", self.optimiser_g), ("optimiser_d", self.optimiser_d)):
            for index, moments in optimiser.state_dict()["state"].items():
                tensors |= {f"{name}.{index}.{key}": value for key, value in moments.items()}
        if not all(bool(value.isfinite().all()) for value in tensors.values()):
            # A step can spoil the weights after its losses were fine; such a state must not replace a good one.
            raise TrainingDiverged(_diverged(self.images))
        description = describe(self.config, self.cache, self.images) | {"steps": self.steps, "stage": self._stage}
        return save_checkpoint(run, tensors, description)

    def restore(self, folder: Path) -> None:
        tensors, description = load_checkpoint(folder)
        if TrainingConfig.from_json(description["config"]) != self.config:
            raise ValueError(f"{folder} was trained with another configuration; resume it with the same one.")
        if description["films"] != describe(self.config, self.cache, 0)["films"]:
            raise ValueError(f"{folder} was trained on other films; resume it with the same ones.")
        for name, network in (("G", self.G), ("D", self.D), ("average", self.average)):
            network.load_state_dict(_below(name, tensors))
        self.images, self.steps = description["images"], description["steps"]
        # Of the last step, which a change of stage may have overtaken: the next step notices and renews the optimisers.
        self._stage = tuple(description["stage"])
        for name, optimiser in (("optimiser_g", self.optimiser_g), ("optimiser_d", self.optimiser_d)):
            moments: dict[int, dict[str, Tensor]] = {}
            for key, value in _below(name, tensors).items():
                index, moment = key.split(".")
                moments.setdefault(int(index), {})[moment] = value
            optimiser.load_state_dict(optimiser.state_dict() | {"state": moments})


def faded(reals: Tensor, alpha: float) -> Tensor:
    """Real films as the generator sees them during a fade: mixed with themselves at half the resolution."""
    return reals if alpha >= 1 else torch.lerp(enlarged(halved(reals)), reals, alpha)


def gradient_penalty(D: Discriminator, films: Tensor, phase: Phase) -> Tensor:
    """Mean over films of (‖∇D‖₂ − 1)² (Gulrajani et al. 2017, equation 3)."""
    films = films.requires_grad_()
    scores = D(films, phase.resolution, phase.alpha)
    (gradient,) = torch.autograd.grad(scores.sum(), films, create_graph=True)
    return (gradient.flatten(1).norm(dim=1) - 1).square().mean()


def already_there(run: Path) -> str:
    return f"{run} holds checkpoints already; continue them with --resume or name another folder."


def _diverged(images: int) -> str:
    return (
        f"The training is no longer finite after {images} images. Checkpoints from before are kept, but continued they "
        "would end the same way; train again with a lower rate or another seed."
    )


def _stage(phase: Phase) -> tuple[int, bool]:
    return phase.resolution, phase.fading


def _seed(seed: int, purpose: str) -> int:
    """A seed of its own for every purpose, without overlaps between neighbouring seeds."""
    return int.from_bytes(hashlib.sha256(f"{seed} {purpose}".encode()).digest()[:8], "little") >> 1


def _below(name: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {key.removeprefix(f"{name}."): value for key, value in tensors.items() if key.startswith(f"{name}.")}
