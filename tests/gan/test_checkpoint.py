"""Checkpoints: whole or not at all, two of them, and never a pickle."""

from __future__ import annotations

import json
import pickle
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import torch

from gan.checkpoint import checkpoints, describe, load_checkpoint, save_checkpoint, save_generator, sha256
from tests.gan.made import small_cache, small_config


@pytest.fixture
def description(tmp_path: Path) -> dict[str, Any]:
    return describe(small_config(), small_cache(tmp_path / "films"), 0)


def tensors(value: float = 1.0) -> dict[str, torch.Tensor]:
    return {"a": torch.full((1000,), value), "b.c": torch.arange(6.0).reshape(2, 3).T}


@contextmanager
def full_disk() -> Iterator[None]:
    """No file can grow beyond a kilobyte."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_checkpoint_comes_back_as_it_was_saved(tmp_path: Path, description: dict[str, Any]) -> None:
    run = tmp_path / "run"
    folder = save_checkpoint(run, tensors(), description | {"images": 12, "steps": 3})
    loaded, said = load_checkpoint(folder)
    assert loaded.keys() == tensors().keys()
    assert all(torch.equal(loaded[name], value) for name, value in tensors().items())
    assert (said["images"], said["steps"], said["films"]) == (12, 3, description["films"])
    assert said["config"] == json.loads(json.dumps(small_config().to_json()))


def test_the_newest_two_are_kept_oldest_first(tmp_path: Path, description: dict[str, Any]) -> None:
    for images in (900, 1000, 10_000, 200):
        save_checkpoint(tmp_path / "run", tensors(), description | {"images": images})
    kept = [int(folder.name.removeprefix("checkpoint-")) for folder in checkpoints(tmp_path / "run")]
    assert kept == [1000, 10_000]


def test_a_half_written_checkpoint_does_not_count_and_gives_way(tmp_path: Path, description: dict[str, Any]) -> None:
    run = tmp_path / "run"
    whole = save_checkpoint(run, tensors(), description | {"images": 1})
    half = run / "checkpoint-0000000002.partial"
    half.mkdir()
    (half / "weights.safetensors").write_bytes(b"half of")
    assert checkpoints(run) == [whole]
    second = save_checkpoint(run, tensors(2.0), description | {"images": 2})
    assert checkpoints(run) == [whole, second]
    assert load_checkpoint(second)[0]["a"][0] == 2
    assert not half.exists()


def test_a_full_disk_leaves_the_older_ones(tmp_path: Path, description: dict[str, Any]) -> None:
    run = tmp_path / "run"
    whole = save_checkpoint(run, tensors(), description | {"images": 1})
    for images in (1, 2):
        with full_disk(), pytest.raises(OSError, match="could not be written"):
            save_checkpoint(run, tensors(2.0), description | {"images": images})
    assert list(run.iterdir()) == [whole]
    assert load_checkpoint(whole)[0]["a"][0] == 1


def test_weights_are_as_readable_as_what_describes_them(tmp_path: Path, description: dict[str, Any]) -> None:
    path = tmp_path / "generator.safetensors"
    save_generator(path, tensors(), description)
    assert path.stat().st_mode == path.with_suffix(".json").stat().st_mode


def test_a_full_disk_leaves_the_older_generator(tmp_path: Path, description: dict[str, Any]) -> None:
    path = tmp_path / "out" / "generator.safetensors"
    save_generator(path, tensors(), description)
    before = sha256(path)
    with full_disk(), pytest.raises(OSError, match="could not be written"):
        save_generator(path, tensors(2.0), description)
    assert sorted(file.name for file in path.parent.iterdir()) == ["generator.json", "generator.safetensors"]
    assert sha256(path) == before == json.loads(path.with_suffix(".json").read_text())["sha256"]


def test_spoiled_weights_are_refused(tmp_path: Path, description: dict[str, Any]) -> None:
    folder = save_checkpoint(tmp_path / "run", tensors(), description | {"images": 1})
    weights = folder / "weights.safetensors"
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    with pytest.raises(ValueError, match=r"are not those that were saved; delete it to resume from the checkpoint"):
        load_checkpoint(folder)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{", "does not describe a network"),
        ("[]", "it lacks config, films, images, levels, patient_key, sha256, version"),
        ("17", "does not describe a network"),
    ],
)
def test_a_spoiled_description_is_refused(tmp_path: Path, description: dict[str, Any], text: str, reason: str) -> None:
    folder = save_checkpoint(tmp_path / "run", tensors(), description | {"images": 1})
    (folder / "state.json").write_text(text)
    with pytest.raises(ValueError, match=reason):
        load_checkpoint(folder)


def test_a_later_version_is_refused(tmp_path: Path, description: dict[str, Any]) -> None:
    folder = save_checkpoint(tmp_path / "run", tensors(), description | {"images": 1, "version": 2})
    with pytest.raises(ValueError, match="has the version 2, but this program reads 1"):
        load_checkpoint(folder)


class Trap:
    """A pickle that leaves a trace where it is opened."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[Any, tuple[Path]]:
        return Path.touch, (self.trace,)


def test_a_pickle_is_not_opened_though_its_hash_is_right(tmp_path: Path, description: dict[str, Any]) -> None:
    folder = save_checkpoint(tmp_path / "run", tensors(), description | {"images": 1})
    weights, state = folder / "weights.safetensors", folder / "state.json"
    trace = tmp_path / "opened"
    torch.save({"a": Trap(trace)}, weights, pickle_module=pickle)
    state.write_text(json.dumps(json.loads(state.read_text()) | {"sha256": sha256(weights)}))
    with pytest.raises(ValueError, match="is not a safetensors file"):
        load_checkpoint(folder)
    assert not trace.exists()
