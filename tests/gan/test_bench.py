"""The benchmark: figures that carry their circumstances, need no films, and compare like with like."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from gan import bench, textbook
from gan.config import LOSSES, TrainingConfig
from gan.networks import Discriminator, Generator, resolutions
from tests.gan.made import small_config


@pytest.fixture(autouse=True)
def _tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    """Presets with few maps, and resolutions that take no time."""

    def tiny(name: str, resolution: int = 8) -> TrainingConfig:
        minibatch = tuple((size, 4) for size in resolutions(resolution))
        return small_config(resolution=resolution, fmap_base=64, fmap_max=4, r1_interval=2, minibatch=minibatch)

    monkeypatch.setattr(bench, "preset", tiny)
    monkeypatch.setattr(bench, "SIZES", (8,))
    monkeypatch.setattr(bench, "LARGE_SIZES", (8,))
    monkeypatch.setattr(bench, "FILMS", 4)
    monkeypatch.setattr(bench, "has_compiler", lambda: False)


def figures(measure: str, folder: Path) -> list[dict[str, Any]]:
    return list(getattr(bench, measure)(folder))


def test_every_figure_is_a_line_with_its_circumstances(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(bench, "MEASURES", (bench.training_speed, bench.drawing_speed, bench.phantom_speed))
    assert bench.main(["--threads", "1"]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["figure"] for line in lines] == [
        "images per second, training at 64², fade complete",
        "seconds per drawn film at 64²",
        "seconds per drawn film at 128²",
        "phantoms per second at 256²",
    ]
    for line in lines:
        assert line["threads"] == 1
        assert line["torch"].startswith("2.")
        assert line["processor"]
        assert 0 < line["fastest_seconds"] <= line["seconds"]
    assert lines[0]["value"] == pytest.approx(lines[0]["images_per_window"] / lines[0]["seconds"], rel=0.01)
    assert lines[1]["value"] == pytest.approx(lines[1]["seconds"] / lines[1]["films_per_window"], abs=1e-4)
    assert lines[3]["value"] == pytest.approx(lines[3]["films_per_window"] / lines[3]["seconds"], rel=0.01)


def test_training_is_measured_when_nothing_fades_in_any_more(tmp_path: Path) -> None:
    state = bench._settled(small_config(resolution=16), bench.random_cache(tmp_path, 16))
    state.step()
    assert str(state.phase) == "16² stable"


def test_a_step_is_measured_beside_the_textbooks_with_the_loader_and_the_convolutions(tmp_path: Path) -> None:
    lines = figures("training_beside_textbook", tmp_path)
    for loss in LOSSES:
        ratio, loader, share = (line for line in lines if line["figure"].find(loss) > 0)
        assert ratio["figure"] == f"times as fast as the textbook: training step at 8², {loss}"
        assert ratio["value"] > 0 < ratio["by_processor_time"]
        assert ratio["textbook_seconds"] > 0 < ratio["seconds"]
        assert 0 < loader["value"] < 1
        assert 0 < share["value"] < 1
        assert share["at_most_faster_by"] == pytest.approx(1 / share["value"], rel=0.02)
    assert len(lines) == 6


def test_a_ratio_is_the_median_of_windows_that_took_turns() -> None:
    calls: list[str] = []
    windows = bench.taking_turns({name: lambda name=name: calls.append(name) for name in "ab"}, count=2)
    assert "".join(calls) == "ababab"
    assert [len(window.clock) for window in windows.values()] == [2, 2]
    ratio = bench._ratio("it", bench.Windows([2, 30, 4], [1, 1, 1]), bench.Windows([1, 10, 4], [4, 2, 1]))
    assert (ratio["value"], ratio["by_processor_time"]) == (2, 0.5)
    assert (ratio["textbook_seconds"], ratio["seconds"]) == (4, 4)


def test_operations_and_time_of_convolutions_are_counted_apart() -> None:
    convolution, dense = nn.Conv2d(3, 5, 3), nn.Linear(100, 100)
    films, rows = torch.ones(2, 3, 66, 66), torch.ones(1000, 100)

    def work() -> None:
        with torch.no_grad():
            convolution(films), dense(rows)

    spent = bench.convolutions(work)
    assert spent.flops == 2 * (2 * 5 * 64 * 64) * (3 * 3 * 3)
    assert 0 < spent.share < 1


def test_drawing_is_measured_beside_the_textbooks(tmp_path: Path) -> None:
    lines = figures("drawing_beside_textbook", tmp_path)
    assert [line["figure"] for line in lines] == [
        "times as fast as the textbook: drawing at 256²",
        "drawing at 256², compiled: not measured, there is no C++ compiler",
        "times as fast as the textbook: drawing at 1024²",
        "drawing at 1024², compiled: not measured, there is no C++ compiler",
    ]
    assert lines[0]["value"] > 0


def test_training_on_a_card_is_measured_in_both_precisions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    by_precision = bench.training_by_precision
    monkeypatch.setattr(
        bench,
        "training_by_precision",
        lambda config, cache, device, compile: by_precision(config, cache, torch.device("cpu"), compile=False),
    )
    lines = figures("training_on_card", tmp_path)
    assert [line["figure"] for line in lines] == [
        f"images per second, training at 8², {loss}, {precision}" for loss in LOSSES for precision in ("fp32", "bf16")
    ]
    for line in lines:
        assert line["value"] == pytest.approx(line["images_per_window"] / line["seconds"], rel=0.01)
        # Rounded: on a processor that is busy with other things nothing of a card's peak is left.
        assert 0 <= line["convolutions_share_of_peak"] < 1
        assert 0 < line["convolutions_share_of_step"] < 1


@pytest.mark.parametrize("alpha", [0.4, 1.0])
def test_the_textbooks_networks_compute_what_ours_do(alpha: float) -> None:
    ours = Generator(64, 6, 64, 8), Discriminator(64, 64, 8)
    theirs = textbook.Generator(64, 6, 64, 8), textbook.Discriminator(64, 64, 8)
    for network, other in zip(ours, theirs, strict=True):
        for parameter in network.parameters():
            nn.init.normal_(parameter)
        other.load_state_dict(network.state_dict())
    with torch.no_grad():
        films = [G(torch.ones(8, 6), 64, alpha) for G in (ours[0], theirs[0])]
        scores = [D(torch.rand(8, 1, 64, 64, generator=torch.manual_seed(0)), 64, alpha) for D in (ours[1], theirs[1])]
    assert torch.allclose(*films, atol=1e-4)
    assert torch.allclose(*scores, rtol=1e-4, atol=1e-4)


def test_the_textbooks_step_moves_both_networks_and_the_average(tmp_path: Path) -> None:
    config = small_config()
    training = textbook.TextbookTraining(config, bench.random_cache(tmp_path, config.resolution))
    networks = training.G, training.D, training.average
    before = [[weight.detach().clone() for weight in network.parameters()] for network in networks]
    training.step()
    for network, old in zip(networks, before, strict=True):
        changed = [not torch.equal(weight, past) for weight, past in zip(network.parameters(), old, strict=True)]
        assert sum(changed) > len(changed) / 2
