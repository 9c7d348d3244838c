"""Every checkpoint and every snapshot of a training is a generator too."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch

from gan.__main__ import main
from gan.checkpoint import STATE, WEIGHTS, checkpoints, describe, read_tensors, save_checkpoint
from gan.drawing import Drawer
from gan.export import export_generator
from gan.stopping import TrainingStopped
from gan.training import train
from tests.gan.made import small_cache, small_config


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    """Of a training that was stopped while 8² fades in."""
    cache, images = small_cache(tmp_path), []

    def stop() -> bool:
        images.append(4)
        return sum(images) >= 48

    with pytest.raises(TrainingStopped):
        train(small_config(), cache, tmp_path / "run", should_stop=stop)
    return checkpoints(tmp_path / "run")[-1]


def test_a_checkpoint_from_the_middle_of_a_training_draws_by_its_averaged_weights(
    checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out" / "half.safetensors"
    assert main(["export", str(checkpoint), str(out)]) == 0
    assert capsys.readouterr().out == f"Generator: {out}, 8² after 48 images\n"
    drawer = Drawer(out)
    # 100 images in all: a third for 4², a third for the fade of 8².
    assert (drawer.resolution, drawer.phase.alpha) == (8, pytest.approx((48 - 100 / 3) / (100 / 3)))
    saved = read_tensors(checkpoint / WEIGHTS)
    for name, weight in drawer.network.state_dict().items():
        assert torch.equal(weight, saved[f"average.{name}"])
    assert drawer.provenance == small_cache(tmp_path / "again").provenance


def test_snapshots_and_finished_runs_are_taken_as_they_are(tmp_path: Path) -> None:
    end = train(small_config(), small_cache(tmp_path), tmp_path / "run")
    (first, *_) = sorted((tmp_path / "run" / "snapshots").iterdir())
    for source, original in ((first, first / end.name), (tmp_path / "run", end), (end, end)):
        out = tmp_path / f"{source.name}.exported.safetensors"
        export_generator(source, out)
        assert out.read_bytes() == original.read_bytes()
        assert out.with_suffix(".json").read_bytes() == original.with_suffix(".json").read_bytes()
    assert Drawer(first / end.name).resolution in (4, 8)


def test_what_is_no_generator_is_said_and_nothing_is_written(checkpoint: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.safetensors"

    def refused(source: Path, message: str) -> None:
        with pytest.raises((ValueError, OSError), match=message):
            export_generator(source, out)
        assert not list(tmp_path.glob("out*"))

    refused(tmp_path / "nowhere", "nowhere does not exist")
    refused(tmp_path, r"generator\.safetensors does not exist")
    partial = checkpoint.with_name(checkpoint.name + ".partial")
    shutil.copytree(checkpoint, partial)
    refused(partial, r"is half written: its program ended while it saved")
    bare = save_checkpoint(
        tmp_path / "bare", {"G.weight": torch.ones(1)}, describe(small_config(), small_cache(tmp_path), 8)
    )
    refused(bare, "holds no averaged generator")
    state = json.loads((checkpoint / STATE).read_text())
    (checkpoint / STATE).write_text(json.dumps(state | {"version": 99}))
    refused(checkpoint, "has the version 99, but this program reads 1")
    (checkpoint / STATE).write_text(json.dumps(state))
    (checkpoint / WEIGHTS).write_bytes((checkpoint / WEIGHTS).read_bytes()[:-1])
    refused(checkpoint, "are not those that were saved")
    (checkpoint / WEIGHTS).unlink()
    refused(checkpoint, "No such file")


def test_a_generator_is_written_under_its_own_suffix(
    checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["export", str(checkpoint), str(tmp_path / "half.pt")]) == 1
    assert "written as .safetensors with a .json beside it, not as half.pt" in capsys.readouterr().err
