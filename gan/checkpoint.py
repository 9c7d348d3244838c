"""Weights on disk: safetensors plus JSON, never a pickle; whole or not at all."""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import asdict
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from gan.cache import FilmCache
from gan.config import TrainingConfig

VERSION = 1
WEIGHTS, STATE = "weights.safetensors", "state.json"
KEPT = 2
DESCRIBED = {"version", "config", "images", "levels", "patient_key", "films", "sha256"}


def sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def describe(config: TrainingConfig, cache: FilmCache, images: int) -> dict[str, Any]:
    """What a checkpoint's JSON says: its configuration, the images shown, and the films that it was trained on."""
    return {
        "version": VERSION,
        "config": config.to_json(),
        "images": images,
        "levels": cache.levels,
        "patient_key": cache.patient_key,
        "films": [asdict(row) for row in cache.provenance],
    }


def save_checkpoint(run: Path, tensors: dict[str, Tensor], description: dict[str, Any]) -> Path:
    """Write one checkpoint as a folder of its own below `run`, and keep the newest two."""
    folder = checkpoint_folder(run, description["images"])
    partial = folder.with_name(folder.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    try:
        write_tensors(partial / WEIGHTS, tensors)
        (partial / STATE).write_text(json.dumps(description | {"sha256": sha256(partial / WEIGHTS)}))
        shutil.rmtree(folder, ignore_errors=True)
        partial.replace(folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    for old in checkpoints(run)[:-KEPT]:
        # Renamed first, so that one that is half removed does not count as whole.
        shutil.rmtree(old.rename(old.with_name(old.name + ".partial")))
    return folder


def checkpoint_folder(run: Path, images: int) -> Path:
    """Where the checkpoint after so many images lies."""
    return run / f"checkpoint-{images:010d}"


def checkpoints(run: Path) -> list[Path]:
    """Whole checkpoints of a run, oldest first."""
    return sorted(path for path in run.glob("checkpoint-*") if path.suffix != ".partial")


def saved_config(folder: Path) -> TrainingConfig:
    """The configuration of a checkpoint."""
    return TrainingConfig.from_json(read_description(folder / STATE)["config"])


def load_checkpoint(folder: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Tensors and description of one checkpoint. Raises ValueError where the weights are not those that were saved."""
    description = read_description(folder / STATE)
    if sha256(folder / WEIGHTS) != description["sha256"]:
        raise ValueError(
            f"The weights in {folder} are not those that were saved; delete it to resume from the checkpoint before."
        )
    return read_tensors(folder / WEIGHTS), description


def read_tensors(path: Path) -> dict[str, Tensor]:
    """The tensors of a safetensors file. Raises ValueError where it is anything else, such as a pickle."""
    try:
        return load_file(path)
    except SafetensorError as error:
        raise ValueError(f"{path} is not a safetensors file ({error}).") from error


def read_description(path: Path) -> dict[str, Any]:
    """What `describe` said when these weights were saved. Raises ValueError where the file says no such thing."""
    try:
        description: dict[str, Any] = json.loads(path.read_text())
        missing = DESCRIBED - set(description)
    except (ValueError, TypeError) as error:
        raise ValueError(f"{path} does not describe a network ({error}).") from error
    if missing:
        raise ValueError(f"{path} does not describe a network: it lacks {', '.join(sorted(missing))}.")
    if description["version"] != VERSION:
        raise ValueError(f"{path} has the version {description['version']}, but this program reads {VERSION}.")
    return description


def save_generator(path: Path, tensors: dict[str, Tensor], description: dict[str, Any]) -> None:
    """Write the averaged generator as `path` (.safetensors) with its JSON beside it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial, partial_json = path.with_name(path.name + ".partial"), path.with_suffix(".json.partial")
    try:
        write_tensors(partial, tensors)
        partial_json.write_text(json.dumps(description | {"sha256": sha256(partial)}))
        partial.replace(path)
        partial_json.replace(path.with_suffix(".json"))
    finally:
        for left in (partial, partial_json):
            left.unlink(missing_ok=True)


def write_tensors(path: Path, tensors: dict[str, Tensor]) -> None:
    # The library's files are for their owner alone; ours are as readable as any other file of this user.
    path.touch()
    mode = path.stat().st_mode
    try:
        save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, path)
    except SafetensorError as error:
        # The library wraps what the disk said; callers wait for an OSError.
        raise OSError(f"{path} could not be written: {error}") from error
    path.chmod(mode)
