"""Lungs, heart, great vessels, diaphragm, airways and findings: how thick each is along the beam at every pixel."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from gan.phantom.geometry import SECTION, SPINE_DEPTH, Array, Map, Profile, Projection, cage_profiles, deposit, texture
from gan.phantom.patient import Lesion, Phantom
from gan.phantom.vessels import vessel_tree

LUNG_TOP_MIDDLE = 0.33  # where the apex of a lung lies, as a share of the half width
LESIONS = 20  # the first stream of random numbers for the shapes of lesions


@dataclass(frozen=True)
class Chest:
    """What fills the cage, [side, side] each: `air` is the path (cm) where no soft tissue lies; `lung`, `vessels` and
    `lesions` are what lies in that path after all, in centimetres of water."""

    air: Map
    lung: Map
    vessels: Map
    lesions: Map

    @property
    def hollow(self) -> Map:
        """How much less than solid tissue there is along the beam, in centimetres of water."""
        return np.clip(self.air - self.lung - self.vessels - self.lesions, 0, None)


def chest(phantom: Phantom, projection: Projection, x: Map, y: Map) -> Chest:
    """The contents of the cage at the places `x`, `y` (cm) of the pixels."""
    thorax = phantom.thorax
    half_width, half_depth = cage_profiles(thorax)
    wobble = 0.16 * texture(phantom, 2, projection.side, 6, 2, 0.5)
    x_edge = x + wobble
    y_edge = y + 0.16 * texture(phantom, 3, projection.side, 6, 2, 0.5)

    section = np.clip(1 - (np.abs(x_edge) / half_width(y_edge)) ** SECTION, 0, None) ** (1 / SECTION)
    cage = 2 * half_depth(y_edge) * section
    filled = np.sqrt(np.clip((y_edge - _apex(phantom, x_edge)) / 6.0, 0, 1))

    below_dome = _below_dome(phantom, cage, x_edge, y_edge)
    heart = heart_share(phantom, x, y_edge)
    middle = _mediastinum_share(phantom, x, y)
    air = cage * filled * (1 - below_dome) * (1 - heart) * (1 - middle)

    vessels = _vessels(phantom, projection) * np.clip(air / 3.0, 0, 1)
    hilum = _hila(phantom, x, y) * np.clip(air / 6.0, 0, 1)
    mottle = 1 + 0.08 * texture(phantom, 4, projection.side, 12, 5, 0.65)
    slope = 1 + 0.25 * np.clip((y - thorax.apex) / (thorax.right_dome - thorax.apex) - 0.5, -0.5, 0.6)
    lung = air * np.float32(thorax.lung_density) * mottle * slope + hilum
    inside = Chest(air, lung, vessels, np.zeros_like(air))
    for number, lesion in enumerate(phantom.lesions):
        inside = _with_lesion(phantom, lesion, number, x, y, inside)
    return inside


def _apex(phantom: Phantom, x: Map) -> Map:
    """y of the upper end of the lung at `x`."""
    thorax = phantom.thorax
    return thorax.apex + 0.16 * (np.abs(x) - LUNG_TOP_MIDDLE * thorax.half_width) ** 2


def _hila(phantom: Phantom, x: Map, y: Map) -> Map:
    """The haze of vessels, bronchi and fat about the hila that the tree does not resolve, in centimetres of water."""
    thorax = phantom.thorax
    middle = thorax.apex + 0.5 * (thorax.right_dome - thorax.apex)
    across = (np.abs(x) - 3.2) / 2.6
    down = (y - middle - 0.4 * np.abs(x)) / 4.2
    return (0.75 * np.exp(-(across**2) - down**2)).astype(np.float32)


def _below_dome(phantom: Phantom, cage: Map, x: Map, y: Map) -> Map:
    """Share of the path through the cage that lies below the diaphragm.

    Each half is the paraboloid y = top + curve·((x − x₀)/r)² + ((z − z₀)/s)², so the path below it is a chord in z
    about z₀, in front of the middle: behind the dome the lung reaches far down.
    """
    thorax = phantom.thorax
    left = x > 0.1 * thorax.half_width
    top = np.where(left, thorax.left_dome, thorax.right_dome)
    centre = np.where(left, 0.52, -0.44) * thorax.half_width
    fall = thorax.dome_curve * ((x - centre) / (0.5 * thorax.half_width)) ** 2
    fall = np.where(np.abs(x) < np.abs(centre), 0.35 * fall, fall)
    depth = np.sqrt(np.clip(y - top - fall, 0, None)) * 4.2
    front, back = np.minimum(cage / 2, 2.5 + depth), np.maximum(-cage / 2, 2.5 - depth)
    return np.clip((front - back) / np.maximum(cage, 1e-3), 0, 1) * (depth > 0)


def heart_borders(phantom: Phantom) -> tuple[Profile, Profile]:
    """x of the right and of the left border of heart and great vessels as functions of y, in centimetres."""
    thorax = phantom.thorax
    right, left = -thorax.heart_right, thorax.heart_left
    bottom = thorax.right_dome + 0.4 * (thorax.left_dome - thorax.right_dome)
    scale = (bottom + 5.0) / 14.0
    aorta = thorax.aorta_radius

    def y(height: float) -> float:
        return bottom - height * scale

    right_border = Profile.through(
        [y(20), y(16), y(12), y(10), y(7.5), y(5.5), y(3), y(1), y(-1), y(-3)],
        [-2.0, -2.4, -2.6, -2.7, 0.6 * right - 0.8, 0.9 * right - 0.1, right, 0.98 * right, 0.95 * right, 0.9 * right],
    )
    left_border = Profile.through(
        [y(20), y(17), y(15.6), y(14.4), y(13), y(11.8), y(10), y(8), y(5.5), y(3.5), y(1.5), y(-2.5), y(-4)],
        [
            1.9,
            2.0,
            1.0 + aorta,
            2.1 + aorta,
            1.0 + aorta,
            2.5,
            3.1,
            0.25 * left + 1.9,
            0.80 * left,
            0.97 * left,
            left,
            0.98 * left,
            0.97 * left,
        ],
    )
    return right_border, left_border


def heart_share(phantom: Phantom, x: Map, y: Map) -> Map:
    """Share of the path through the cage that heart and great vessels take: a rounded section between their borders."""
    right_border, left_border = heart_borders(phantom)
    shifted = x - 3.0 * np.sin(phantom.pose.yaw)
    right, left = right_border(y), left_border(y)
    across = (2 * shifted - right - left) / (left - right)
    bottom = phantom.thorax.right_dome
    depth = Profile.through([-20, bottom - 16, bottom - 9, bottom - 4, bottom + 3], [0.45, 0.5, 0.62, 0.84, 0.88])
    solid = depth(y) * np.clip(1 - np.abs(across) ** 2.6, 0, None) ** 0.42
    # Fat and small vessels beside it: the lung next to the heart is never quite clear.
    return np.maximum(solid, 0.14 * np.clip(1 - (across / 1.5) ** 2, 0, None))


def _mediastinum_share(phantom: Phantom, x: Map, y: Map) -> Map:
    """Share taken by spine, oesophagus and descending aorta in the midline, with soft edges, less the airways."""
    from_spine = x - SPINE_DEPTH * np.sin(phantom.pose.yaw)
    spine = 0.4 * np.clip(1 - np.abs(from_spine / 2.3) ** 3, 0, None) ** 0.7
    radius = phantom.thorax.aorta_radius
    beside = np.clip(1 - ((from_spine - 1.5 - 0.25 * radius) / (0.9 * radius)) ** 2, 0, None)
    aorta = 0.22 * np.sqrt(beside) * np.sqrt(np.clip((y + 6.5) / 3.0, 0, 1))
    return 1 - (1 - spine) * (1 - aorta)


def airways(phantom: Phantom, x: Map, y: Map) -> Map:
    """Thickness of air in trachea and main bronchi, in centimetres."""
    carina = phantom.thorax.apex + 0.36 * (phantom.thorax.right_dome - phantom.thorax.apex)
    bend = -0.35 * np.clip((y + 14) / 8, 0, 1)
    trachea = _pipe(x - bend, 1.0) * _sigmoid((carina - y) / 0.25)
    right = (
        _pipe((x - bend + 0.55 * (y - carina)) * 0.88, 0.6) * (y >= carina - 0.3) * _sigmoid((carina + 3.2 - y) / 0.5)
    )
    left = (
        _pipe((x - bend - 0.95 * (y - carina)) * 0.72, 0.5) * (y >= carina - 0.3) * _sigmoid((carina + 3.4 - y) / 0.5)
    )
    return np.maximum(trachea, np.maximum(right, left)).astype(np.float32)


def _pipe(distance: Array, radius: float) -> Array:
    return 2 * np.sqrt(np.clip(radius**2 - distance**2, 0, None))


def _sigmoid(values: Array) -> Array:
    return 1 / (1 + np.exp(-np.clip(values, -30, 30)))


def _vessels(phantom: Phantom, projection: Projection) -> Map:
    points, volumes = vessel_tree(phantom, 0.8 * projection.pixel)
    return deposit(projection, points, volumes)


def _with_lesion(phantom: Phantom, lesion: Lesion, number: int, x: Map, y: Map, inside: Chest) -> Chest:
    if lesion.finding == "Nodule":
        return _with_nodule(phantom, lesion, number, x, y, inside)
    if lesion.finding == "Consolidation":
        return _with_consolidation(phantom, lesion, number, x, y, inside)
    if lesion.finding == "Effusion":
        return _with_effusion(phantom, lesion, x, y, inside)
    return _with_pneumothorax(phantom, lesion, x, y, inside)


def _with_nodule(phantom: Phantom, lesion: Lesion, number: int, x: Map, y: Map, inside: Chest) -> Chest:
    """A ball of soft tissue, a little uneven."""
    away = np.hypot(x - lesion.x, y - lesion.y) / lesion.radius
    away = away * (1 + 0.05 * texture(phantom, LESIONS + number, len(x), 32, 2, 0.6))
    ball = 2 * lesion.radius * np.sqrt(np.clip(1 - away**2, 0, None))
    return replace(inside, lesions=inside.lesions + np.minimum(ball, inside.air))


def _with_consolidation(phantom: Phantom, lesion: Lesion, number: int, x: Map, y: Map, inside: Chest) -> Chest:
    """Half of the air gives way to fluid within a ragged border; vessels can no longer be told from it."""
    ragged = texture(phantom, LESIONS + number, len(x), 8, 4, 0.6)
    away = np.hypot(x - lesion.x, (y - lesion.y) / 0.85) / lesion.radius
    share = 0.5 * _sigmoid((1 - away + 0.32 * ragged) / 0.3)
    filled = share * np.clip(inside.air - inside.lung, 0, None)
    return replace(inside, vessels=inside.vessels * (1 - share), lesions=inside.lesions + filled)


def _with_effusion(phantom: Phantom, lesion: Lesion, x: Map, y: Map, inside: Chest) -> Chest:
    """Fluid takes the space of the lung: all of it below a level that climbs along the wall as a meniscus."""
    half_width, _ = cage_profiles(phantom.thorax)
    outwards = np.clip(lesion.x * x / half_width(y), 0, 1.2)
    level = lesion.y - lesion.radius * np.clip((outwards - 0.45) / 0.5, 0, 1.2) ** 2.2
    left = 1 - _sigmoid((y - level) / 0.55) * (lesion.x * x > 0)
    return Chest(inside.air * left, inside.lung * left, inside.vessels * left, inside.lesions * left)


def _with_pneumothorax(phantom: Phantom, lesion: Lesion, x: Map, y: Map, inside: Chest) -> Chest:
    """Air alone between the chest wall and the fallen lung, whose pleura shows as a line; the gap is widest above."""
    thorax = phantom.thorax
    half_width, _ = cage_profiles(thorax)
    height = (y - thorax.apex) / (thorax.right_dome - thorax.apex)
    edge = half_width(y) - lesion.radius * np.clip(1 - 0.75 * height, 0, 1)
    apex = _apex(phantom, x) + 1.1 * lesion.radius
    gone = _sigmoid(np.maximum(lesion.x * x - edge, apex - y) / 0.07) * (lesion.x * x > 0)
    pleura = 0.12 * np.exp(-((gone - 0.5) ** 2) / 0.05) * np.clip(inside.air / 2, 0, 1)
    return replace(
        inside, lung=inside.lung * (1 - gone), vessels=inside.vessels * (1 - gone), lesions=inside.lesions + pleura
    )
