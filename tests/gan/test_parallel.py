"""Several processes train as one would that sees all their films."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file

from gan.checkpoint import checkpoints, load_checkpoint
from gan.parallel import Ranks
from tests.gan.made import random_films, small_cache, small_config
from tests.gan.ranks import gradients
from tests.gan.test_logbook import curve

ROOT = Path(__file__).parents[2]
ENVIRONMENT = os.environ | {"OMP_NUM_THREADS": "1"}


def torchrun(processes: int, module: str, *arguments: object) -> list[str]:
    begin = ["-m", "torch.distributed.run", "--nproc-per-node", str(processes), "--rdzv-backend", "c10d"]
    return [sys.executable, *begin, "--rdzv-endpoint", "localhost:0", "-m", module, *map(str, arguments)]


def test_two_processes_have_the_gradients_of_one_with_the_doubled_batch(tmp_path: Path) -> None:
    cache = small_cache(tmp_path, count=20)
    lazy = {
        "loss": "non-saturating-r1",
        "r1_interval": 5,
        "augmentation_kimg": 0.1,
        "augmentation": "adaptive",
        "augmentation_target": -1.0,
    }
    # Six steps, the last one in the fade at 8². A rate of almost nothing: Adam's first steps go by the sign, and
    # would make of a gradient's last bit another step.
    schedule: dict[str, Any] = {"minibatch": ((4, 8), (8, 8)), "stable_kimg": 0.01, "rate": 1e-12}
    configs = [small_config(**schedule, **changes) for changes in ({"loss": "wgan-gp"}, lazy)]
    asked = (cache.folder, json.dumps([config.to_json() for config in configs]), tmp_path)
    subprocess.run(torchrun(2, "tests.gan.ranks", *asked), cwd=ROOT, env=ENVIRONMENT, check=True, timeout=300)
    for number, config in enumerate(configs):
        alone = gradients(config, cache, Ranks())
        first, second = (load_file(tmp_path / f"{number} of rank {rank}") for rank in (0, 1))
        assert {name.split(".")[0] for name in alone} == {"G", "D", "strength"}
        for name, expected in alone.items():
            assert torch.equal(first[name], second[name])
            assert (first[name] - expected).norm() <= 1e-5 * expected.norm(), name
        assert (alone["strength"] > 0) == (config.augmentation == "adaptive")


def killed(training: subprocess.Popen, out: Path) -> None:
    """Kill one of the processes, without warning, as soon as there is a checkpoint."""
    until = time.monotonic() + 120
    while not checkpoints(out):
        assert training.poll() is None
        assert time.monotonic() < until
        time.sleep(0.05)
    children = Path(f"/proc/{training.pid}/task/{training.pid}/children").read_text().split()
    os.kill(int(children[-1]), signal.SIGKILL)


def test_a_run_whose_process_is_killed_is_continued_by_one_alone(
    tmp_path: Path, write_films: Callable[[Path, list], None]
) -> None:
    write_films(tmp_path / "films", [film for film, _ in random_films(8)])
    out = tmp_path / "run"
    asked = ("train", "--films", tmp_path / "films", "--out", out, "--resolution", 4, "--preset", "tiny")
    presets = tmp_path / "presets"
    presets.mkdir()
    (presets / "tiny.json").write_text(json.dumps(small_config(minibatch=((4, 8),), resolution=4, kimg=1e6).to_json()))
    begin = ("tests.gan.often", presets, *asked)
    with subprocess.Popen(torchrun(2, *begin), cwd=ROOT, env=ENVIRONMENT, stderr=subprocess.PIPE) as training:
        try:
            killed(training, out)
            training.communicate(timeout=120)
        finally:
            training.kill()
    assert training.returncode != 0
    last = checkpoints(out)[-1]
    images = load_checkpoint(last)[1]["images"]
    alone = subprocess.run(
        [sys.executable, "-m", *map(str, begin), "--resume", "--minutes", "0.0001"],
        *(), cwd=ROOT, env=ENVIRONMENT, capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    assert f"Stopped after {images + 8} images" in alone.stderr
    # What was entered is there, though the training ended soon after.
    assert curve(out, "loss/discriminator")[-1][0] == images + 8
