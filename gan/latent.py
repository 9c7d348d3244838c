"""Latent class optimisation: films of a wanted finding from a generator that knows no findings.

A latent is moved by the gradient of what classifiers say of its film until they see the finding (Segal et al. 2021,
section 3; its loss, steps and thresholds were never published, so those here are the project's own). Two things keep
the films honest. The latent stays on the sphere on which the generator was trained: it is turned, never stretched. And
the classifiers see the film through a view that is drawn anew at every step: of a latent close by, resized, shifted and
noisy. So a texture that fools them at one place and one size does not help, nor a latent that fools them at one point
(expectation over transformations, Athalye et al. 2018).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from gan.pixels import FULL_SCALE, Film, canonical

Draw = Callable[[Tensor], Tensor]
"""Latents (n, latent) to films (n, 1, R, R), about -1 … 1; differentiable."""
Judge = Callable[[Tensor], Tensor]
"""Films (n, 1, R, R) of -1 … 1 to logits (n, findings); differentiable."""

FORWARD, FORWARD_AND_BACK = 1, 3


@dataclass(frozen=True)
class Steering:
    """How latents are moved."""

    steps: int = 60
    """At most so many."""
    angle: float = 0.15
    """How far the first step turns a latent, in radians; the angle is annealed to nothing along a half cosine."""
    momentum: float = 0.7
    margin: float = 3.0
    """How far beyond its threshold a logit must be, on the wanted side."""
    content: int = 3
    """Views in a row that must show what is wanted before a latent rests."""
    keep_others: float = 0.0
    """Weight of the squared change of logits that nothing was wanted of."""
    defence: bool = True
    jitter: float = 0.3
    """How far, in radians, the latent of every view is turned at random: what holds only at one point is no finding."""
    smallest: float = 0.7
    """The smallest view, as a share of the film's side."""
    shift: float = 0.06
    """The farthest shift, as a share of the film's side."""
    noise: float = 0.05
    """The standard deviation of the noise, on the scale of the films, -1 … 1."""

    def __post_init__(self) -> None:
        if self.steps < 1 or self.content < 1:
            raise ValueError("Steering takes at least one step, and one view to rest.")
        if not 0 < self.angle <= math.pi / 2:
            raise ValueError(f"A step turns a latent by an angle above 0 and up to π/2, not by {self.angle}.")
        if not 0 <= self.momentum < 1:
            raise ValueError(f"The momentum lies from 0 to below 1, not at {self.momentum}.")
        if not 0 <= self.jitter <= 1:
            raise ValueError(f"A view turns its latent by 0 to 1 radians, not by {self.jitter}.")
        if not 0.25 <= self.smallest <= 1:
            raise ValueError(f"The smallest view is 0.25 to 1 of the film's side, not {self.smallest}.")
        if min(self.margin, self.keep_others, self.shift, self.noise) < 0 or self.shift > 0.5:
            raise ValueError("Margin, weight, shift and noise are not negative, and no shift is above 0.5.")

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Steering:
        """Raises ValueError for a setting that there is not."""
        unknown = set(values) - {field.name for field in fields(cls)}
        if unknown:
            raise ValueError(f"Steering has no setting {', '.join(sorted(unknown))}.")
        return cls(**values)


@dataclass(frozen=True)
class Steered:
    """What became of n latents.

    `scores` are the judges' mean logits (n, findings) of the undisturbed films; `steps` how often each latent was
    turned; `distance` the angle in radians from where it began; `reached` whether the judges were content.
    `forward_equivalents` is the cost of all of them: 1 for each film that went forward through a network, generator and
    classifiers alike, and 2 more for each that came back.
    """

    latents: Tensor
    films: Tensor
    scores: Tensor
    steps: Tensor
    distance: Tensor
    reached: Tensor
    forward_equivalents: int


def steer(
    draw: Draw,
    judges: Sequence[Judge],
    wanted: Tensor,
    thresholds: Tensor,
    latents: Tensor,
    steering: Steering,
    random: torch.Generator,
) -> Steered:
    """Turn latents (n, latent) until the judges see what is wanted, each as long as it needs.

    `wanted` (findings,) is 1 for a finding to show, -1 for one not to show, 0 for what does not matter; `thresholds`
    (findings,) are the logits from which on a finding counts as shown. The judges' logits are averaged. Numbers are
    drawn from `random` on the processor: the same call gives the same films. Raises ValueError where nothing is wanted.
    """
    if not wanted.any():
        raise ValueError("Nothing is wanted of these films: name a finding to show or not to show.")
    begun = on_sphere(latents)
    now, velocity = begun.clone(), torch.zeros_like(begun)
    count = len(begun)
    steps, streak = torch.zeros(count, dtype=torch.int64), torch.zeros(count, dtype=torch.int64)
    cost = 0
    at_first = None
    if steering.keep_others:
        at_first = mean_logits(judges, _still(draw, begun))
        cost += count * FORWARD * (1 + len(judges))
    for number in range(steering.steps):
        active = (streak < steering.content).nonzero().squeeze(1)
        if not len(active):
            break
        moving = now[active].requires_grad_()
        logits = mean_logits(judges, _seen(draw(_jittered(moving, steering, random)), steering, random))
        loss = _loss(logits, thresholds, wanted, steering, None if at_first is None else at_first[active])
        (gradient,) = torch.autograd.grad(loss.sum(), moving)
        cost += len(active) * FORWARD_AND_BACK * (1 + len(judges))
        content = met(logits.detach(), thresholds, wanted, steering.margin).cpu()
        streak[active] = torch.where(content, streak[active] + 1, 0)
        turned = active[~content]
        if len(turned):
            velocity[turned] = steering.momentum * velocity[turned] - _along(now[turned], gradient[~content])
            angle = steering.angle * 0.5 * (1 + math.cos(math.pi * number / steering.steps))
            now[turned] = rotated(now[turned], velocity[turned], angle)
            velocity[turned] = _tangent(now[turned], velocity[turned])
            steps[turned] += 1
    films = _still(draw, now)
    scores = mean_logits(judges, films).detach()
    cost += count * FORWARD * (1 + len(judges))
    return Steered(now, films.cpu(), scores.cpu(), steps, angles(begun, now), streak >= steering.content, cost)


def met(logits: Tensor, thresholds: Tensor, wanted: Tensor, margin: float = 0.0) -> Tensor:
    """Which rows of logits (n, findings) show all that is wanted: at the threshold or above, or below it."""
    above = (logits - thresholds.to(logits)) * wanted.to(logits)
    enough = torch.where(wanted.to(logits) > 0, above >= margin, above > margin)
    return (enough | (wanted.to(logits) == 0)).all(1)


def mean_logits(judges: Sequence[Judge], films: Tensor) -> Tensor:
    """The mean over judges of their logits."""
    return torch.stack([judge(films) for judge in judges]).mean(0)


def in_canonical_form(films: Tensor) -> tuple[list[Film | None], Tensor]:
    """Drawn films (n, 1, R, R) in the form in which they are kept, and as tensors of it, -1 … 1.

    None where a film is of one grey and so has no such form; its tensor is the film as it was drawn.
    """
    kept: list[Film | None] = []
    values = films.clamp(-1, 1)
    for row, film in enumerate(values[:, 0].numpy()):
        try:
            whole = canonical(film)
        except ValueError:
            kept.append(None)
            continue
        kept.append(whole)
        values[row, 0] = torch.from_numpy(whole.astype("float32")) / (FULL_SCALE / 2) - 1
    return kept, values


# The sphere


def on_sphere(latents: Tensor) -> Tensor:
    """Latents (n, latent) at the length that pixel normalisation gives them: the square root of their dimension."""
    return F.normalize(latents, dim=1) * math.sqrt(latents.shape[1])


def rotated(latents: Tensor, towards: Tensor, angle: float | Tensor) -> Tensor:
    """Latents on the sphere, turned by an angle in radians along the great circle that begins towards a tangent."""
    length = latents.norm(dim=1, keepdim=True)
    tangent = F.normalize(_tangent(latents, towards), dim=1) * length
    angle = torch.as_tensor(angle)
    # A latent that nothing pulls at stays where it is.
    turned = torch.where(tangent.norm(dim=1, keepdim=True) > 0, angle.cos() * latents + angle.sin() * tangent, latents)
    return on_sphere(turned)


def angles(first: Tensor, second: Tensor) -> Tensor:
    """The angles in radians between the rows of two tensors (n, latent)."""
    return torch.arccos(F.cosine_similarity(first.double(), second.double(), dim=1).clamp(-1, 1)).float()


def _tangent(latents: Tensor, vectors: Tensor) -> Tensor:
    """What of the vectors does not stretch the latents."""
    unit = F.normalize(latents, dim=1)
    return vectors - (vectors * unit).sum(1, keepdim=True) * unit


def _along(latents: Tensor, gradient: Tensor) -> Tensor:
    return F.normalize(_tangent(latents, gradient.to(latents)), dim=1)


# What is asked of the films


def _loss(logits: Tensor, thresholds: Tensor, wanted: Tensor, steering: Steering, at_first: Tensor | None) -> Tensor:
    """How far each film (n,) is from what is wanted; a finding that is shown beyond the margin pulls no more."""
    wanted = wanted.to(logits)
    beyond = (logits - thresholds.to(logits)) * wanted - steering.margin
    loss = (F.softplus(-beyond) * wanted.abs()).sum(1)
    if at_first is not None:
        others = (wanted == 0).to(logits)
        loss = loss + steering.keep_others * ((logits - at_first).square() * others).sum(1)
    return loss


def _still(draw: Draw, latents: Tensor) -> Tensor:
    with torch.no_grad():
        return draw(latents).clamp(-1, 1)


def _jittered(latents: Tensor, steering: Steering, random: torch.Generator) -> Tensor:
    if not steering.defence or not steering.jitter:
        return latents
    return rotated(latents, torch.randn(latents.shape, generator=random).to(latents), steering.jitter)


def _seen(films: Tensor, steering: Steering, random: torch.Generator) -> Tensor:
    """The films as the judges see them during the optimisation: each through a view of its own."""
    if not steering.defence:
        return films.clamp(-1, 1)
    count, side = len(films), films.shape[-1]

    def uniform(low: float, high: float, *shape: int) -> Tensor:
        return low + (high - low) * torch.rand(*shape, generator=random)

    # One size for all films of the step, so that they stay one batch; coarser and back to the side, so that the judges
    # see every view at the size they know.
    coarser = round(side * float(uniform(steering.smallest, 1.0, 1)))
    views = F.interpolate(films, (coarser, coarser), mode="bilinear", antialias=True, align_corners=False)
    views = F.interpolate(views, (side, side), mode="bilinear", align_corners=False)
    zoom = uniform(1 - steering.shift, 1 + steering.shift, count)
    placed = torch.zeros(count, 2, 3)
    placed[:, 0, 0] = placed[:, 1, 1] = zoom
    placed[:, :, 2] = uniform(-2 * steering.shift, 2 * steering.shift, count, 2)
    grid = F.affine_grid(placed.to(films), list(views.shape), align_corners=False)
    views = F.grid_sample(views, grid, padding_mode="border", align_corners=False)
    noise = steering.noise * torch.randn(views.shape, generator=random)
    return (views + noise.to(films)).clamp(-1, 1)
