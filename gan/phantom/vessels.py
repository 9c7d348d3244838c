"""The pulmonary vessels: a tree grown from each hilum, forking as it goes, until it is thin or nears the pleura."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import numpy.typing as npt

from gan.phantom.geometry import GOLDEN, Array, cage_profiles
from gan.phantom.patient import Phantom

SMALLEST = 0.03  # radius in centimetres below which a branch is not drawn
STEP = 0.45
TRUNKS = 16
BUNDLES = (0.0, 0.08, 0.16, 0.3, 1.0)  # limits of radius
SPREAD = np.array([1.0, 1.0, 0.5])  # branches keep rather to the plane of the film


def vessel_tree(phantom: Phantom, spacing: float) -> tuple[Array, Array]:
    """Points [..., 3] within all vessels and the volume (cm³) that each stands for, one about every `spacing`."""
    random = np.random.default_rng([phantom.seed, 5])
    segments = [_grow(phantom, side, random) for side in (-1.0, 1.0)]
    start, end, radius = (np.concatenate(parts) for parts in zip(*segments, strict=True))
    # Sorted by thickness into bundles, so that thin vessels do not carry as many points as thick ones.
    bundles = [(radius > low) & (radius <= high) for low, high in pairwise(BUNDLES)]
    filled = [_fill(start[of], end[of], radius[of], spacing) for of in bundles if of.any()]
    points, volumes = (np.concatenate(parts) for parts in zip(*filled, strict=True))
    return points, volumes


def _grow(phantom: Phantom, side: float, random: np.random.Generator) -> tuple[Array, Array, Array]:
    """Start, end and radius of the segments of one lung: all branches of a generation grow together, then fork."""
    at, direction, radius = _trunks(phantom, side, random)
    segments = []
    while len(radius):
        steps = np.maximum(random.uniform(3.0, 7.0, len(radius)) * radius**0.45 / STEP, 1)
        alive = np.ones(len(radius), dtype=bool)
        for step in range(int(steps.max()) + 1):
            growing = np.flatnonzero(alive & (step < steps))
            turned = _unit(direction[growing] + SPREAD * random.normal(0, 0.10, (len(growing), 3)))
            to = at[growing] + STEP * turned
            inside = _within_lung(phantom, side, to)
            alive[growing[~inside]] = False
            growing, turned, to = growing[inside], turned[inside], to[inside]
            segments.append((at[growing], to, radius[growing]))
            at[growing], direction[growing] = to, turned
            radius[growing] *= 0.985
        at, direction, radius = _fork(at[alive], direction[alive], radius[alive], random)
    start, end, thick = (np.concatenate(parts) for parts in zip(*segments, strict=True))
    return start, end, thick


def _trunks(phantom: Phantom, side: float, random: np.random.Generator) -> tuple[Array, Array, Array]:
    """The vessels that leave one hilum: a fan, thicker downwards, since blood sinks in a standing patient, and the two
    main arteries."""
    thorax = phantom.thorax
    height = thorax.right_dome - thorax.apex
    hilum = np.array([side * (3.6 if side < 0 else 3.4), thorax.apex + height * (0.50 if side < 0 else 0.46), 0.0])
    angle = np.linspace(-1.6, 1.5, TRUNKS) + random.normal(0, 0.08, TRUNKS)
    level = np.zeros(TRUNKS)
    fan_start = hilum + np.stack([level, 1.6 * np.sin(angle), random.normal(0, 1.0, TRUNKS)], axis=-1)
    fan = np.stack([side * np.cos(angle), np.sin(angle), random.normal(0, 0.35, TRUNKS)], axis=-1)
    fan_radius = (0.30 + 0.10 * np.sin(angle)) * random.uniform(0.7, 1.15, TRUNKS)
    main_start = hilum - np.array([[0.0, 1.2, 0.0], [0.0, 1.0, 0.0]])
    main = np.array([[side * 0.45, 0.89, -0.1], [side * 0.75, -0.66, 0.1]])
    radius = np.concatenate([fan_radius, [0.62, 0.50]]) * thorax.vessel_scale
    return np.concatenate([fan_start, main_start]), _unit(np.concatenate([fan, main])), radius


def _within_lung(phantom: Phantom, side: float, points: Array) -> npt.NDArray[np.bool_]:
    thorax = phantom.thorax
    half_width, half_depth = cage_profiles(thorax)
    x, y, z = points.T
    section = (x / half_width(y)) ** 2 + (z / half_depth(y)) ** 2
    return (section < 0.95) & (side * x > 0.8) & (y > thorax.apex) & (y < thorax.left_dome + 4)


def _fork(at: Array, direction: Array, radius: Array, random: np.random.Generator) -> tuple[Array, Array, Array]:
    """A thicker branch that keeps its course and a thinner one that leaves it."""
    count = len(radius)
    keeping = _unit(direction + SPREAD * random.normal(0, 0.25, (count, 3)))
    leaving = _unit(direction + SPREAD * random.normal(0, 0.70, (count, 3)))
    thinner = np.concatenate([radius * random.uniform(0.78, 0.9, count), radius * random.uniform(0.55, 0.8, count)])
    enough = thinner > SMALLEST
    return np.concatenate([at, at])[enough], np.concatenate([keeping, leaving])[enough], thinner[enough]


def _unit(vectors: Array) -> Array:
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


def _fill(start: Array, end: Array, radius: Array, spacing: float) -> tuple[Array, Array]:
    """Fill cylinders with points: evenly along the axis, and as in a sunflower over the section."""
    along = max(int(np.ceil(STEP / spacing)), 1)
    share = (np.arange(along) + 0.5) / along
    axis = start[:, None, :] + share[:, None] * (end - start)[:, None, :]
    direction = (end - start) / STEP
    sideways = _unit(np.cross(direction, [0.3, 0.2, 1.0]))
    upright = np.cross(direction, sideways)
    count = max(int(np.ceil(2.0 * (radius.max() / spacing) ** 2)), 4)
    out, angle = np.sqrt((np.arange(count) + 0.5) / count)[:, None], np.arange(count)[:, None] * GOLDEN
    disc = out * np.cos(angle) * sideways[:, None, :] + out * np.sin(angle) * upright[:, None, :]
    points = axis[:, :, None, :] + (radius[:, None, None] * disc)[:, None, :, :]
    volume = np.pi * radius**2 * STEP / (along * count)
    return points.reshape(-1, 3).astype(np.float32), np.repeat(volume, along * count)
