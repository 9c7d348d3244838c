"""Latent direction editing, the baseline beside latent class optimisation: one straight way for one finding.

A linear model of the judges' logits on plain draws gives the direction in which a finding grows (Denton et al. 2019;
Shen et al., CVPR 2020, take a classifier's boundary likewise); every latent is turned towards it until the judges are
content.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from gan.latent import FORWARD, Draw, Judge, Steered, Steering, angles, mean_logits, met, on_sphere, rotated

RIDGE = 1e-2
"""Of the penalty of the linear model, per film: without one, a hundred films and a hundred latents fit anything."""


def direction_of(latents: Tensor, logits: Tensor, wanted: Tensor) -> Tensor:
    """The direction (latent,) in which all that is wanted grows, from latents (n, latent) and logits (n, findings).

    Ridge regression of each wanted finding's logit on the latent; the directions are added with the signs of `wanted`,
    each at a length of one.
    """
    x = on_sphere(latents)
    x = x - x.mean(0)
    y = logits - logits.mean(0)
    slopes = torch.linalg.solve(x.T @ x / len(x) + RIDGE * torch.eye(x.shape[1]), x.T @ y / len(x))
    directions = torch.nn.functional.normalize(slopes, dim=0) * wanted.to(slopes)
    return directions.sum(1)


def edit(
    draw: Draw,
    judges: Sequence[Judge],
    wanted: Tensor,
    thresholds: Tensor,
    latents: Tensor,
    direction: Tensor,
    steering: Steering,
) -> Steered:
    """Turn latents (n, latent) towards `direction`, `steering.angle` at a time, until the judges are content.

    Takes `steps`, `angle` and `margin` of the steering; a latent that reaches the direction itself goes no further.
    """
    begun = on_sphere(latents)
    now = begun.clone()
    target = on_sphere(direction[None])
    steps = torch.zeros(len(begun), dtype=torch.int64)
    films, scores = _look(draw, judges, now)
    cost = len(now) * FORWARD * (1 + len(judges))
    content = met(scores, thresholds, wanted, steering.margin)
    for _ in range(steering.steps):
        left = angles(now, target.expand_as(now))
        moving = (~content & (left > 1e-3)).nonzero().squeeze(1)
        if not len(moving):
            break
        angle = left[moving].clamp(max=steering.angle)[:, None]
        now[moving] = rotated(now[moving], target.expand(len(moving), -1), angle)
        steps[moving] += 1
        films[moving], scores[moving] = _look(draw, judges, now[moving])
        cost += len(moving) * FORWARD * (1 + len(judges))
        content = met(scores, thresholds, wanted, steering.margin)
    return Steered(now, films, scores, steps, angles(begun, now), content, cost)


def _look(draw: Draw, judges: Sequence[Judge], latents: Tensor) -> tuple[Tensor, Tensor]:
    with torch.no_grad():
        films = draw(latents).clamp(-1, 1)
        return films.cpu(), mean_logits(judges, films).cpu()
