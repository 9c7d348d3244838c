"""The features by which this project's own classifier tells findings."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from evaluation.classifiers.network import load_classifier
from evaluation.images.extractors.network import RESIZED, Network


class DenseNet(Network):
    """The pooled features of a classifier of findings (1,024 of a DenseNet-121).

    Raises ValueError where the file is none.
    """

    def __init__(self, path: Path) -> None:
        classifier = load_classifier(path)
        super().__init__(path, path.stem, classifier.sha256)
        self.version = f"{classifier.about.network} {classifier.about.version}"
        self.side = classifier.side
        self.rule = f"{RESIZED.format(side=self.side)}, -1 … 1 as float, one channel"
        self._classifier = classifier

    def answer(self, greys: Tensor) -> object:
        return self._classifier.pooled((greys * 2 - 1).contiguous(memory_format=torch.channels_last))
