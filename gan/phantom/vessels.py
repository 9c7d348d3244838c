"""The pulmonary vessels: a tree grown from each hilum, halving as it goes, until it nears the pleura."""

from __future__ import annotations

import numpy as np

from gan.phantom.geometry import Array, cage_profiles
from gan.phantom.patient import Phantom

SMALLEST = 0.035  # radius in centimetres at which a branch ends
STEP = 0.45


def vessel_tree(phantom: Phantom, spacing: float) -> tuple[Array, Array]:
    """Points [n, 3] along all branches and the volume (cm³) of each, spread over the width of its branch."""
    random = np.random.default_rng([phantom.seed, 5])
    segments = [segment for side in (-1.0, 1.0) for segment in _grow(phantom, side, random)]
    start, end, radius = (np.array(values) for values in zip(*segments, strict=True))
    return _fill(start, end, radius, spacing)


def _grow(phantom: Phantom, side: float, random: np.random.Generator) -> list[tuple[Array, Array, float]]:
    """Segments (start, end, radius) of one lung."""
    thorax = phantom.thorax
    half_width, half_depth = cage_profiles(thorax)
    height = thorax.right_dome - thorax.apex
    hilum = np.array([side * (3.6 if side < 0 else 3.4), thorax.apex + height * (0.50 if side < 0 else 0.46), 0.0])
    segments: list[tuple[Array, Array, float]] = []
    branches = []
    for angle in np.linspace(-1.35, 1.45, 15) + random.normal(0, 0.08, 15):
        # Downwards (angle > 0) the trunks are thicker: blood sinks in a standing patient.
        radius = (0.24 + 0.10 * np.sin(angle)) * phantom.thorax.vessel_scale * random.uniform(0.7, 1.15)
        direction = np.array([side * np.cos(angle), np.sin(angle), random.normal(0, 0.45)])
        start = hilum + np.array([0.0, 1.6 * np.sin(angle), random.normal(0, 1.0)])
        branches.append((start, direction / np.linalg.norm(direction), radius))
    while branches:
        at, direction, radius = branches.pop()
        run = random.uniform(3.0, 7.0) * radius**0.45
        for _ in range(max(int(run / STEP), 1)):
            direction = direction + random.normal(0, 0.10, 3)
            direction /= np.linalg.norm(direction)
            to = at + STEP * direction
            section = (to[0] / half_width(to[1])) ** 2 + (to[2] / half_depth(to[1])) ** 2
            if section > 0.95 or to[0] * side < 0.8 or not thorax.apex < to[1] < thorax.left_dome + 4:
                break
            segments.append((at, to, radius))
            at = to
            radius *= 0.985
        else:
            for share, spread in ((random.uniform(0.78, 0.9), 0.25), (random.uniform(0.5, 0.75), 0.7)):
                if radius * share > SMALLEST:
                    turned = direction + random.normal(0, spread, 3)
                    branches.append((at, turned / np.linalg.norm(turned), radius * share))
    return segments


def _fill(start: Array, end: Array, radius: Array, spacing: float) -> tuple[Array, Array]:
    """Fill cylinders with points: along the axis at `spacing`, across at the fixed places of a disc."""
    along = max(int(np.ceil(STEP / spacing)), 1)
    share = (np.arange(along) + 0.5) / along
    axis = start[:, None, :] + share[:, None] * (end - start)[:, None, :]
    direction = (end - start) / STEP
    sideways = np.stack([-direction[:, 1], direction[:, 0], np.zeros(len(start))], axis=-1)
    sideways /= np.maximum(np.linalg.norm(sideways, axis=-1, keepdims=True), 1e-6)
    # Abscissae that split the projected disc of a cylinder into strips of equal area.
    across = max(int(np.ceil(2 * radius.max() / spacing)), 3)
    place = np.cos(np.pi * (np.arange(across) + 0.5) / across)
    weight = np.sin(np.pi * (np.arange(across) + 0.5) / across) ** 2
    points = axis[:, :, None, :] + place[:, None] * (radius[:, None] * sideways)[:, None, None, :]
    volume = (np.pi * radius**2 * STEP / along)[:, None, None] * (weight / weight.sum())
    return points, np.broadcast_to(volume, points.shape[:-1])
