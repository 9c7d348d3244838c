"""A training that was stopped and resumed gives bit for bit the weights of one that was not."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gan.cache import FilmCache
from gan.checkpoint import checkpoints, load_checkpoint, sha256
from gan.schedule import Phase, phase_at
from gan.stopping import TrainingStopped
from gan.training import train
from tests.gan.made import SMALL, random_films, small_cache, small_config

ROOT = Path(__file__).parents[2]
LOSSES = ["wgan-gp", "non-saturating-r1"]
# 20 images a phase at four or eight a step: 4² up to 20, 8² fading up to 40 and stable up to 60, 16² fading up to 80.
# The seventh image batch of eight begins at 52 and ends at 60; R1 comes in every third step.
CONFIG = SMALL | {"resolution": 16, "kimg": 0.1, "minibatch": ((4, 4), (8, 8), (16, 8)), "r1_interval": 3}


@pytest.mark.parametrize("loss", LOSSES)
def test_a_run_stopped_after_every_step_is_the_run_that_was_not(tmp_path: Path, loss: str) -> None:
    cache = small_cache(tmp_path, count=7, resolution=16)
    config = small_config(**(CONFIG | {"loss": loss}))
    whole = train(config, cache, tmp_path / "whole")
    stops = []
    while True:
        try:
            pieces = train(config, cache, tmp_path / "pieces", resume=True, should_stop=lambda: True)
        except TrainingStopped:
            stops.append(load_checkpoint(checkpoints(tmp_path / "pieces")[-1])[1]["images"])
        if stops[-1] >= 100:
            pieces = train(config, cache, tmp_path / "pieces", resume=True)
            break
    # Among them stops inside a fade, at a change, and after a step that crossed one.
    assert stops == [4, 8, 12, 16, 20, 28, 36, 44, 52, 60, 68, 76, 84, 92, 100]
    assert sha256(pieces) == sha256(whole)


def run(*arguments: object, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", *map(str, arguments)],
        cwd=ROOT,
        env=os.environ | {"OMP_NUM_THREADS": "1"} | (env or {}),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.fixture
def films(tmp_path: Path, write_films: Callable[[Path, list], None]) -> Path:
    write_films(tmp_path / "films", [film for film, _ in random_films(7)])
    return tmp_path / "films"


def presets(folder: Path, **changes: Any) -> Path:
    folder.mkdir()
    (folder / "tiny.json").write_text(json.dumps(CONFIG | changes))
    return folder


@pytest.mark.parametrize("loss", LOSSES)
def test_a_process_stopped_by_sigterm_in_a_fade_and_at_a_change_is_continued(
    tmp_path: Path, films: Path, loss: str
) -> None:
    tiny = presets(tmp_path / "presets", loss=loss)
    config = small_config(**(CONFIG | {"loss": loss}))
    assert phase_at(28, config) == Phase(8, 0.4)
    assert (phase_at(59, config), phase_at(60, config)) == (Phase(8, 1.0), Phase(16, 0.0))

    def training(out: str, stop_at: int, *more: str) -> subprocess.CompletedProcess[str]:
        return run(
            "tests.gan.stopping", tiny, stop_at, "train", "--films", films, "--out", tmp_path / out,
            "--resolution", 16, "--kimg", 0.1, "--preset", "tiny", "--threads", 1, *more,
        )  # fmt: skip

    for images, more in ((28, []), (60, ["--resume"])):
        stopped = training("pieces", images, *more)
        assert stopped.returncode == 128 + signal.SIGTERM, stopped.stderr
        assert f"Stopped after {images} images; saved in" in stopped.stderr
        assert "Continue with --resume." in stopped.stderr
        assert not (tmp_path / "pieces" / "generator.safetensors").exists()

    cache = FilmCache(tmp_path / "pieces" / "cache")
    pieces = train(config, cache, tmp_path / "pieces", resume=True)
    assert sha256(pieces) == sha256(train(config, cache, tmp_path / "whole"))


def test_the_command_itself_saves_and_ends_when_it_is_told_to(tmp_path: Path, films: Path) -> None:
    """Long enough that the signal always comes first: it is sent as soon as the bar shows losses."""
    out = tmp_path / "run"
    training = subprocess.Popen(
        [sys.executable, "-m", "gan", "train", "--films", films, "--out", out, "--resolution", "4", "--kimg", "1000"],
        cwd=ROOT,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        stderr=subprocess.PIPE,
    )
    assert training.stderr is not None
    try:
        shown = b""
        while b"loss D" not in shown:
            piece = os.read(training.stderr.fileno(), 4096)
            assert piece, shown.decode()
            shown += piece
        training.send_signal(signal.SIGTERM)
        _, rest = training.communicate(timeout=60)
    finally:
        training.kill()
    assert training.returncode == 128 + signal.SIGTERM
    (saved,) = checkpoints(out)
    images = int(saved.name.removeprefix("checkpoint-"))
    assert f"Stopped after {images} images; saved in {saved}. Continue with --resume." in rest.decode()
    assert load_checkpoint(saved)[1]["images"] == images
