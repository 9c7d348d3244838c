"""The benchmark: figures that carry their circumstances, and need no films."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gan import bench


def test_every_figure_is_a_line_with_its_circumstances(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # Training, the long one, is measured by the same code.
    monkeypatch.setattr(bench, "MEASURES", (bench.drawing_speed, bench.phantom_speed))
    assert bench.main(["--threads", "1"]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["figure"] for line in lines] == [
        "seconds per drawn film at 64²",
        "seconds per drawn film at 128²",
        "phantoms per second at 256²",
    ]
    for line in lines:
        assert line["threads"] == 1
        assert line["torch"].startswith("2.")
        assert line["processor"]
        assert 0 < line["fastest_seconds"] <= line["seconds"]
    assert lines[0]["value"] == pytest.approx(lines[0]["seconds"] / lines[0]["films_per_window"], abs=1e-4)
    assert lines[2]["value"] == pytest.approx(lines[2]["films_per_window"] / lines[2]["seconds"], rel=0.01)


def test_training_is_measured_when_nothing_fades_in_any_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = []
    step = bench.TrainingState.step

    def once(state: bench.TrainingState):  # type: ignore[no-untyped-def]
        if not shown:
            shown.append(step(state))
        return shown[0]

    monkeypatch.setattr(bench.TrainingState, "step", once)
    (figure,) = bench.training_speed(tmp_path)
    assert (str(shown[0].phase), shown[0].batch) == ("64² stable", figure["batch"])
    assert figure["images_per_window"] == 16 * figure["batch"]
