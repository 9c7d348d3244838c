"""`python -m evaluation run`: the course of a training from its snapshots."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from evaluation.__main__ import main
from evaluation.images.course import distance_at_equal_n
from gan.phantom import draw_phantoms
from gan.training import train
from tests.gan.made import small_cache, small_config


def test_a_distance_at_equal_n_lies_between_its_limits_and_the_floor_is_of_real_films_alone() -> None:
    random = np.random.default_rng(0)
    real, near, far = (random.normal(shift, 1, (200, 4)) for shift in (0, 0, 3))
    same, other = (distance_at_equal_n(real, fake, seed=1) for fake in (near, far))
    assert (same.n, same.floor) == (other.n, other.floor) == (100, same.floor)
    # Means three apart in each of four features: 36, and the covariances alike.
    assert other.distance.low < 36 < other.distance.high  # type: ignore[operator]
    assert same.distance.estimate < 0.5
    assert same.distance.high < other.distance.low  # type: ignore[operator]


def test_the_limits_hold_for_other_films_of_the_same_origin() -> None:
    """Of 40 pairs of sets, 95 % should have the mean over all of them within their limits."""
    random = np.random.default_rng(1)
    found = [
        distance_at_equal_n(random.normal(0, 1, (120, 3)), random.normal(1, 1.5, (120, 3)), seed=seed).distance
        for seed in range(40)
    ]
    mean = np.mean([distance.estimate for distance in found])
    held = sum(distance.low <= mean <= distance.high for distance in found)  # type: ignore[operator]
    assert held >= 34


def test_every_snapshot_is_measured_and_rises_are_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run, out, real = tmp_path / "run", tmp_path / "out", tmp_path / "real"
    train(small_config(resolution=16), small_cache(tmp_path, resolution=16), run)
    paths = draw_phantoms(real, 30, 900, side=32)
    with (real / "labels.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["file", "patient_id"])
        writer.writerows([path.name, f"patient {number // 3}"] for number, path in enumerate(paths))
    asked = ["run", str(run), "--real", str(real), "--out", str(out), "--films", "30", "--seed", "3"]
    assert main(asked) == 0
    said = json.loads((out / "course.json").read_text())
    assert [(row["images"], row["resolution"], row["n"]) for row in said["snapshots"]] == [
        (16, 4, 15),
        (56, 8, 15),
        (100, 16, 15),
    ]
    estimates = [row["frechet"]["estimate"] for row in said["snapshots"]]
    assert len(said["rises"]) == sum(np.diff(estimates) > 0)
    assert all(
        row["frechet"]["low"] <= row["frechet"]["estimate"] <= row["frechet"]["high"] for row in said["snapshots"]
    )
    assert "n = 15 a side" in said["protocol"]
    assert (out / "course.svg").read_text().count("<svg") == 1
    assert main(asked) == 0
    assert json.loads((out / "course.json").read_text()) == said
    capsys.readouterr()
    assert main(["run", str(real), "--real", str(real), "--out", str(out)]) == 1
    assert "has no snapshots with weights; name the folder of a training" in capsys.readouterr().err
