"""What a training is at one moment, and how one step changes it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.optim.swa_utils import get_ema_multi_avg_fn

from gan.augmentation import AdaptiveStrength, numbers, transformed
from gan.cache import FilmCache
from gan.checkpoint import describe, load_checkpoint, save_checkpoint
from gan.config import TrainingConfig
from gan.feed import Feed
from gan.hardware import PROCESSOR, Hardware
from gan.networks import Discriminator, Generator
from gan.objectives import (
    discriminator_loss,
    faded,
    generator_loss,
    gradient_penalty,
    r1,
    r1_weight,
    scores_of_both,
)
from gan.parallel import Ranks
from gan.schedule import Phase, phase_at
from gan.seeds import random_for, seed_for

FILMS_AT_ONCE = 16
STEPS_BETWEEN_ADJUSTMENTS = 4


class TrainingDiverged(Exception):
    """The losses are no longer finite; the last good checkpoint is kept."""

    @classmethod
    def after(cls, images: int) -> TrainingDiverged:
        return cls(
            f"The training is no longer finite after {images} images. Checkpoints from before are kept, but continued "
            "they would end the same way; train again with a lower rate or another seed."
        )


class TrainingState:
    """Networks, optimisers, the averaged generator, the strength of augmentation and the count of images shown."""

    def __init__(
        self, config: TrainingConfig, cache: FilmCache, hardware: Hardware = PROCESSOR, ranks: Ranks | None = None
    ) -> None:
        self.config, self.cache, self.hardware, self.ranks = config, cache, hardware, ranks or Ranks()
        torch.manual_seed(seed_for(config.seed, "weights"))
        sizes = (config.fmap_base, config.fmap_max)
        self.G = Generator(config.resolution, config.latent, *sizes)
        self.D = Discriminator(config.resolution, *sizes)
        for network in (self.G, self.D):
            # A third faster on a processor, and nothing else changes.
            network.to(hardware.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.average = deepcopy(self.G).requires_grad_(False)
        self._compiled_G: Callable[..., Tensor] = self.G
        self._compiled_D: Callable[..., Tensor] = self.D
        if hardware.compile:
            self._compiled_G = torch.compile(self.G, dynamic=False)
            self._compiled_D = torch.compile(self.D, dynamic=False)
        self.strength = AdaptiveStrength(config.augmentation_target, config.augmentation_kimg, hardware.device)
        self._feed = Feed(cache, config.seed, self.ranks, hardware)
        self.images = self.steps = self.batch = 0
        self.phase = phase_at(0, config)
        self._renew_optimisers()
        self._stage = _stage(self.phase)

    def step(self) -> None:
        """Show one minibatch: a step of the discriminator, another where a penalty is due, and one of the generator."""
        config = self.config
        self.phase = phase_at(self.images, config)
        self.batch = config.batch(self.phase.resolution)
        if _stage(self.phase) != self._stage:
            # Adam's moments belong to networks that no longer exist (the authors reset them likewise).
            self._stage = _stage(self.phase)
            self._renew_optimisers()
            if self.hardware.compile:
                # What was compiled is of another resolution.
                torch.compiler.reset()
        noise = random_for(config.seed, f"noise {self.images}")
        reals = faded(self._feed.films(self.images, self.batch, self.phase.resolution), self.phase.alpha)

        loss_d, on_reals, on_fakes = self._step_discriminator(reals, noise)
        if config.is_lazy and self.steps % config.r1_interval == 0:
            loss_d = loss_d + self._step_penalty(reals, noise)
        loss_g = self._step_generator(noise)
        self._step_average()
        if config.augmentation == "adaptive":
            self.strength.observe(on_reals)
            if (self.steps + 1) % STEPS_BETWEEN_ADJUSTMENTS == 0:
                self.strength.adjust(self.batch * STEPS_BETWEEN_ADJUSTMENTS, self.ranks.sum)
        self.told = [loss_d, loss_g, on_reals.mean(), on_fakes.mean(), self.strength.strength]
        self.images += self.batch
        self.steps += 1

    def _step_discriminator(self, reals: Tensor, noise: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
        config, phase = self.config, self.phase
        self.optimiser_d.zero_grad(set_to_none=True)
        latents, mix = self._latents(noise), self._share(torch.rand(self.batch, 1, 1, 1, generator=noise))
        of_reals, of_fakes = self._numbers(noise), self._numbers(noise)
        losses, scores = [], []
        for films, some, weights, *changes in self._parts(reals, latents, mix, of_reals, of_fakes):
            with torch.no_grad(), self.hardware.autocast():
                fakes = self._quick_G(some, phase.resolution, phase.alpha).type_as(some)
            films, fakes = self._augmented(films, changes[0]), self._augmented(fakes, changes[1])
            with self.hardware.autocast():
                on_both = scores_of_both(self._quick_D, films, fakes, phase)
            loss = discriminator_loss(config, *(score.float() for score in on_both))
            if not config.is_lazy:
                between = torch.lerp(films, fakes, weights)
                loss = loss + config.gradient_penalty * gradient_penalty(self.D, between, phase)
            loss = loss / self.hardware.parts(len(reals))
            torch.autograd.backward(loss)
            losses.append(loss.detach())
            scores.append(torch.stack(on_both).detach().float())
        self.ranks.average_gradients(self.D.parameters())
        self.optimiser_d.step()
        on_reals, on_fakes = torch.cat(scores, dim=1)
        return torch.stack(losses).sum(), on_reals, on_fakes

    def _step_penalty(self, reals: Tensor, noise: torch.Generator) -> Tensor:
        """R1 in a step of its own, in full precision and never compiled: it needs a second derivative."""
        self.optimiser_d.zero_grad(set_to_none=True)
        losses = []
        for films, changes in self._parts(reals, self._numbers(noise)):
            films = films.detach().requires_grad_()
            scores = self.D(self._augmented(films, changes), self.phase.resolution, self.phase.alpha)
            loss = r1_weight(self.config, self.phase.resolution) * r1(scores, films) / self.hardware.parts(len(reals))
            torch.autograd.backward(loss)
            losses.append(loss.detach())
        self.ranks.average_gradients(self.D.parameters())
        self.optimiser_d.step()
        return torch.stack(losses).sum()

    def _step_generator(self, noise: torch.Generator) -> Tensor:
        at = (self.phase.resolution, self.phase.alpha)
        self.optimiser_g.zero_grad(set_to_none=True)
        self.D.requires_grad_(False)
        latents, losses = self._latents(noise), []
        for some, changes in self._parts(latents, self._numbers(noise)):
            with self.hardware.autocast():
                fakes = self._augmented(self._quick_G(some, *at).type_as(some), changes)
                loss = generator_loss(self.config, self._quick_D(fakes, *at).float())
            loss = loss / self.hardware.parts(len(latents))
            torch.autograd.backward(loss)
            losses.append(loss.detach())
        self.D.requires_grad_(True)
        self.ranks.average_gradients(self.G.parameters())
        self.optimiser_g.step()
        return torch.stack(losses).sum()

    @property
    def _quick_G(self) -> Callable[..., Tensor]:
        """The generator, compiled where asked; not in a fade, whose weight is another one in every step."""
        return self.G if self.phase.fading else self._compiled_G

    @property
    def _quick_D(self) -> Callable[..., Tensor]:
        return self.D if self.phase.fading else self._compiled_D

    def _step_average(self) -> None:
        decay = 0.5 ** (self.batch / (1000 * self.config.ema_kimg))
        average, current = list(self.average.parameters()), list(self.G.parameters())
        get_ema_multi_avg_fn(decay)(average, current, None)  # type: ignore[no-untyped-call]

    def _latents(self, noise: torch.Generator) -> Tensor:
        return self._share(torch.randn(self.batch, self.config.latent, generator=noise))

    def _numbers(self, noise: torch.Generator) -> Tensor:
        """How each film of this process is augmented."""
        return self._share(numbers(self.batch, noise))

    def _share(self, whole: Tensor) -> Tensor:
        return self.hardware.send(self.ranks.share(whole))

    def _parts(self, *tensors: Tensor) -> Iterator[tuple[Tensor, ...]]:
        """The micro-batches of a step: strided as the processes' shares are, and for the same reason."""
        parts = self.hardware.parts(len(tensors[0]))
        for part in range(parts):
            yield tuple(tensor[part::parts] for tensor in tensors)

    def _augmented(self, films: Tensor, changes: Tensor) -> Tensor:
        return transformed(films, self.strength.strength, changes) if self.config.augmentation == "adaptive" else films

    def _renew_optimisers(self) -> None:
        interval = self.config.r1_interval
        self.optimiser_g = self._adam(self.G)
        # With penalties in steps of their own the discriminator takes k + 1 steps where the generator takes k.
        self.optimiser_d = self._adam(self.D, interval / (interval + 1) if self.config.is_lazy else 1)

    def _adam(self, network: torch.nn.Module, share: float = 1) -> torch.optim.Adam:
        config = self.config
        return torch.optim.Adam(
            network.parameters(),
            lr=config.rate * share,
            betas=(0.0, config.beta2**share),
            eps=config.epsilon,
            fused=True,
        )

    # What is seen of it from outside

    @torch.no_grad()
    def draw(self, films: int, phase: Phase) -> Tensor:
        """Films of the averaged generator, shape (films, 1, R, R), of the same latents whenever it is asked."""
        latents = torch.randn(films, self.config.latent, generator=random_for(self.config.seed, "sheet"))
        parts = torch.split(latents.to(self.hardware.device), FILMS_AT_ONCE)
        return torch.cat([self.average(part, phase.resolution, phase.alpha).cpu() for part in parts])

    @torch.no_grad()
    def score(self, films: Tensor, phase: Phase) -> float:
        """The discriminator's mean score of films of shape (N, 1, R, R)."""
        parts = (part.to(self.hardware.device) for part in torch.split(films, FILMS_AT_ONCE))
        return float(torch.cat([self.D(part, phase.resolution, phase.alpha) for part in parts]).mean())

    def generator_tensors(self) -> dict[str, Tensor]:
        """The averaged generator's weights. Raises TrainingDiverged where one is not finite."""
        return self._finite(dict(self.average.state_dict()))

    def describe(self) -> dict[str, Any]:
        return describe(self.config, self.cache, self.images)

    def save(self, run: Path) -> Path:
        """Write a checkpoint below `run`. Raises TrainingDiverged, and writes nothing, where a value is not finite."""
        tensors: dict[str, Tensor] = {}
        for name, network in (("G", self.G), ("D", self.D), ("average", self.average)):
            tensors |= {f"{name}.{key}": value for key, value in network.state_dict().items()}
        for name, optimiser in (("optimiser_g", self.optimiser_g), ("optimiser_d", self.optimiser_d)):
            for index, moments in optimiser.state_dict()["state"].items():
                tensors |= {f"{name}.{index}.{key}": value for key, value in moments.items()}
        tensors |= {f"augmentation.{key}": value for key, value in self.strength.state().items()}
        return save_checkpoint(
            run, self._finite(tensors), self.describe() | {"steps": self.steps, "stage": self._stage}
        )

    def _finite(self, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
        # A step can spoil the weights after its losses were fine; such a state must not replace a good one.
        if not all(bool(value.isfinite().all()) for value in tensors.values()):
            raise TrainingDiverged.after(self.images)
        return tensors

    def restore(self, folder: Path) -> None:
        """Go on from a checkpoint. Raises ValueError where it is of another configuration or of other films."""
        tensors, description = load_checkpoint(folder)
        saved = TrainingConfig.from_json(description["config"])
        if saved != self.config and (saved.kimg > self.config.kimg or saved.prolonged(self.config.kimg) != self.config):
            raise ValueError(f"{folder} was trained with another configuration; resume it with the same one.")
        if description["films"] != self.describe()["films"]:
            raise ValueError(f"{folder} was trained on other films; resume it with the same ones.")
        for name, network in (("G", self.G), ("D", self.D), ("average", self.average)):
            network.load_state_dict(_below(name, tensors))
        self.images, self.steps = description["images"], description["steps"]
        # Of the last step, which a change of stage may have overtaken: the next step notices and renews the optimisers.
        self._stage = tuple(description["stage"])
        if strength := _below("augmentation", tensors):
            self.strength.restore(strength)
        _restore_moments(self.optimiser_g, _below("optimiser_g", tensors))
        _restore_moments(self.optimiser_d, _below("optimiser_d", tensors))


def _stage(phase: Phase) -> tuple[int, bool]:
    return phase.resolution, phase.fading


def _restore_moments(optimiser: torch.optim.Adam, tensors: dict[str, Tensor]) -> None:
    parameters = optimiser.param_groups[0]["params"]
    moments: dict[int, dict[str, Tensor]] = {}
    for key, value in tensors.items():
        index, moment = key.split(".")
        # The fused step goes through memory in its order, so a moment has to lie as its weight does.
        laid = torch.empty_like(parameters[int(index)]).copy_(value) if value.ndim else value
        moments.setdefault(int(index), {})[moment] = laid
    optimiser.load_state_dict(optimiser.state_dict() | {"state": moments})


def _below(name: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {key.removeprefix(f"{name}."): value for key, value in tensors.items() if key.startswith(f"{name}.")}
