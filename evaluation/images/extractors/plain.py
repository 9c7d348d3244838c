"""Extractors without weights: they work everywhere and at once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from evaluation.images import radiomic, texture
from evaluation.images.extractors.interface import Extractor, Rows
from evaluation.images.memorisation import PIXEL_RULE, pixel_rows
from gan.pixels import FULL_SCALE, Film, resample

RAW_SIDE = 32


class Texture(Extractor):
    """The pixel and texture features of `evaluation.images.texture`: the default."""

    name = "texture"
    version = texture.VERSION
    rule = texture.RULE

    def rows(self, films: Sequence[Film]) -> Rows:
        return np.stack([texture.features(film) for film in films]).astype(np.float32)


class Raw(Extractor):
    """The greys themselves, 0 … 1, of a small film: what knows nothing but where it is bright."""

    name = "raw"
    version = "1"
    rule = f"canonical pixels, bicubic antialiased to {RAW_SIDE} × {RAW_SIDE}, float"

    def rows(self, films: Sequence[Film]) -> Rows:
        return np.stack([resample(film, RAW_SIDE).ravel() for film in films]) / np.float32(FULL_SCALE)


class Radiomic(Extractor):
    """The features of `evaluation.images.radiomic`: what radiomics would measure of the whole film."""

    name = "radiomic"
    version = radiomic.VERSION
    rule = radiomic.RULE

    def rows(self, films: Sequence[Film]) -> Rows:
        return np.stack([radiomic.features(film) for film in films]).astype(np.float32)


class Pixels(Extractor):
    """The pixels in which copies are looked for (`evaluation.images.memorisation.pixel_rows`)."""

    name = "pixels"
    version = "1"
    rule = PIXEL_RULE

    def rows(self, films: Sequence[Film]) -> Rows:
        return pixel_rows(films).astype(np.float32)
