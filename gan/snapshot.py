"""What is kept of a training on its way: its averaged generator, a sheet of what it draws, and how far it overfits."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from gan.checkpoint import save_generator
from gan.schedule import Phase

FOLDER, LIST = "snapshots", "snapshots.jsonl"
GENERATOR, SHEET = "generator.safetensors", "sheet.png"
SHEET_COLUMNS, SHEET_ROWS = 8, 4
SMALLEST_TILE = 64


@dataclass(frozen=True)
class Gap:
    """Mean scores of the discriminator on films that it was trained on, on films that it was not, and on drawn ones."""

    train: float
    held_out: float
    fake: float

    @property
    def overfitting(self) -> float | None:
        """How far held-out films are scored as drawn ones: 0 without overfitting, 1 where all is learnt by heart.

        (train − held out) / (train − fake), Karras et al. 2020b, equation 1. None where train and fake score alike.
        """
        apart = self.train - self.fake
        return (self.train - self.held_out) / apart if apart else None


@dataclass(frozen=True)
class Snapshot:
    """A moment of a training. Its generator draws at the resolution of its phase."""

    images: int
    phase: Phase
    generator: Path
    sheet: Path
    gap: Gap | None


def write_snapshot(
    run: Path, tensors: dict[str, Tensor], description: dict[str, Any], phase: Phase, films: Tensor, gap: Gap | None
) -> Snapshot:
    """Write a snapshot below `run`, whole or not at all; `films` of shape (N, 1, R, R) are for its sheet.

    The weights of the snapshot before are taken away unless it was the last of its resolution. Raises OSError where the
    disk is full.
    """
    images = int(description["images"])
    folder, partial = run / FOLDER / f"{images:010d}", run / "snapshot.partial"
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    try:
        save_generator(partial / GENERATOR, tensors, description)
        contact_sheet(films).save(partial / SHEET)
        shutil.rmtree(folder, ignore_errors=True)
        folder.parent.mkdir(exist_ok=True)
        partial.replace(folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    snapshot = Snapshot(images, phase, folder / GENERATOR, folder / SHEET, gap)
    earlier = [kept for kept in snapshots(run) if kept.images < images]
    _write_list(run, [*earlier, snapshot])
    if earlier and earlier[-1].phase.resolution == phase.resolution:
        for file in (earlier[-1].generator, earlier[-1].generator.with_suffix(".json")):
            file.unlink(missing_ok=True)
    return snapshot


def snapshots(run: Path) -> list[Snapshot]:
    """The snapshots of a run, oldest first. Of those inside a phase only the newest has its weights still."""
    file = run / LIST
    if not file.exists():
        return []
    return [_of_row(run, json.loads(line)) for line in file.read_text().splitlines()]


def forget_later(run: Path, images: int) -> None:
    """Take away the snapshots of more than `images`: a run that goes on from an earlier checkpoint makes them again."""
    listed = snapshots(run)
    kept = [snapshot for snapshot in listed if snapshot.images <= images]
    if kept != listed:
        _write_list(run, kept)
    for snapshot in listed[len(kept) :]:
        shutil.rmtree(snapshot.generator.parent, ignore_errors=True)


def contact_sheet(films: Tensor, columns: int = SHEET_COLUMNS) -> Image.Image:
    """Films of shape (N, 1, R, R) in −1 … 1 side by side, each pixel enlarged where they are small."""
    greys = ((films[:, 0].float().clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8).cpu().numpy()
    side = greys.shape[1]
    times = max(1, SMALLEST_TILE // side)
    tiles = greys.repeat(times, axis=1).repeat(times, axis=2)
    starts = range(0, len(tiles), columns)
    rows = [np.concatenate(list(tiles[at : at + columns]), axis=1) for at in starts]
    width = rows[0].shape[1]
    filled = [np.pad(row, ((0, 0), (0, width - row.shape[1]))) for row in rows]
    return Image.fromarray(np.concatenate(filled))


def _write_list(run: Path, kept: list[Snapshot]) -> None:
    partial = run / f"{LIST}.partial"
    partial.write_text("".join(json.dumps(_row(snapshot)) + "\n" for snapshot in kept))
    partial.replace(run / LIST)


def _row(snapshot: Snapshot) -> dict[str, Any]:
    gap = snapshot.gap
    return {
        "images": snapshot.images,
        "resolution": snapshot.phase.resolution,
        "alpha": snapshot.phase.alpha,
        "scores": {"train": gap.train, "held_out": gap.held_out, "fake": gap.fake} if gap else None,
    }


def _of_row(run: Path, row: dict[str, Any]) -> Snapshot:
    folder = run / FOLDER / f"{row['images']:010d}"
    phase = Phase(row["resolution"], row["alpha"])
    gap = Gap(**row["scores"]) if row["scores"] else None
    return Snapshot(row["images"], phase, folder / GENERATOR, folder / SHEET, gap)
