"""The course of a run for TensorBoard, below `<run>/tensorboard`; a step there is an image shown.

`tensorboard --logdir <folder of the runs>` shows it, beside that of other runs.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from gan.snapshot import Snapshot
from gan.training import Figures

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter

logger = logging.getLogger(__name__)

FOLDER = "tensorboard"
SECONDS_BETWEEN_ENTRIES = 10.0
"""A run of weeks then stays below a hundred megabytes."""


class Logbook:
    """Watches a training: hand `figures` to its progress and `snapshot` to its `on_snapshot`.

    A run that is continued goes on with its curves; what was entered beyond that point no longer counts.
    A disk that is full costs entries, never the training.
    """

    def __init__(self, run: Path) -> None:
        self._folder = run / FOLDER
        self._writer: SummaryWriter | None = None
        self._entered_at = -math.inf
        self._images: int | None = None

    def figures(self, figures: Figures) -> None:
        """Enter the figures of a step, at most once in `SECONDS_BETWEEN_ENTRIES`."""
        now = time.monotonic()
        if now - self._entered_at < SECONDS_BETWEEN_ENTRIES:
            return
        scalars = {
            "loss/discriminator": figures.loss_d,
            "loss/generator": figures.loss_g,
            "scores/reals": figures.on_reals,
            "scores/fakes": figures.on_fakes,
            "phase/resolution": figures.phase.resolution,
            "phase/alpha": figures.phase.alpha,
            "augmentation/strength": figures.strength,
        }
        if self._images is not None:
            scalars["speed/images_per_second"] = (figures.images - self._images) / (now - self._entered_at)
        self._entered_at, self._images = now, figures.images
        self._enter(figures.images, lambda writer: _scalars(writer, scalars, figures.images))

    def snapshot(self, snapshot: Snapshot) -> None:
        """Enter a snapshot's sheet, and how the discriminator scored its films where that was watched."""

        def entries(writer: SummaryWriter) -> None:
            with Image.open(snapshot.sheet) as sheet:
                writer.add_image("sheet", np.asarray(sheet), snapshot.images, dataformats="HW")
            if snapshot.gap:
                gap = snapshot.gap
                means = {"gap/train": gap.train, "gap/held_out": gap.held_out, "gap/fake": gap.fake}
                if gap.overfitting is not None:
                    means["gap/overfitting"] = gap.overfitting
                _scalars(writer, means, snapshot.images)
            writer.flush()

        self._enter(snapshot.images, entries)

    def close(self) -> None:
        """Write what is left."""
        if self._writer:
            with suppress(OSError):
                self._writer.close()
            self._writer = None

    def _enter(self, images: int, entries: Callable[[SummaryWriter], None]) -> None:
        try:
            if self._writer is None:
                self._writer = self._opened(images)
            entries(self._writer)
        except OSError as error:
            # The library's writer does not recover, so the next entry opens another.
            logger.warning("The logbook in %s misses an entry after %d images: %s", self._folder, images, error)
            self.close()

    def _opened(self, images: int) -> SummaryWriter:
        # Half a second of loading, which only a training needs.
        from torch.utils.tensorboard import SummaryWriter

        return SummaryWriter(str(self._folder), purge_step=images)


def _scalars(writer: SummaryWriter, scalars: dict[str, float], images: int) -> None:
    for tag, value in scalars.items():
        writer.add_scalar(tag, value, images)
