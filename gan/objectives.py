"""What the two networks are trained towards: WGAN-GP, or the non-saturating loss with R1."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

from gan.config import TrainingConfig
from gan.networks import STD_GROUP, Discriminator, enlarged, halved, widest
from gan.schedule import Phase


def faded(reals: Tensor, alpha: float) -> Tensor:
    """Real films as the generator sees them during a fade: mixed with themselves at half the resolution."""
    return reals if alpha >= 1 else torch.lerp(enlarged(halved(reals)), reals, alpha)


def scores_of_both(D: Callable[..., Tensor], reals: Tensor, fakes: Tensor, phase: Phase) -> tuple[Tensor, Tensor]:
    """Scores of reals and fakes, equal in number, as from two calls.

    Where whole groups allow it in one call, which reads the weights once: interleaved, the strided groups of the
    minibatch standard deviation hold films of one kind only, and the same ones as in two calls.
    """
    at = (phase.resolution, phase.alpha)
    if len(reals) % STD_GROUP:
        return D(reals, *at), D(fakes, *at)
    both = D(torch.stack([reals, fakes], dim=1).flatten(0, 1), *at)
    return both[0::2], both[1::2]


def discriminator_loss(config: TrainingConfig, on_reals: Tensor, on_fakes: Tensor) -> Tensor:
    """The discriminator's loss without its penalty (Karras et al. 2018, appendix A.1; Goodfellow et al. 2014)."""
    if config.loss == "wgan-gp":
        return on_fakes.mean() - on_reals.mean() + config.drift * on_reals.square().mean()
    return F.softplus(on_fakes).mean() + F.softplus(-on_reals).mean()


def generator_loss(config: TrainingConfig, on_fakes: Tensor) -> Tensor:
    return -on_fakes.mean() if config.loss == "wgan-gp" else F.softplus(-on_fakes).mean()


def gradient_penalty(D: Discriminator, films: Tensor, phase: Phase) -> Tensor:
    """Mean over films of (‖∇D‖₂ − 1)² (Gulrajani et al. 2017, equation 3)."""
    films = films.requires_grad_()
    scores = D(films, phase.resolution, phase.alpha)
    (gradient,) = torch.autograd.grad(scores.sum(), films, create_graph=True)
    return (widest(gradient).flatten(1).norm(dim=1) - 1).square().mean()


def r1(scores: Tensor, films: Tensor) -> Tensor:
    """Mean over films of ‖∇D‖₂², of the scores that came from these films (Mescheder et al. 2018, equation 9)."""
    (gradient,) = torch.autograd.grad(scores.sum(), films, create_graph=True)
    return widest(gradient).square().sum(dim=(1, 2, 3)).mean()


def r1_weight(config: TrainingConfig, resolution: int) -> float:
    """What R1 is multiplied by in a step that has it: γ/2, times the interval (Karras et al. 2020, appendix B)."""
    gamma = config.r1_gamma or 0.0002 * resolution**2 / config.batch(resolution)
    return 0.5 * gamma * config.r1_interval
