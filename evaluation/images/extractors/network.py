"""What extractors with weights share: how films become images, and what a network may answer."""

from __future__ import annotations

import hashlib
from abc import abstractmethod
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from evaluation.images.extractors.interface import Extractor, Rows
from gan.pixels import FULL_SCALE, Film, resample

RESIZED = "canonical pixels, bicubic antialiased to {side} × {side}"
GREY_THREE_TIMES = "grey three times"


class Network(Extractor):
    """An extractor whose weights are a file."""

    side: int

    def __init__(self, path: Path, name: str, sha256: str) -> None:
        self.path, self.name, self.sha256 = path, name, sha256

    @abstractmethod
    def answer(self, greys: Tensor) -> object:
        """What the network says of greys (films, 1, side, side) of values 0 … 1: one row of features each."""

    @torch.inference_mode()
    def rows(self, films: Sequence[Film]) -> Rows:
        greys = np.stack([resample(film, self.side) for film in films])[:, None] / np.float32(FULL_SCALE)
        try:
            result = self.answer(torch.from_numpy(greys))
        except RuntimeError as error:
            reason = str(error).strip().splitlines()[-1]
            raise ValueError(
                f"The extractor {self.path} cannot be run on images of {self.side} × {self.side} ({reason})."
            ) from error
        if not isinstance(result, Tensor) or result.shape[:1] != (len(films),):
            raise ValueError(f"The extractor {self.path} does not give one row of features for every image.")
        return result.reshape(len(films), -1).float().numpy()


def three_times(greys: Tensor) -> Tensor:
    """Images of three equal channels."""
    return greys.expand(-1, 3, -1, -1)


def sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
