"""Generators out of whatever a training leaves behind: its end, a snapshot, a checkpoint."""

from __future__ import annotations

import shutil
from pathlib import Path

from gan.checkpoint import STATE, load_checkpoint, save_generator
from gan.drawing import describe_generator
from gan.snapshot import GENERATOR

AVERAGE = "average."


def export_generator(source: Path, to: Path) -> None:
    """Write the generator of `source` as `to` (.safetensors) with its .json beside it.

    `source` is a generator's .safetensors, the folder of a snapshot or of a finished training, or that of a checkpoint,
    whose averaged weights are taken. Raises FileNotFoundError or ValueError with what is wrong.
    """
    if source.is_dir() and source.suffix == ".partial":
        raise ValueError(f"{source} is half written: its program ended while it saved. Take the one before.")
    if (source / STATE).exists():
        _export_checkpoint(source, to)
        return
    weights = source / GENERATOR if source.is_dir() else source
    describe_generator(weights)
    to.parent.mkdir(parents=True, exist_ok=True)
    # The weights last: the .json alone is no generator.
    for suffix in (".json", ".safetensors"):
        shutil.copyfile(weights.with_suffix(suffix), to.with_suffix(suffix))


def _export_checkpoint(folder: Path, to: Path) -> None:
    tensors, description = load_checkpoint(folder)
    average = {name.removeprefix(AVERAGE): tensor for name, tensor in tensors.items() if name.startswith(AVERAGE)}
    if not average:
        raise ValueError(f"{folder} holds no averaged generator, so there is nothing in it to draw with.")
    save_generator(to, average, description)
