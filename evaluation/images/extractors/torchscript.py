"""Any network as a TorchScript file, among them the Inception of 2015."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from evaluation.images.extractors.network import GREY_THREE_TIMES, RESIZED, Network, sha256_of, three_times

SIDE = 299
# The Inception of 2015 as published for Fréchet distances: takes 8-bit images and an argument that asks for features.
PUBLISHED = "f58cb9b6ec323ed63459aa4fb441fe750cfe39fafad6da5cb504a16f19e958f4"


class TorchScript(Network):
    """Any TorchScript file that maps images (n, 3, 299, 299) to one row of features each.

    Values run 0 … 255 in float; the published Inception, known by its hash, is given bytes, and of a side at which it
    resizes nothing. Raises ValueError where the file is no TorchScript, cannot be run on such images, or does not give
    finite rows.
    """

    version = "TorchScript"
    side = SIDE

    def __init__(self, path: Path) -> None:
        super().__init__(path, path.stem, sha256_of(path))
        self._published = self.sha256 == PUBLISHED
        values = "bytes" if self._published else "float"
        self.rule = f"{RESIZED.format(side=SIDE)}, 0 … 255 as {values}, {GREY_THREE_TIMES}"
        try:
            self._network = torch.jit.load(str(path), map_location="cpu").eval()  # type: ignore[no-untyped-call]
        except RuntimeError as error:
            raise ValueError(f"{path} is not a TorchScript file ({str(error).splitlines()[0]}).") from error
        self._layout = self._quickest_layout()

    def answer(self, greys: Tensor) -> object:
        images = three_times(greys * 255).contiguous(memory_format=self._layout)
        if self._published:
            return self._network(images.round().to(torch.uint8), return_features=True)
        return self._network(images)

    @torch.inference_mode()
    def _quickest_layout(self) -> torch.memory_format:
        """Channels last, unless the network has a view of its images that only the plain layout allows."""
        self._layout = torch.channels_last
        try:
            self.answer(torch.zeros(1, 1, SIDE, SIDE))
        except RuntimeError:
            return torch.contiguous_format
        self._network.to(memory_format=torch.channels_last)
        return torch.channels_last
