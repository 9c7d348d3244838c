"""Films as another technician might have taken them: moved, turned, scaled, lighter or darker, noisier; never mirrored.

A flip would put the heart on the right, which is a finding of its own.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import affine_grid, grid_sample

ROTATION = 0.1
"""Largest angle in radians, about 6°."""
SCALE = 0.1
SHIFT = 0.05
"""Largest move in either direction, as a share of the side."""
CONTRAST = 0.15
BRIGHTNESS = 0.1
NOISE = 0.03
"""Standard deviations: of the factor of a film's values, of what is added to all of them (values are −1 … 1), and the
largest that noise of single pixels has."""


def augmented(films: Tensor, strength: float, random: torch.Generator) -> Tensor:
    """Change each film (n, 1, S, S) at random; `strength` is a factor of every bound, and 0 changes nothing.

    `random` is on the films' device, and the same state of it gives the same films.
    """
    if strength == 0:
        return films
    films = _moved(films, strength, random)
    contrast, brightness, noise = (_normal(films, random) for _ in range(3))
    films = films * (1 + strength * CONTRAST * contrast) + strength * BRIGHTNESS * brightness
    grain = torch.randn(films.shape, generator=random, device=films.device)
    return films + strength * NOISE * noise.abs().clamp(max=1) * grain


def _moved(films: Tensor, strength: float, random: torch.Generator) -> Tensor:
    turn, scale, right, down = strength * (torch.rand(4, len(films), generator=random, device=films.device) * 2 - 1)
    angle, factor = ROTATION * turn, 1 + SCALE * scale
    # The grid spans −1 … 1, so a share of the side counts twice.
    rows = [
        torch.stack([factor * angle.cos(), -factor * angle.sin(), 2 * SHIFT * right], 1),
        torch.stack([factor * angle.sin(), factor * angle.cos(), 2 * SHIFT * down], 1),
    ]
    grid = affine_grid(torch.stack(rows, 1), list(films.shape), align_corners=False)
    return grid_sample(films, grid, padding_mode="border", align_corners=False)


def _normal(films: Tensor, random: torch.Generator) -> Tensor:
    return torch.randn(len(films), 1, 1, 1, generator=random, device=films.device)
