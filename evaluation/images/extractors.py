"""Films in, features out. An extractor says what it is, so that a distance can print its protocol."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch

from evaluation.images import texture
from evaluation.readers.ratings import Floats
from gan.pixels import FULL_SCALE, Film, resample

Progress = Callable[[int, int], None]
"""Called with the films done and their number."""

INCEPTION_SIDE = 299
# The Inception of 2015 as published for Fréchet distances: takes 8-bit images and an argument that asks for features.
PUBLISHED_INCEPTION = "f58cb9b6ec323ed63459aa4fb441fe750cfe39fafad6da5cb504a16f19e958f4"


class Extractor(Protocol):
    """`rule` says in words how a film is brought to the extractor; `sha256` is of the weights, None without any."""

    @property
    def name(self) -> str: ...
    @property
    def version(self) -> str: ...
    @property
    def rule(self) -> str: ...
    @property
    def sha256(self) -> str | None: ...

    def features(self, films: Sequence[Film], progress: Progress | None = None) -> Floats:
        """Features of shape (films, dimension) in double precision."""


class Texture:
    """The weights-free pixel and texture features of `evaluation.images.texture`."""

    name = "texture"
    version = texture.VERSION
    rule = texture.RULE
    sha256 = None

    def features(self, films: Sequence[Film], progress: Progress | None = None) -> Floats:
        rows = np.empty((len(films), texture.DIMENSION))
        for index, film in enumerate(films):
            rows[index] = texture.features(film)
            if progress:
                progress(index + 1, len(films))
        return rows


class TorchScript:
    """Any TorchScript file that maps images (n, 3, 299, 299) to one row of features each.

    Values run 0 … 255 in float; the published Inception, known by its hash, is given bytes. Raises ValueError where the
    file is no TorchScript, cannot be run on such images, or does not give finite rows.
    """

    version = "TorchScript"
    batch = 32

    def __init__(self, path: Path) -> None:
        if not path.is_file():
            raise ValueError(f"There is no extractor at {path}; give “texture” or the path of a TorchScript file.")
        self.name = path.stem
        self.sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
        self._path = path
        self._published = self.sha256 == PUBLISHED_INCEPTION
        values = "bytes" if self._published else "float"
        self.rule = f"bicubic antialiased to {INCEPTION_SIDE} × {INCEPTION_SIDE}, 0 … 255 as {values}, grey three times"
        try:
            self._network = torch.jit.load(str(path), map_location="cpu").eval()  # type: ignore[no-untyped-call]
        except RuntimeError as error:
            raise ValueError(f"{path} is not a TorchScript file ({str(error).splitlines()[0]}).") from error

    def features(self, films: Sequence[Film], progress: Progress | None = None) -> Floats:
        rows = []
        for start in range(0, len(films), self.batch):
            rows.append(self._rows(films[start : start + self.batch]))
            if progress:
                progress(min(start + self.batch, len(films)), len(films))
        return np.concatenate(rows)

    @torch.inference_mode()
    def _rows(self, films: Sequence[Film]) -> Floats:
        greys = np.stack([resample(film, INCEPTION_SIDE) for film in films]) * np.float32(255 / FULL_SCALE)
        images = torch.from_numpy(greys)[:, None].expand(-1, 3, -1, -1)
        try:
            if self._published:
                result = self._network(images.round().to(torch.uint8), return_features=True)
            else:
                result = self._network(images)
        except RuntimeError as error:
            reason = str(error).strip().splitlines()[-1]
            raise ValueError(
                f"The extractor {self._path} cannot be run on images {tuple(images.shape)} ({reason})."
            ) from error
        if not isinstance(result, torch.Tensor) or result.shape[:1] != (len(films),):
            raise ValueError(f"The extractor {self._path} does not give one row of features for every image.")
        rows = result.reshape(len(films), -1).double().numpy()
        if not np.isfinite(rows).all():
            raise ValueError(f"The extractor {self._path} gave features that are not finite.")
        return rows


def extractor_of(name_or_path: str) -> Extractor:
    """The extractor “texture”, or a TorchScript file by its path."""
    return Texture() if name_or_path == Texture.name else TorchScript(Path(name_or_path))


def describe(extractor: Extractor, dimension: int) -> dict[str, Any]:
    """What a figure prints of its extractor."""
    return {
        "name": extractor.name,
        "version": extractor.version,
        "sha256": extractor.sha256,
        "resize": extractor.rule,
        "dim": dimension,
    }
