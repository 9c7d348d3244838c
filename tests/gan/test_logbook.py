"""What TensorBoard's own reader finds in the logbook of a run."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from torch.utils.tensorboard import SummaryWriter

from gan import logbook
from gan.logbook import Logbook
from gan.schedule import Phase
from gan.snapshot import Gap, Snapshot
from gan.training import Figures


class Clock:
    """A time that only tests move."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(logbook, "time", clock)
    return clock


def figures(images: int, **changes: float) -> Figures:
    told = {"loss_d": 0.5, "loss_g": 0.25, "on_reals": 2.0, "on_fakes": -1.0, "strength": 0.125} | changes
    return Figures(images=images, batch=8, phase=Phase(16, 0.75), **told)


def snapshot(folder: Path, images: int, gap: Gap | None = None) -> Snapshot:
    sheet = folder / f"{images}.png"
    Image.fromarray(np.full((6, 8), images % 256, np.uint8)).save(sheet)
    return Snapshot(images, Phase(8, 1.0), folder / "generator.safetensors", sheet, gap)


def read(run: Path) -> EventAccumulator:
    events = EventAccumulator(str(run / "tensorboard"))
    events.Reload()
    return events


def curve(run: Path, tag: str) -> list[tuple[int, float]]:
    return [(event.step, event.value) for event in read(run).Scalars(tag)]


def test_figures_are_entered_by_images_shown_and_no_more_often_than_is_read(tmp_path: Path, clock: Clock) -> None:
    log = Logbook(tmp_path)
    log.figures(figures(100))
    clock.now = 9.9
    log.figures(figures(150, loss_d=9.0))
    clock.now = 20.0
    log.figures(figures(300, loss_d=0.75))
    log.close()
    assert curve(tmp_path, "loss/discriminator") == [(100, 0.5), (300, 0.75)]
    # 200 images in 20 seconds.
    assert curve(tmp_path, "speed/images_per_second") == [(300, 10.0)]
    last = {tag: read(tmp_path).Scalars(tag)[-1].value for tag in read(tmp_path).Tags()["scalars"]}
    assert last == {
        "loss/discriminator": 0.75,
        "loss/generator": 0.25,
        "scores/reals": 2.0,
        "scores/fakes": -1.0,
        "phase/resolution": 16.0,
        "phase/alpha": 0.75,
        "augmentation/strength": 0.125,
        "speed/images_per_second": 10.0,
    }


def test_a_snapshot_enters_its_sheet_and_its_gap(tmp_path: Path) -> None:
    log = Logbook(tmp_path)
    log.snapshot(snapshot(tmp_path, 40))
    log.snapshot(snapshot(tmp_path, 80, Gap(train=3.0, held_out=2.0, fake=-1.0)))
    # Before it is closed: a run of weeks is looked at while it lasts.
    events = read(tmp_path)
    assert [(image.step, image.width, image.height) for image in events.Images("sheet")] == [(40, 8, 6), (80, 8, 6)]
    assert curve(tmp_path, "gap/overfitting") == [(80, 0.25)]
    assert [curve(tmp_path, f"gap/{of}")[0][1] for of in ("train", "held_out", "fake")] == [3.0, 2.0, -1.0]
    log.close()


def test_a_gap_without_a_scale_is_left_out(tmp_path: Path) -> None:
    log = Logbook(tmp_path)
    log.snapshot(snapshot(tmp_path, 40, Gap(train=1.0, held_out=0.5, fake=1.0)))
    log.close()
    assert "gap/overfitting" not in read(tmp_path).Tags()["scalars"]


def test_a_resumed_run_goes_on_with_its_curves_without_doubling_them(tmp_path: Path, clock: Clock) -> None:
    killed = Logbook(tmp_path)
    for images in (100, 200, 300):
        clock.now += 10
        killed.figures(figures(images))
    killed.snapshot(snapshot(tmp_path, 300))
    killed.close()
    # It goes on from a checkpoint after 200 images, and shows the third hundred again.
    resumed = Logbook(tmp_path)
    resumed.figures(figures(250, loss_d=1.0))
    clock.now += 10
    resumed.figures(figures(350, loss_d=2.0))
    resumed.close()
    assert curve(tmp_path, "loss/discriminator") == [(100, 0.5), (200, 0.5), (250, 1.0), (350, 2.0)]
    assert read(tmp_path).Images("sheet") == []


def test_a_full_disk_costs_entries_and_no_more(
    tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    log = Logbook(tmp_path)
    log.figures(figures(100))

    def full(*arguments: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as disk:
        disk.setattr(SummaryWriter, "flush", full)
        log.snapshot(snapshot(tmp_path, 200))
    assert "misses an entry after 200 images: [Errno 28] No space left on device" in caplog.text
    clock.now = 10.0
    log.figures(figures(300))
    log.close()
    assert [step for step, _ in curve(tmp_path, "loss/discriminator")] == [100, 300]
