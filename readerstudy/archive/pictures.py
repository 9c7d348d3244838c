"""Films as pictures for a page."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

from gan.pixels import Film, resample

LARGEST = 512


def picture_of(film: Film) -> bytes:
    """A PNG of the film in 256 greys, small enough for a page: at most 512 pixels along each side, no metadata."""
    small = resample(film, min(len(film), LARGEST))
    return png_of(Image.fromarray(np.rint(small / 257).astype(np.uint8)))


def png_of(image: Image.Image) -> bytes:
    """The bytes of a PNG file."""
    file = io.BytesIO()
    image.save(file, format="PNG")
    return file.getvalue()
