"""`make trial`: one training from its first film to its figures, in pieces."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from gan.phantom import draw_phantoms

ROOT = Path(__file__).parents[1]


@pytest.mark.skipif(not shutil.which("make"), reason="There is no make here.")
def test_a_trial_trains_in_pieces_draws_and_measures(tmp_path: Path) -> None:
    films, held_out, out = tmp_path / "films", tmp_path / "held-out", tmp_path / "run"
    draw_phantoms(films, 16, 1, side=32)
    draw_phantoms(held_out, 8, 100, side=32)
    asked = {
        "FILMS": films,
        "HELD_OUT": held_out,
        "OUT": out,
        "TRAINING": "--resolution 8 --kimg 0.3 --threads 1",
        "MINUTES": "0.05",
        "DRAWN": "8",
    }
    trial = subprocess.run(
        ["make", "trial", *(f"{name}={value}" for name, value in asked.items())],
        cwd=ROOT,
        env=os.environ | {"OMP_NUM_THREADS": "1", "XDG_CACHE_HOME": str(tmp_path / "cache")},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert trial.returncode == 0, trial.stderr[-2000:]
    assert len(list((out / "drawn").glob("*.png"))) == 8
    course = json.loads((out / "figures" / "course.json").read_text())["snapshots"]
    assert [row["resolution"] for row in course] == [4, 8]
    figures = json.loads((out / "figures" / "images.json").read_text())
    assert (figures["reference"], figures["held_out"]["n_real"], figures["n_fake"]) == ("training", 8, 8)
