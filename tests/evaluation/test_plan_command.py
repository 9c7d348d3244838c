"""`python -m evaluation plan`: power and films needed, from assumptions or from a pilot study."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest

from evaluation.__main__ import main
from evaluation.readers.imrmc import write_imrmc
from evaluation.readers.pilot import pilot_of
from evaluation.readers.roe_metz import RoeMetz
from evaluation.readers.table import write_table
from tests.evaluation.readings import readings


def planned(folder: Path, *arguments: Any) -> dict[str, Any]:
    path = folder / "plan.json"
    assert main(["plan", *map(str, arguments), "--json", str(path)]) == 0
    return json.loads(path.read_text(encoding="utf-8"))


def refused(folder: Path, capsys: pytest.CaptureFixture, *arguments: Any) -> str:
    path = folder / "plan.json"
    assert main(["plan", *map(str, arguments), "--json", str(path)]) == 1
    assert not path.exists()
    return capsys.readouterr().err


def test_a_plan_has_the_power_of_every_design_and_the_films_that_readers_need(tmp_path: Path) -> None:
    plan = planned(tmp_path, "--readers", 12, 6, "--films", 200, 100)
    assert [(design["readers"], design["films"]) for design in plan["designs"]] == [
        (6, 100), (6, 200), (12, 100), (12, 200),
    ]  # fmt: skip
    # Six readers and 200 films: 0.52 by drawn studies, of which 400 have an error of 0.025.
    assert plan["designs"][1]["power"] == pytest.approx(0.52, abs=0.05)
    six, twelve = plan["films_needed"]
    assert (six["readers"], six["films"]) == (6, None)
    assert 100 < twelve["films"] <= 120
    assert any("5,000 films reaches the power with 6 readers" in note for note in plan["notes"])
    assert not any("Fewer than 5" in note for note in plan["notes"])


def test_few_readers_are_planned_as_fixed_and_told_so(tmp_path: Path) -> None:
    plan = planned(tmp_path, "--readers", 3, "--films", 100)
    assert plan["designs"][0]["random"] == "cases"
    assert any("speaks of these readers and not of readers in general" in note for note in plan["notes"])


def test_a_difference_is_planned_for_with_an_assumed_auc(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    powers = [
        planned(tmp_path, "--shows", "difference", "--auc", auc, "--readers", 8, "--films", 200)["designs"][0]["power"]
        for auc in (0.55, 0.6, 0.7)
    ]
    assert powers == sorted(powers)
    assert powers[-1] > 0.95
    (tmp_path / "plan.json").unlink()
    assert "no difference to show" in refused(tmp_path, capsys, "--shows", "difference")


def test_drawn_studies_stand_beside_the_formula(tmp_path: Path) -> None:
    (design,) = planned(tmp_path, "--readers", 6, "--films", 60, "--margin", 0.2, "--simulate", 100)["designs"]
    assert design["simulated"]["runs"] == 100
    assert design["simulated"]["low"] - 0.05 < design["power"] < design["simulated"]["high"] + 0.05


def test_the_figure_is_a_drawing_of_one_line_for_each_number_of_readers(tmp_path: Path) -> None:
    figure = tmp_path / "power.svg"
    planned(tmp_path, "--readers", 3, 6, 9, "--films", 100, "--figure", figure)
    root = ElementTree.fromstring(figure.read_text(encoding="utf-8"))
    assert root.tag.endswith("svg")
    lines = [element for element in root.iter() if element.get("id", "").startswith("line2d")]
    assert len(lines) >= 3


@pytest.fixture
def pilot_study() -> RoeMetz:
    return RoeMetz(d_prime=1.0, reader_sd=0.4)


def test_a_pilot_study_gives_variances_and_not_its_effect(tmp_path: Path, pilot_study: RoeMetz) -> None:
    drawn = pilot_study.draw(5, real=20, synthetic=30, random=np.random.default_rng(2))
    rows = readings(drawn.values[0].tolist(), drawn.synthetic.astype(int).tolist())
    table, imrmc = tmp_path / "pilot.csv", tmp_path / "pilot.imrmc"
    write_table(table, rows)
    write_imrmc(imrmc, rows)
    plan, of_imrmc = (planned(tmp_path, "--pilot", path, "--readers", 8, "--films", 100) for path in (table, imrmc))
    assert plan == of_imrmc
    assert plan["goal"]["area"] == 0.5
    pilot = pilot_of(drawn)
    assumptions = plan["assumptions"]
    assert (assumptions["source"], assumptions["real"], assumptions["synthetic"]) == ("pilot", 20, 30)
    assert assumptions["reader"]["estimate"] == pytest.approx(pilot.reader.estimate)
    assert assumptions["model"]["d_prime"] == pytest.approx(0, abs=1e-6)
    (design,) = plan["designs"]
    assert design["power_low"] < design["power"] < design["power_high"]
    assert any("variances and no effect" in note for note in plan["notes"])


def test_what_a_pilot_study_tells_is_not_assumed_as_well(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    message = refused(tmp_path, capsys, "--pilot", tmp_path / "pilot.csv", "--reader-sd", 0.3)
    assert "The pilot study tells the reader sd; leave out the option" in message


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--readers", 0], "at least one reader"),
        (["--films", 10], "at least 20 films"),
        (["--power", 1], "a power between 0 and 1"),
        (["--share-real", 0.95], "share of real films lies between 0.1 and 0.9"),
        (["--margin", 0.1, "--auc", 0.7], "not inside 0.5 ± 0.1"),
        (["--reader-sd", -1], "spreads of at least 0"),
        (["--simulate", -1], "no negative number"),
    ],
)
def test_a_plan_that_cannot_be_made_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture, arguments: list[Any], reason: str
) -> None:
    figure = tmp_path / "power.svg"
    assert reason in refused(tmp_path, capsys, *arguments, "--figure", figure)
    assert not figure.exists()
