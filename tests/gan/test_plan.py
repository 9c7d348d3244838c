"""The plan of a training: its phases as the schedule has them, its time from steps that were measured."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

import gan.config
from gan import plan as planning
from gan.__main__ import main
from gan.hardware import PROCESSOR, Hardware
from gan.plan import plan
from tests.gan.made import small_config

# Phases of 25, 25 and 50 images: stable at 4², fading at 8², stable at 8².
CONFIG = {"kimg": 0.1, "stable_kimg": 1, "fade_kimg": 1, "final_kimg": 2, "minibatch": ((4, 8), (8, 4))}


@pytest.fixture(autouse=True)
def _short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(planning, "SECONDS_OF_STEPS", 0.01)


def test_the_phases_are_those_of_the_schedule() -> None:
    planned = plan(small_config(**CONFIG), PROCESSOR)
    said = [(phase.resolution, phase.fading, phase.images, phase.batch, phase.steps) for phase in planned]
    assert said == [(4, False, 25, 8, 4), (8, True, 25, 4, 7), (8, False, 50, 4, 13)]
    assert all(phase.seconds > 0 and phase.memory > 2**20 for phase in planned)
    # A fade is taken to cost what the stable phase costs.
    assert planned[1].seconds / 7 == pytest.approx(planned[2].seconds / 13)


def test_processes_share_the_time_and_must_share_the_batch() -> None:
    config = small_config(**CONFIG)
    assert [phase.images for phase in plan(config, PROCESSOR, processes=2)] == [25, 25, 50]
    with pytest.raises(ValueError, match="A minibatch of 8 does not divide among 3 processes"):
        plan(config, PROCESSOR, processes=3)
    with pytest.raises(ValueError, match="8 films do not divide into micro-batches of at most 3"):
        plan(config, Hardware(micro_batch=3))


def test_a_lazy_penalty_is_counted_as_often_as_it_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    seconds = {True: 3.0, False: 1.0}
    monkeypatch.setattr(planning, "_seconds", lambda state, *, penalty: seconds[penalty])
    for loss, expected in (("wgan-gp", 3.0), ("non-saturating-r1", 1.5)):
        (first, *_) = plan(small_config(**CONFIG, loss=loss, r1_interval=4), PROCESSOR)
        assert first.seconds == pytest.approx(first.steps * expected)


def test_the_command_prints_a_line_for_each_phase_and_their_sum(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(gan.config, "PRESETS", tmp_path)
    (tmp_path / "tiny.json").write_text(json.dumps(small_config(**CONFIG).to_json()))
    assert main(["plan", "--preset", "tiny", "--threads", "1"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line[:16].strip() for line in lines] == ["phase", "4² stable", "8² fading in", "8² stable", "in all"]
    assert lines[-1].split()[2:4] == ["100", str(math.ceil(25 / 8) + math.ceil(25 / 4) + math.ceil(50 / 4))]
