"""The bones as thin shells of cortex around marrow, laid along their true courses and projected point by point.

Where a shell runs along the beam its points pile up, so edges, end plates and the turning ribs come out bright by
themselves. Sizes are the project's own, read off films and anatomical plates by eye.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
from scipy.ndimage import gaussian_filter

from gan.phantom.geometry import SECTION, SPINE_DEPTH, Array, Map, Profile, Projection, cage_profiles, deposit
from gan.phantom.patient import Phantom

VERTEBRA = 2.25  # height of a thoracic vertebra with its disc
DOWN, FRONT = np.array([0.0, 1.0, 0.0]), np.array([0.0, 0.0, 1.0])
RIBS = 11
# Per rib from the first: how far its front end lies below its head (cm), and where around the cage its bone ends
# (share of a half turn from the back).
RIB_DROP = np.array([3.0, 5.2, 6.8, 8.0, 9.0, 9.8, 10.2, 10.2, 9.6, 8.0, 5.5])
RIB_END = np.array([0.80, 0.80, 0.79, 0.78, 0.77, 0.75, 0.73, 0.68, 0.64, 0.58, 0.44])
# The share of the drop reached at a share of a half turn: level at the back, steep at the side and front.
RIB_COURSE = Profile.through([0.0, 0.12, 0.25, 0.4, 0.5, 0.6, 0.8], [0.0, 0.0, 0.06, 0.21, 0.37, 0.58, 1.0])


def skeleton(phantom: Phantom, projection: Projection) -> tuple[Map, Map]:
    """Thickness of cortical bone and of marrow along the beam, in centimetres; two arrays [side, side]."""
    shells, shell_volumes, cores, core_volumes = zip(*Builder(phantom, projection).bones(), strict=True)
    cortex = deposit(projection, _all_points(shells), _all_volumes(shell_volumes))
    marrow = deposit(projection, _all_points(cores), _all_volumes(core_volumes))
    # A breath of blur closes the gaps between points.
    return gaussian_filter(cortex, 0.45), gaussian_filter(marrow, 0.8)


Bone = tuple[Array, Array, Array, Array]


class Builder:
    """Lays out the bones of one patient as points with volumes, dense enough for one projection."""

    def __init__(self, phantom: Phantom, projection: Projection) -> None:
        self.phantom = phantom
        self.spacing = 1.15 * projection.pixel
        self.strength = phantom.habitus.bone
        self.random = np.random.default_rng([phantom.seed, 1])

    def bones(self) -> Iterator[Bone]:
        yield from self.spine()
        for side in (-1.0, 1.0):
            yield self.ribs(side)
            yield self.clavicle(side)
            yield from self.scapula(side)
            yield from self.humerus(side)

    def tube(
        self,
        path: Array,
        across: npt.ArrayLike,
        along_normal: npt.ArrayLike,
        normal: Array,
        cortex: float,
        rounded: bool = True,
    ) -> Bone:
        """A bone along `path` [..., n, 3] of elliptic section: half axes `across` and, along `normal`, `along_normal`.

        The half axes are [..., m], given at m even steps along the path; `normal` is one direction or one for each
        point of the path; `cortex` is the thickness of the shell in centimetres. The ends are closed unless `rounded`
        is False.
        """
        length = np.linalg.norm(np.diff(path, axis=-2), axis=-1).sum(-1, keepdims=True)
        count = max(int(np.ceil(length.max() / self.spacing)), 3)
        path = _stretch(path, count)
        wide, deep = (_stretch(np.atleast_1d(axis)[..., None], count) for axis in (across, along_normal))
        if rounded:
            to_end = length[..., None] * (0.5 - np.abs(np.linspace(-0.5, 0.5, count)[:, None]))
            cap = np.sqrt(1 - np.clip(1 - to_end / wide.max(-2, keepdims=True), 0, 0.98) ** 2)
            wide, deep = wide * cap, deep * cap
        step = np.gradient(path, axis=-2)
        step_length = np.linalg.norm(step, axis=-1, keepdims=True)
        sideways = _unit(np.cross(step, _stretch(np.atleast_2d(normal), count)))
        upright = np.cross(sideways, step / step_length)
        rim, share = self._rims(wide * sideways, deep * upright)

        shell_volume = share[..., 0] * step_length * cortex * self.strength
        # Marrow: even over the disc (Kronecker's sequence in place and depth), half as many points as on the rim.
        spokes = rim[..., ::2, :]
        depth = np.sqrt((0.5098 * np.arange(spokes.shape[-2]) + 0.5698 * np.arange(count)[:, None]) % 1)
        core = depth[..., None].astype(np.float32) * spokes
        core_volume = np.pi * wide * deep * step_length / spokes.shape[-2]
        centre = path[..., None, :]
        return centre + rim, shell_volume, centre + core, np.broadcast_to(core_volume, core.shape[:-1])

    def _rims(self, wide: Array, deep: Array) -> tuple[Array, Array]:
        """Points around ellipses with the half axes `wide` and `deep` [..., n, 3], relative to their centres, and the
        length of arc of each: [..., n, around, 3] and [..., n, around, 1]."""
        radii = [np.linalg.norm(axis, axis=-1)[..., None, None] for axis in (wide, deep)]
        around = max(int(np.ceil(2 * np.pi * max(radius.max() for radius in radii) / self.spacing)), 8)
        # Every other ring is turned by half a step, so that the points cover the shell evenly.
        turn = np.pi / around * (np.arange(wide.shape[-2])[:, None] % 2)
        angle = (np.linspace(0, 2 * np.pi, around, endpoint=False) + turn)[..., None]
        cosine, sine = np.cos(angle).astype(np.float32), np.sin(angle).astype(np.float32)
        rim = cosine * wide[..., None, :] + sine * deep[..., None, :]
        return rim, 2 * np.pi / around * np.hypot(sine * radii[0], cosine * radii[1])

    def ribs(self, side: float) -> Bone:
        """Ribs of one side: from the spine round the back, turning at the side, down and inwards in front."""
        thorax = self.phantom.thorax
        half_width, half_depth = cage_profiles(thorax)
        number = np.arange(RIBS)
        head = -11.6 + VERTEBRA * number + self.random.normal(0, 0.08, RIBS)
        drop = RIB_DROP * self.random.normal(1, 0.03, RIBS) * (thorax.right_dome - thorax.apex) / 22.5
        turn = np.linspace(0.03, RIB_END * self.random.normal(1, 0.015, RIBS), 60, axis=1)
        y = head[:, None] + drop[:, None] * RIB_COURSE(turn)
        angle = np.pi * turn
        x = _power(np.sin(angle)) * (half_width(y) + 0.35) * side
        z = -_power(np.cos(angle)) * (half_depth(y) + 0.35)
        outward = np.stack([np.sin(angle) * side, np.zeros_like(angle), -np.cos(angle)], axis=-1)
        wave = 0.1 * np.sin(turn * self.random.uniform(6, 12, (RIBS, 1)) + self.random.uniform(0, 6, (RIBS, 1)))
        path = np.stack([x, y + wave, z], axis=-1)
        tall, thick = [0.40, 0.60, 0.62, 0.62, 0.66, 0.70], [0.36, 0.40, 0.38, 0.32, 0.27, 0.16]
        return self.tube(path, tall, thick, outward, 0.08)

    def clavicle(self, side: float) -> Bone:
        pose = self.phantom.pose
        rise = pose.shoulder + self.random.normal(0, 0.25)
        along = np.linspace(0, 1, 24)
        reach = self.phantom.thorax.half_width + 1.8
        x = side * (1.7 + (reach - 1.7) * along)
        y = -9.3 + (rise - 2.6) * np.sin(along * np.pi / 2) ** 1.3 + 0.35 * np.sin(2 * np.pi * along)
        z = 6.5 - 7.0 * along**1.3 + 1.0 * np.sin(2 * np.pi * along)
        thick = np.interp(along, [0, 0.12, 0.5, 0.8, 1], [1.05, 0.72, 0.55, 0.60, 0.75])
        return self.tube(np.stack([x, y, z], axis=-1), thick, 0.85 * thick, FRONT, 0.15)

    def scapula(self, side: float) -> Iterator[Bone]:
        """A thin blade between thick borders, with its spine, acromion, coracoid and socket."""
        pose = self.phantom.pose
        away = self.phantom.thorax.half_width - 2.2 + 2.2 * pose.abduction
        lift = pose.shoulder

        def at(x: float, y: float, z: float) -> Array:
            return np.array([side * (away + x), y + lift, z])

        superior, inferior = at(-1.6, -9.6, -8.5), at(0.4 + 1.2 * pose.abduction, 4.2, -8.0)
        socket, acromion = at(3.6, -8.2, -4.5), at(5.2, -11.6, -3.0)
        root, coracoid = at(-1.9, -6.6, -8.8), at(2.4, -10.2, -1.5)
        yield self.tube(_curve(socket, inferior, 0.35 * side), [0.62, 0.4, 0.35], 0.35, FRONT, 0.11)
        yield self.tube(_curve(superior, inferior, -0.8 * side), [0.2, 0.18, 0.25], 0.18, FRONT, 0.06)
        yield self.tube(_curve(superior, socket, 0.0), [0.2, 0.2, 0.5], 0.2, FRONT, 0.06)
        yield self.tube(_curve(root, acromion, 0.0), [0.25, 0.4, 0.95], 0.3, FRONT, 0.09)
        yield self.tube(_curve(socket, coracoid, 0.0), [0.6, 0.55, 0.6], 0.5, FRONT, 0.10)
        yield self.tube(_curve(at(3.5, -9.8, -4.5), at(3.5, -6.5, -4.5), 0.5 * side), 0.5, 0.9, FRONT, 0.12)
        yield self.blade(superior, inferior, socket, 0.14)

    def blade(self, first: Array, second: Array, third: Array, thickness: float) -> Bone:
        """A flat triangle of bone."""
        edge = max(np.linalg.norm(second - first), np.linalg.norm(third - first))
        count = int(np.ceil(edge / self.spacing))
        u, v = np.meshgrid(*(2 * [(np.arange(count) + 0.5) / count]))
        points = first + u[..., None] * ((1 - v[..., None]) * (second - first) + v[..., None] * (third - first))
        area = np.linalg.norm(np.cross(second - first, third - first)) * u / count**2
        return points, area * thickness * self.strength, points[:1, :1], np.zeros((1, 1))

    def humerus(self, side: float) -> Iterator[Bone]:
        start, elbow = arm_axis(self.phantom, side)
        along = np.linspace(0, 1, 60)
        path = start + along[:, None] * (elbow - start)
        thick = Profile.through([0, 0.04, 0.08, 0.15, 0.3, 1], [1.9, 2.3, 2.2, 1.5, 1.15, 1.1])(along)
        yield self.tube(path, thick, thick, FRONT, 0.2)

    def spine(self) -> Iterator[Bone]:
        """Vertebrae from the fifth cervical to the second lumbar: bodies, end plates, arches and processes."""
        number = np.arange(-3, 15)
        centre_y = -12.2 + VERTEBRA * number * (1 + 0.008 * number)
        sway = 0.5 * self.random.normal() * np.sin(number / 5 + self.random.uniform(0, 6))
        wide = np.interp(number, [-3, 0, 4, 9, 14], [1.2, 1.5, 1.45, 1.75, 2.2]) * self.random.normal(1, 0.03)
        half_height = np.interp(number, [-3, 0, 14], [0.72, 0.88, 1.12])
        centre = np.stack([sway, centre_y, np.full(len(number), SPINE_DEPTH)], axis=-1)
        levels = np.linspace(-1, 1, 5)
        body = centre[:, None, :] + (half_height[:, None] * levels)[..., None] * DOWN
        waist = wide[:, None] * (0.9 + 0.1 * levels**2)
        yield self.tube(body, waist, 0.8 * waist, FRONT, 0.05, rounded=False)
        for end in (-1.0, 1.0):
            plate = centre + DOWN * (end * half_height)[:, None]
            yield self.plate(plate, wide, 0.8 * wide, 0.07)
        for side in (-1.0, 1.0):
            pedicle = centre + np.stack([side * 0.68 * wide, -0.35 * half_height, np.full(len(wide), -1.2)], axis=-1)
            backwards = pedicle[:, None, :] + np.linspace(0, -1.6, 3)[:, None] * FRONT
            yield self.tube(backwards, 0.36, 0.48, DOWN, 0.06, rounded=False)
            transverse = pedicle[:, None, :] + np.linspace(0, 1, 4)[:, None] * np.array([side * 2.0, -0.3, -1.6])
            yield self.tube(transverse, [0.45, 0.32, 0.3, 0.4], 0.3, FRONT, 0.07)
        spinous = centre[:, None, :] + np.linspace(0, 1, 5)[:, None] * np.array([0.0, 2.3, -3.2]) + [0.0, 0.0, -2.6]
        yield self.tube(spinous, [0.25, 0.15, 0.15, 0.2, 0.3], 0.5, DOWN, 0.05)

    def plate(self, centre: Array, half_width: Array, half_depth: Array, thickness: float) -> Bone:
        """Flat end plates across the spine, seen nearly edge on."""
        count = max(int(np.ceil(2 * half_width.max() / self.spacing)), 6)
        across, deep = np.meshgrid(*(2 * [np.linspace(-1, 1, count)]))
        within = across**2 + deep**2 <= 1
        across, deep = across[within], deep[within]
        sag = 0.12 * (across**2 + deep**2 - 1) + 0.06 * deep
        offset = np.stack(
            [across * half_width[:, None], np.broadcast_to(sag, (len(centre), len(sag))), deep * half_depth[:, None]],
            axis=-1,
        )
        points = centre[:, None, :] + offset
        volume = np.pi * half_width * half_depth * thickness * self.strength / len(across)
        return points, np.broadcast_to(volume[:, None], points.shape[:-1]), points[:, :1], np.zeros((len(centre), 1))


def arm_axis(phantom: Phantom, side: float) -> tuple[Array, Array]:
    """The axis of the upper arm, from the top of the humeral head to the elbow."""
    reach, lift = phantom.thorax.half_width, phantom.pose.shoulder
    out = 3.0 + 8.0 * phantom.pose.abduction
    start = np.array([side * (reach + 3.6), -9.9 + lift, -2.0])
    return start, start + np.array(
        [side * out, 27.0 - 4.0 * phantom.pose.abduction, 2.0 - 6.0 * phantom.pose.abduction]
    )


def _all_points(points: tuple[Array, ...]) -> Array:
    return np.concatenate([part.reshape(-1, 3) for part in points])


def _all_volumes(volumes: tuple[Array, ...]) -> Array:
    return np.concatenate([part.ravel() for part in volumes])


def _unit(vectors: Array) -> Array:
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


def _power(values: Array) -> Array:
    return np.sign(values) * np.abs(values) ** (2 / SECTION)


def _curve(start: Array, end: Array, bulge: float) -> Array:
    """An arc of 15 points from start to end whose middle is moved sideways (x) by `bulge`."""
    share = np.linspace(0, 1, 15)[:, None]
    return start + share * (end - start) + 4 * share * (1 - share) * np.array([bulge, 0.0, 0.0])


def _stretch(values: Array, count: int) -> Array:
    """Resample [..., n, c] linearly to [..., count, c]; a single point is repeated."""
    if values.shape[-2] == 1:
        return np.repeat(values, count, axis=-2).astype(np.float32)
    at = np.linspace(0, values.shape[-2] - 1, count)
    low = np.minimum(at.astype(int), values.shape[-2] - 2)
    share = (at - low)[:, None]
    return (values[..., low, :] * (1 - share) + values[..., low + 1, :] * share).astype(np.float32)
