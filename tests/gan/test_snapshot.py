"""Snapshots: when they come, what is kept of them, and what they say."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from gan.cache import FilmCache
from gan.checkpoint import checkpoints, load_checkpoint
from gan.drawing import Drawer
from gan.snapshot import Gap, Snapshot, contact_sheet, snapshots
from gan.stopping import TrainingStopped
from gan.training import train
from tests.gan.made import small_cache, small_config

# 100 images in steps of four: stable at 4² up to 33.3, fading to 66.7, then stable at 8².
CONFIG = small_config(snapshot_kimg=0.04)


@pytest.fixture
def cache(tmp_path: Path) -> FilmCache:
    return small_cache(tmp_path)


def seen(cache: FilmCache, run: Path, **more: object) -> list[Snapshot]:
    found: list[Snapshot] = []
    train(CONFIG, cache, run, on_snapshot=found.append, **more)  # type: ignore[arg-type]
    return found


def test_they_come_at_the_end_of_each_resolution_and_every_so_many_images(cache: FilmCache, tmp_path: Path) -> None:
    found = seen(cache, tmp_path / "run")
    assert [(snapshot.images, snapshot.phase.resolution) for snapshot in found] == [(32, 4), (36, 8), (76, 8), (100, 8)]
    assert found[1].phase.alpha == pytest.approx((36 - 100 / 3) / (100 / 3))
    assert snapshots(tmp_path / "run") == found
    # Of those at one resolution only the last has its weights still; all have their sheets.
    assert [snapshot.generator.exists() for snapshot in found] == [True, False, False, True]
    assert all(snapshot.sheet.exists() for snapshot in found)


def test_a_snapshot_draws_at_its_own_resolution(cache: FilmCache, tmp_path: Path) -> None:
    first, *_, last = seen(cache, tmp_path / "run")
    assert [Drawer(snapshot.generator).draw([0]).shape for snapshot in (first, last)] == [(1, 1, 4, 4), (1, 1, 8, 8)]
    assert last.generator.read_bytes() == (tmp_path / "run" / "generator.safetensors").read_bytes()


def test_the_gap_is_of_scores_of_train_held_out_and_drawn_films(cache: FilmCache, tmp_path: Path) -> None:
    held_out = small_cache(tmp_path / "held out", seed=1)
    assert all(snapshot.gap is None for snapshot in seen(cache, tmp_path / "without"))
    gaps = [snapshot.gap for snapshot in seen(cache, tmp_path / "with", held_out=held_out)]
    assert all(gap and len({gap.train, gap.held_out, gap.fake}) == 3 for gap in gaps)
    # Where the same films are on both sides there is nothing between them.
    same = [snapshot.gap for snapshot in seen(cache, tmp_path / "same", held_out=cache)]
    assert all(gap and gap.overfitting == 0 for gap in same)


def test_overfitting_is_the_way_of_held_out_films_from_trained_ones_to_drawn_ones() -> None:
    assert Gap(train=2.0, held_out=1.5, fake=0.0).overfitting == pytest.approx(0.25)
    assert Gap(train=2.0, held_out=2.0, fake=0.0).overfitting == 0
    assert Gap(train=2.0, held_out=-1.0, fake=-1.0).overfitting == 1
    assert Gap(train=1.0, held_out=0.0, fake=1.0).overfitting is None


def test_a_run_that_is_continued_makes_later_snapshots_anew_and_keeps_the_earlier_ones(
    cache: FilmCache, tmp_path: Path
) -> None:
    run, shown = tmp_path / "run", [0]
    with pytest.raises(TrainingStopped):
        train(
            *(CONFIG, cache, run),
            progress=lambda figures: shown.__setitem__(0, figures.images),
            should_stop=lambda: shown[0] >= 60,
        )
    assert [snapshot.images for snapshot in snapshots(run)] == [32, 36]
    late = run / "snapshots" / "0000000076"
    late.mkdir()
    (run / "snapshots.jsonl").write_text(
        (run / "snapshots.jsonl").read_text()
        + json.dumps({"images": 76, "resolution": 8, "alpha": 1.0, "scores": None})
        + "\n"
    )
    assert load_checkpoint(checkpoints(run)[-1])[1]["images"] == 60
    again = seen(cache, run, resume=True)
    assert [snapshot.images for snapshot in again] == [76, 100]
    assert [snapshot.images for snapshot in snapshots(run)] == [32, 36, 76, 100]


def test_a_sheet_shows_films_side_by_side_in_their_greys(tmp_path: Path) -> None:
    films = torch.stack([torch.full((1, 64, 64), grey) for grey in (-1.0, 0.0, 1.0, -3.0, 3.0)])
    sheet = np.asarray(contact_sheet(films, columns=3))
    assert sheet.shape == (128, 192)
    corners = sheet[::64, ::64]
    assert corners.tolist() == [[0, 128, 255], [0, 255, 0]]
    assert contact_sheet(torch.zeros(2, 1, 8, 8)).size == (128, 64)


def test_the_same_latents_are_drawn_on_every_sheet(cache: FilmCache, tmp_path: Path) -> None:
    sheets = [
        np.asarray(Image.open(snapshot.sheet)) for run in ("one", "other") for snapshot in seen(cache, tmp_path / run)
    ]
    assert all(np.array_equal(first, second) for first, second in zip(sheets[:4], sheets[4:], strict=True))
