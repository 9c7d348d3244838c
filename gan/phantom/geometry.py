"""The frame that all organs share: profiles of the cage, the projection onto the film, noise that knows its place."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Self

import numpy as np
import numpy.typing as npt
import torch
from scipy.interpolate import PchipInterpolator
from torch.nn.functional import interpolate

from gan.phantom.patient import Phantom, Pose, Thorax

Array = npt.NDArray[np.floating]
Map = npt.NDArray[np.floating]  # one value for every pixel, [side, side]

# The section of the cage is a superellipse of this exponent: flatter at the back and front than an ellipse.
SECTION = 2.4
SPINE_DEPTH = -6.0  # z of the vertebral bodies, in centimetres
GOLDEN = float(np.pi * (3 - np.sqrt(5)))  # the angle between neighbours that never line up
# Distance from the X-ray source to the detector, and from the middle of the chest to it.
SOURCE_TO_DETECTOR, CENTRE_TO_DETECTOR = 180.0, 12.0

# Inner half width and half depth of the cage from the apex (0) over the right dome (1) to the belly, as shares of the
# greatest; read off frontal and lateral films by eye.
HEIGHTS = [-0.3, 0.0, 0.05, 0.12, 0.20, 0.30, 0.45, 0.60, 0.80, 1.00, 1.40, 2.0]
WIDTHS = [0.30, 0.42, 0.53, 0.66, 0.76, 0.85, 0.93, 0.97, 1.00, 1.00, 0.96, 0.92]
DEPTHS = [0.40, 0.50, 0.56, 0.66, 0.75, 0.83, 0.92, 0.97, 1.00, 1.00, 0.97, 0.95]


@dataclass(frozen=True)
class Profile:
    """A smooth curve through given points, tabulated so that many values cost little; constant beyond its ends."""

    at: Array
    values: Array

    @classmethod
    def through(cls, at: npt.ArrayLike, values: npt.ArrayLike) -> Self:
        """The shape-preserving cubic (PCHIP) through the points (at, values), `at` ascending."""
        knots = np.asarray(at, dtype=float)
        fine = np.linspace(knots[0], knots[-1], 400)
        return cls(fine, PchipInterpolator(knots, np.asarray(values, dtype=float))(fine))

    def __call__(self, at: Array) -> Array:
        return np.interp(at, self.at, self.values).astype(np.float32)


@lru_cache(maxsize=4)
def cage_profiles(thorax: Thorax) -> tuple[Profile, Profile]:
    """Inner half width and half depth of the cage as functions of y, in centimetres."""
    y = thorax.apex + np.array(HEIGHTS) * (thorax.right_dome - thorax.apex)
    width = Profile.through(y, thorax.half_width * np.array(WIDTHS))
    return width, Profile.through(y, thorax.half_depth * np.array(DEPTHS))


@dataclass(frozen=True)
class Projection:
    """From the patient's centimetres to the pixels of a square film, with its divergent beam."""

    pose: Pose
    view: str
    side: int

    @property
    def pixel(self) -> float:
        """The side of a pixel in centimetres."""
        return self.pose.field / self.side

    def grid(self) -> tuple[Map, Map]:
        """x and y of every pixel in the middle plane of the chest; two arrays [side, side]."""
        centres = (np.arange(self.side, dtype=np.float32) + 0.5) * np.float32(self.pixel) - self.pose.field / 2
        u, v = np.meshgrid(centres, centres)
        cosine, sine = np.cos(self.pose.tilt), np.sin(self.pose.tilt)
        x = cosine * u + sine * v + self.pose.shift_x
        y = -sine * u + cosine * v + self.pose.shift_y
        return x.astype(np.float32), y.astype(np.float32)

    def magnification(self, z: npt.ArrayLike) -> Array:
        """Magnification of the plane z relative to the middle plane; what is far from the detector looks larger."""
        towards_detector = np.asarray(z) if self.view == "PA" else -np.asarray(z)
        middle = SOURCE_TO_DETECTOR - CENTRE_TO_DETECTOR
        return middle / (middle + towards_detector)

    def to_middle(self, x: Array, z: Array, y: Array) -> tuple[Array, Array]:
        """Where points of the patient, turned by the yaw, appear in the middle plane."""
        cosine, sine = float(np.cos(self.pose.yaw)), float(np.sin(self.pose.yaw))
        turned_x, turned_z = cosine * x + sine * z, -sine * x + cosine * z
        scale = self.magnification(turned_z)
        return turned_x * scale, y * scale

    def to_pixels(self, points: Array) -> tuple[Array, Array]:
        """Column and row (in pixels, pixel centres at whole numbers) of points [..., 3]."""
        x, y = self.to_middle(points[..., 0], points[..., 2], points[..., 1])
        x, y = x - float(self.pose.shift_x), y - float(self.pose.shift_y)
        cosine, sine = float(np.cos(self.pose.tilt)), float(np.sin(self.pose.tilt))
        u, v = cosine * x - sine * y, sine * x + cosine * y
        scale, centre = float(1 / self.pixel), (self.side - 1) / 2
        return u * scale + centre, v * scale + centre


def on_film(phantom: Phantom, x: float, y: float) -> tuple[float, float]:
    """Where the point (x, y) of the middle plane lies on the film: shares of its width and height from the top left."""
    column, row = Projection(phantom.pose, phantom.view, 1).to_pixels(np.array([x, y, 0.0]))
    return float(column) + 0.5, float(row) + 0.5


def deposit(projection: Projection, points: Array, volumes: Array) -> Map:
    """Project small volumes (cm³) at `points` [..., 3] onto the film as thickness (cm), shared among four pixels."""
    side = projection.side
    column, row = (values.ravel() for values in projection.to_pixels(points))
    volume = np.broadcast_to(volumes, points.shape[:-1]).ravel()
    inside = (column > 0) & (column < side - 1) & (row > 0) & (row < side - 1)
    column, row, volume = column[inside], row[inside], volume[inside]
    left, top = column.astype(np.intp), row.astype(np.intp)
    right_share, low_share = column - left, row - top
    corner = top * side + left
    total = np.zeros(side * side)
    for offset, share in (
        (0, (1 - right_share) * (1 - low_share)),
        (1, right_share * (1 - low_share)),
        (side, (1 - right_share) * low_share),
        (side + 1, right_share * low_share),
    ):
        total += np.bincount(corner + offset, weights=volume * share, minlength=side * side)
    return (total / projection.pixel**2).reshape(side, side).astype(np.float32)


def resize(values: Array, side: int) -> Map:
    """Resample a square map to `side` × `side`: antialiased when smaller, bicubic when larger."""
    tensor = torch.from_numpy(np.ascontiguousarray(values, dtype=np.float32))[None, None]
    resized = interpolate(tensor, size=(side, side), mode="bicubic", antialias=side < len(values), align_corners=False)
    return resized[0, 0].numpy()


def texture(phantom: Phantom, stream: int, side: int, coarsest: int, octaves: int, fall: float) -> Map:
    """Smooth noise of unit variance per octave times `fall`ⁿ, the same for a patient at every size of film.

    The octave n varies over 1/(coarsest·2ⁿ) of the film; octaves too fine for the film are left out.
    """
    total = np.zeros((side, side), dtype=np.float32)
    for octave in range(octaves):
        cells = coarsest * 2**octave
        if cells > side:
            break
        noise = np.random.default_rng([phantom.seed, stream, octave]).standard_normal((cells, cells))
        total += np.float32(fall**octave) * resize(noise, side)
    return total
