"""From thickness to a film: attenuation, scatter, quantum noise, detector, look-up."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont
from scipy.ndimage import gaussian_filter

from gan.phantom.body import body, stomach_gas
from gan.phantom.chest import airways, chest
from gan.phantom.geometry import Map, Projection, resize, texture
from gan.phantom.patient import Phantom
from gan.phantom.skeleton import skeleton
from gan.pixels import FULL_SCALE, quantise

# Linear attenuation per centimetre near 60 keV, the mean energy of a 120 kV beam behind a patient: NIST XCOM for water,
# adipose tissue and cortical bone; marrow-filled bone in between.
WATER, FAT, CORTEX, MARROW = 0.206, 0.187, 0.604, 0.26
DETECTOR_LEVELS = 4096
OPEN_BEAM = 0.5  # below this density no patient lies in the beam
SCATTER_GRID, SCATTER_SPREAD = 64, 3.5


def render(phantom: Phantom, side: int = 256) -> npt.NDArray[np.uint16]:
    """The film of a phantom, [side, side], bright where dense, 0 … 65535 on the 4,096 levels of a 12-bit detector.

    Anatomy is the same at every side; noise belongs to the pixels. Raises ValueError for a side under 32 or over 2048.
    """
    if not 32 <= side <= 2048:
        raise ValueError(f"A phantom film has a side of 32 to 2048 pixels, not {side}.")
    projection = Projection(phantom.pose, phantom.view, side)
    signal = _expose(phantom, projection, attenuation(phantom, projection))
    return quantise(_develop(phantom, projection, signal) * FULL_SCALE, DETECTOR_LEVELS)


def attenuation(phantom: Phantom, projection: Projection) -> Map:
    """The line integral of attenuation through the patient for every pixel, without unit."""
    x, y = projection.grid()
    outer, inner = body(phantom, projection, x, y)
    inside = chest(phantom, projection, x, y)
    soft = outer * FAT + np.minimum(inner, outer) * (WATER - FAT)
    gas = airways(phantom, x, y) + stomach_gas(phantom, x, y)
    hollow = np.minimum(inside.hollow + gas, 0.93 * outer)
    cortex, marrow = skeleton(phantom, projection)
    bone = cortex * (CORTEX - WATER) + marrow * (MARROW - WATER)
    grain = 1 + 0.012 * texture(phantom, 7, projection.side, 4, 5, 0.7)
    return np.clip((soft - hollow * WATER) * grain, 0, None) + bone


def _expose(phantom: Phantom, projection: Projection, depth: Map) -> Map:
    """Detector signal relative to the open beam: primary, scatter, marker, noise."""
    exposure = phantom.exposure
    primary = np.exp(-depth)
    coarse = resize(primary * np.minimum(depth, 3.5), SCATTER_GRID)
    spread = gaussian_filter(coarse, SCATTER_SPREAD / phantom.pose.field * SCATTER_GRID, mode="constant")
    signal = primary + exposure.scatter * np.clip(resize(spread, projection.side), 0, None)
    signal = signal * _marker(phantom, projection.side)
    photons = exposure.photons_per_cm2 * projection.pixel**2
    noise = np.random.default_rng([phantom.seed, 8]).standard_normal(signal.shape).astype(np.float32)
    noisy = signal + noise * np.sqrt(signal / photons)
    blur = 0.02 / projection.pixel + 0.35
    return np.clip(gaussian_filter(noisy, blur), 1e-5, None)


def _marker(phantom: Phantom, side: int) -> Map:
    """Transmission of the lead side marker, drawn in a corner of the film beside the patient."""
    beam = np.ones((side, side), dtype=np.float32)
    letter = phantom.exposure.marker
    if not letter:
        return beam
    random = np.random.default_rng([phantom.seed, 9])
    size = int(side * random.uniform(0.04, 0.06)) * 4
    stamp = Image.new("L", (2 * size, 2 * size))
    ImageDraw.Draw(stamp).text(
        (size, size), letter, fill=255, font=ImageFont.load_default(size), anchor="mm", stroke_width=size // 40
    )
    turned = stamp.rotate(random.normal(0, 8)).resize((size // 2, size // 2), Image.Resampling.BOX)
    lead = np.asarray(turned, dtype=np.float32) / 255
    across = random.uniform(0.02, 0.08) if letter == "R" else random.uniform(0.80, 0.86)
    top, left = int(side * random.uniform(0.03, 0.12)), int(side * across)
    height, width = lead.shape
    patch = beam[top : top + height, left : left + width]
    patch *= np.exp(-4.0 * lead[: patch.shape[0], : patch.shape[1]])
    return beam


def _develop(phantom: Phantom, projection: Projection, signal: Map) -> Map:
    """Density on the film, 0 … 1: logarithm, edge enhancement, sigmoid look-up, collimation."""
    exposure = phantom.exposure
    density = -np.log(signal)
    coarse = gaussian_filter(resize(density, 64), 3.0 / phantom.pose.field * 64)
    density = density + exposure.enhancement * (density - resize(coarse, projection.side))
    density = density + exposure.sharpness * (density - gaussian_filter(density, 0.12 / projection.pixel + 0.2))
    # As the processing of a digital film does, the look-up is laid through the patient: the lungs, which are the
    # thinnest part, become dark grey, the densest part nearly white, and the open beam runs out in the toe.
    lungs, densest = np.percentile(density[density > OPEN_BEAM], [18, 95])
    relative = (density - lungs) / ((densest - lungs) * exposure.latitude)
    grey = 1 / (1 + np.exp(-np.clip(2.7 * relative - 0.9, -30, 30)))
    grey = np.clip((grey - 0.02) / 0.86, 0, 1) ** exposure.gamma
    return (grey * _collimator(phantom, projection.side)).astype(np.float32)


def _collimator(phantom: Phantom, side: int) -> Map:
    top, right, bottom, left = phantom.exposure.collimation
    place = (np.arange(side, dtype=np.float32) + 0.5) / side
    rows = np.clip((place - top) * 150, 0, 1) * np.clip((1 - bottom - place) * 150, 0, 1)
    columns = np.clip((place - left) * 150, 0, 1) * np.clip((1 - right - place) * 150, 0, 1)
    return np.outer(np.where(top or bottom, rows, 1), np.where(left or right, columns, 1)).astype(np.float32)
