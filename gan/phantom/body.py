"""The soft tissue around the cage: trunk, neck, shoulders, arms, breasts, and gas in the stomach."""

from __future__ import annotations

import numpy as np

from gan.phantom.geometry import Map, Profile, Projection, cage_profiles, texture
from gan.phantom.patient import Phantom
from gan.phantom.skeleton import arm_axis


def body(phantom: Phantom, projection: Projection, x: Map, y: Map) -> tuple[Map, Map]:
    """Path through the whole body and through what of it is not fat, in centimetres; two arrays [side, side]."""
    habitus = phantom.habitus
    skin = habitus.fat
    outer = np.maximum(
        _trunk(phantom, x, y, habitus.muscle + skin, habitus.muscle + 0.5 * skin), _neck(phantom, x, y, 0.0)
    )
    inner = np.maximum(_trunk(phantom, x, y, habitus.muscle, habitus.muscle), _neck(phantom, x, y, 0.35 * skin))
    for side in (-1.0, 1.0):
        outer = _joined(outer, _arm(phantom, projection, side, x, y, 4.6 + 0.7 * skin))
        inner = _joined(inner, _arm(phantom, projection, side, x, y, 4.2))
    return outer + _breasts(phantom, x, y), inner


def _trunk(phantom: Phantom, x: Map, y: Map, flank: float, wall: float) -> Map:
    """The cage within soft tissue, `flank` thick at the sides and `wall` before and behind, with the shoulders."""
    thorax = phantom.thorax
    _, half_depth = cage_profiles(thorax)
    lift = phantom.pose.shoulder
    spread = Profile.through(
        [-16, -11, -7, -3, 2, 8, 30],
        thorax.half_width + np.array([6.0, 6.0, 5.0, 4.2, 1.6, 0.9, 0.7]),
    )
    wide = spread(y - lift) + flank - 1.2
    deep = np.maximum(half_depth(y), 0.72 * thorax.half_depth) + wall
    section = np.clip(1 - (np.abs(x) / wide) ** 4, 0, None) ** (1 / 2.2)
    slope = Profile.through([0, 5, 9, 14, 20, 30], [-19.0, -15.6, -14.2, -13.0, -11.2, -7.0])
    top = slope(np.abs(x)) + lift - 0.5 * (flank - 1.5)
    filled = np.clip((y - top) / 8.0, 0, 1) ** 0.4
    return (2 * deep * section * filled).astype(np.float32)


def _neck(phantom: Phantom, x: Map, y: Map, skin: float) -> Map:
    radius = phantom.habitus.neck - skin + 0.05 * np.clip(y + 19, 0, 8) ** 2
    return (2.3 * np.sqrt(np.clip(radius**2 - x**2, 0, None)) * (y < 0)).astype(np.float32)


def _arm(phantom: Phantom, projection: Projection, side: float, x: Map, y: Map, radius: float) -> Map:
    """A capsule around the upper arm."""
    start, end = arm_axis(phantom, side)
    start = start + np.array([0.0, 2.6, 0.0])
    (start_x, end_x), (start_y, end_y) = projection.to_middle(
        np.array([start[0], end[0]]), np.array([start[2], end[2]]), np.array([start[1], end[1]])
    )
    run_x, run_y = end_x - start_x, end_y - start_y
    share = np.clip(((x - start_x) * run_x + (y - start_y) * run_y) / (run_x**2 + run_y**2), 0, 1)
    away = np.hypot(x - start_x - share * run_x, y - start_y - share * run_y)
    return (2 * np.sqrt(np.clip(radius**2 - away**2, 0, None))).astype(np.float32)


def _joined(first: Map, second: Map) -> Map:
    """Two bodies that run into each other: a smooth maximum, zero where both are."""
    return np.sqrt(np.sqrt(np.square(np.square(first)) + np.square(np.square(second))))


def _breasts(phantom: Phantom, x: Map, y: Map) -> Map:
    habitus = phantom.habitus
    total = np.zeros_like(x)
    if not habitus.breast_radius:
        return total
    for side in (-1.0, 1.0):
        away_x = (x - side * 0.62 * phantom.thorax.half_width) / habitus.breast_radius
        away_y = (y - habitus.breast_y) / habitus.breast_radius
        # Fuller below than above: the upper half is stretched.
        away = away_x**2 + np.where(away_y < 0, 0.45 * away_y, 1.05 * away_y) ** 2
        total = np.maximum(total, habitus.breast_thickness * np.clip(1 - away, 0, None) ** 0.5)
    return total.astype(np.float32)


def stomach_gas(phantom: Phantom, x: Map, y: Map) -> Map:
    """A gas bubble under the left dome, level below in a standing patient, in centimetres."""
    random = np.random.default_rng([phantom.seed, 6])
    wide, high = random.uniform(1.8, 3.6), random.uniform(1.0, 2.4)
    centre_x = random.uniform(0.35, 0.55) * phantom.thorax.half_width
    top = phantom.thorax.left_dome + random.uniform(0.9, 1.8)
    present = random.random() < 0.6
    away = ((x - centre_x) / wide) ** 2 + ((y - top - high) / high) ** 2
    away = away + 0.25 * texture(phantom, 10, len(x), 8, 2, 0.6)
    gas = random.uniform(1.5, 4.0) * np.sqrt(np.clip(1 - away, 0, 1))
    if phantom.view == "PA":
        gas = gas * (1 / (1 + np.exp(np.clip((y - top - 1.25 * high) / 0.06, -30, 30))))
    return (present * gas).astype(np.float32)
