"""`python -m evaluation`: figures from plain files, and a sentence and a status where a file is at fault."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from evaluation.__main__ import main
from evaluation.images.frechet import frechet
from evaluation.readers.imrmc import write_imrmc
from evaluation.readers.options import Options
from evaluation.readers.summary import summarise
from evaluation.readers.table import write_table
from gan.phantom.film import render
from gan.phantom.patient import sample_phantom
from gan.pixels import write_film
from tests.evaluation.readings import drawn, readings
from tests.evaluation.studies import study

DISTANCES = {
    "n_real", "n_fake", "dim", "frechet", "frechet_infinity", "kernel", "precision", "recall", "density", "coverage",
    "k", "k_rule", "covariance", "floor", "frechet_at_floor_n",
}  # fmt: skip


def run(folder: Path, capsys: pytest.CaptureFixture, *arguments: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """What the command writes and what it prints."""
    path = folder / "figures.json"
    assert main([*map(str, arguments), "--json", str(path)]) == 0
    return json.loads(path.read_text(encoding="utf-8")), json.loads(capsys.readouterr().out)


def refused(folder: Path, capsys: pytest.CaptureFixture, *arguments: Any) -> str:
    path = folder / "figures.json"
    assert main([*map(str, arguments), "--json", str(path)]) == 1
    assert not path.exists()
    output = capsys.readouterr()
    assert output.out == ""
    (line,) = output.err.strip().splitlines()
    assert line.startswith("error: ")
    return line


@pytest.fixture
def arrays(tmp_path: Path) -> tuple[Path, Path]:
    random = np.random.default_rng(1)
    real, fake = tmp_path / "real.npy", tmp_path / "fake.npy"
    np.save(real, random.normal(size=(60, 4)))
    np.save(fake, random.normal(size=(40, 4)).astype(np.float32))
    return real, fake


def test_distances_of_two_arrays_are_written_and_printed(
    tmp_path: Path, capsys: pytest.CaptureFixture, arrays: tuple[Path, Path]
) -> None:
    written, printed = run(tmp_path, capsys, "distances", *arrays, "--k", 3)
    assert written == printed
    assert set(written) >= DISTANCES
    assert (written["n_real"], written["n_fake"], written["dim"], written["k"]) == (60, 40, 4, 3)
    assert written["frechet"] == pytest.approx(frechet(np.load(arrays[0]), np.load(arrays[1]).astype(float)))
    assert written["floor"]["n"] == 30


def test_patients_are_kept_apart_in_the_floor(
    tmp_path: Path, capsys: pytest.CaptureFixture, arrays: tuple[Path, Path]
) -> None:
    patients = tmp_path / "patients.txt"
    patients.write_text("\n".join(["a"] * 50 + ["b"] * 10))
    written, _ = run(tmp_path, capsys, "distances", *arrays, "--patients", patients)
    assert written["floor"]["n"] == 10
    patients.write_text("a\n")
    (tmp_path / "figures.json").unlink()
    assert "names 1 patients for 60 real rows" in refused(
        tmp_path, capsys, "distances", *arrays, "--patients", patients
    )


def test_arrays_at_fault_are_refused_by_name(
    tmp_path: Path, capsys: pytest.CaptureFixture, arrays: tuple[Path, Path]
) -> None:
    real, fake = arrays
    holes, words, pickled = tmp_path / "holes.npy", tmp_path / "words.npy", tmp_path / "pickled.npy"
    np.save(holes, np.array([[1.0, np.nan, 1, 1], [1, 1, 1, 1]]))
    words.write_text("words")
    np.save(pickled, np.array([{"a": 1}], dtype=object), allow_pickle=True)
    assert f"{holes} holds values that are not finite" in refused(tmp_path, capsys, "distances", real, holes)
    assert f"{words} is not an array of numbers" in refused(tmp_path, capsys, "distances", words, fake)
    assert f"{pickled} is not an array of numbers" in refused(tmp_path, capsys, "distances", pickled, fake)
    assert "nowhere.npy" in refused(tmp_path, capsys, "distances", tmp_path / "nowhere.npy", fake)


@pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning")
def test_distances_of_two_folders_say_by_which_extractor(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    for name, first in (("real", 0), ("fake", 10)):
        (tmp_path / name).mkdir()
        for seed in range(first, first + 6):
            write_film(tmp_path / name / f"{seed}.png", render(sample_phantom(seed), 48))
    folders = tmp_path / "real", tmp_path / "fake"
    written, _ = run(tmp_path, capsys, "images", *folders)
    assert set(written) >= DISTANCES | {"extractor", "memorisation"}
    assert set(written["extractor"]) >= {"name", "sha256", "resize", "dim"}
    assert (written["extractor"]["name"], written["dim"]) == ("texture", 64)
    network = tmp_path / "flat.pt"
    torch.jit.script(torch.nn.Sequential(torch.nn.AdaptiveAvgPool2d(2), torch.nn.Flatten())).save(str(network))
    written, _ = run(tmp_path, capsys, "images", *folders, "--extractor", network)
    assert (written["extractor"]["name"], written["dim"]) == ("flat", 12)
    assert "SHA-256" in written["protocol"]
    (tmp_path / "figures.json").unlink()
    message = refused(tmp_path, capsys, "images", *folders, "--extractor", tmp_path / "real" / "0.png")
    assert "0.png is not a TorchScript file" in message
    assert "nowhere is not a folder" in refused(tmp_path, capsys, "images", tmp_path / "nowhere", folders[1])


def test_a_table_and_a_file_of_imrmc_give_the_same_readers(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    rows = readings(*drawn(3, 20, 20, 0.8, seed=1))
    table, imrmc = tmp_path / "answers.csv", tmp_path / "answers.imrmc"
    write_table(table, rows)
    write_imrmc(imrmc, rows)
    of_table, printed = run(tmp_path, capsys, "readers", table, "--margin", 0.1)
    of_imrmc, _ = run(tmp_path, capsys, "readers", imrmc, "--margin", 0.1)
    assert of_table["overall"] == of_imrmc["overall"]
    assert of_table["n"] == {"readers": 3, "cases": 40, "real": 20, "synthetic": 20, "readings": 120}
    assert printed["overall"] == of_table["overall"]


def test_a_file_of_imrmc_with_two_arms_has_figures_of_each_and_compares_them(
    tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    given = study([("real", "real", 12, 0.0), ("old", "generator", 12, 1.5), ("new", "generator", 12, 0.2)])
    path = tmp_path / "answers.imrmc"
    write_imrmc(path, given.readings)
    written, _ = run(tmp_path, capsys, "readers", path)
    assert set(written["arms"]) == {"old", "new"}
    assert written["overall"]["obuchowski_rockette"] is None
    direct = summarise(given.readings, Options(arms="arm"))
    assert written["comparison"][0]["difference"] == pytest.approx(direct["comparison"][0]["difference"])


def test_the_names_of_figures_are_a_contract(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    """Other programs read these keys."""
    table = tmp_path / "answers.csv"
    write_table(table, readings(*drawn(4, 20, 20, 0.8, seed=1)))
    written, _ = run(tmp_path, capsys, "readers", table, "--margin", 0.1)
    assert {"n", "readers", "overall", "agreement", "comparison", "comparison_overall", "warnings"} <= set(written)
    interval = {"estimate", "low", "high"}
    rates = {"accuracy", "deception_rate", "false_alarm_rate"}
    for figures in written["readers"].values():
        assert {"n", "auc", "roc", "binormal", "tests", "median_seconds", "undefined"} <= set(figures)
        assert all(interval | {"wilson"} <= set(figures[name]) for name in rates)
        assert set(figures["d_prime"]) == set(figures["criterion"]) == {"estimate", "se"}
        assert set(figures["auc"]) == interval | {"se"}
    over = written["overall"]
    assert {"auc", "se", "df", "low", "high", "p", "components"} <= set(over["obuchowski_rockette"])
    assert {"msr", "cov2", "variance"} <= set(over["obuchowski_rockette"]["components"])
    assert {"auc", "variance", "statistic", "df", "low", "high", "p"} <= set(over["one_shot"])
    assert {"margin", "p", "low90", "high90", "equivalent", "statement"} <= set(over["equivalence"])
    for name in (*rates, "balanced_accuracy"):
        assert set(over["rates"][name]) == {"judgement", "reader", "film_majority"}
    agreed = written["agreement"]
    alphas = agreed["krippendorff_alpha"]
    assert set(alphas) == {"nominal", "ordinal", "interval"}
    kappas = [agreed[name] for name in ("fleiss_kappa", "gwet_ac1", "kappa_expected_from_accuracy")]
    assert all(set(figure) == interval for figure in (*kappas, *alphas.values()))
    assert run(tmp_path, capsys, "readers", table)[0]["overall"]["equivalence"] is None


def test_without_a_control_and_a_margin_fixed_beforehand_nothing_is_claimed(
    tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    table = tmp_path / "answers.csv"
    arms = [("real", "real", 150, 0.0), ("new", "generator", 150, 0.0), ("blurred", "control-degraded", 15, 3.0)]
    given = study(arms, readers=8)
    write_table(table, [row for row in given.readings if row.arm != "blurred"])
    bare = run(tmp_path, capsys, "readers", table, "--margin", 0.15)[0]
    assert bare["overall"]["equivalence"]["equivalent"]
    assert bare["overall"]["equivalence"]["statement"] == (
        "Within the margin of ± 0.15, but the study did not show that it could have detected a difference: there was "
        "no degraded control; the blinding was not checked; the margin was not fixed beforehand."
    )
    write_table(table, given.readings)
    controlled = run(tmp_path, capsys, "readers", table, "--margin", 0.15)[0]
    assert controlled["controls"][0]["detected"]
    assert "control" not in controlled["overall"]["equivalence"]["statement"]
    assert controlled["overall"]["obuchowski_rockette"] == bare["overall"]["obuchowski_rockette"]


def test_choices_between_two_films_are_told_from_ratings(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    table = tmp_path / "pairs.csv"
    table.write_text("reader_id;pair;chosen;correct\nR1;1;left;1\nR1;2;right;0\nR2;1;left;1\nR2;2;right;1\n")
    written, printed = run(tmp_path, capsys, "readers", table, "--margin", 0.1)
    assert written["n"] == printed["n"] == {"readers": 2, "pairs": 2, "readings": 4}
    assert written["overall"]["proportion_correct"] == 0.75


def test_a_study_is_the_same_in_every_form(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    table, workbook, imrmc = (tmp_path / name for name in ("answers.csv", "answers.xlsx", "answers.imrmc"))
    write_table(table, readings(*drawn(3, 15, 15, 0.8, seed=1)))
    for output in (workbook, imrmc):
        assert main(["convert", str(table), str(output)]) == 0
        assert json.loads(capsys.readouterr().out)["readings"] == 90
    in_forms = [run(tmp_path, capsys, "readers", path)[0] for path in (table, workbook, imrmc)]
    areas = [written["overall"]["obuchowski_rockette"] for written in in_forms]
    for name in ("auc", "se", "df", "p"):
        assert areas[1][name] == pytest.approx(areas[0][name])
        assert areas[2][name] == pytest.approx(areas[0][name])
    assert "reader,R1,0" in (tmp_path / "answers.xlsx.ids.csv").read_text()
    assert main(["convert", str(table), str(tmp_path / "answers.sav")]) == 1
    assert "only files that end on .csv, .imrmc, .xlsx can be written" in capsys.readouterr().err


def test_the_column_of_arms_is_named_in_any_dress(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    table = tmp_path / "answers.csv"
    rows = "".join(
        f"R{reader},c{case},{case % 2},{1 + (5 * reader + case * case * light) % 6},{light}\n"
        for reader in range(3)
        for case in range(12)
        for light in (1, 2)
    )
    table.write_text("Reader_ID,Case_ID,Truth,Rating,Light\n" + rows)
    written, _ = run(tmp_path, capsys, "readers", table, "--arms", "Light")
    assert written["comparison"][0]["arms"] == ["1", "2"]
    assert set(written["readers"]["R0"]["arms"]) == {"1", "2"}


def test_a_table_at_fault_is_refused_with_its_line(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    table = tmp_path / "answers.csv"
    table.write_text("reader,case,truth,rating\nR1,c1,real,9\n")
    assert "answers.csv, line 2, column “rating”: 9 is off the scale" in refused(tmp_path, capsys, "readers", table)
    assert "nowhere.csv" in refused(tmp_path, capsys, "readers", tmp_path / "nowhere.csv")


def test_the_module_ends_with_a_status_and_a_sentence_without_the_application(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "evaluation", "readers", "nowhere.csv", "--json", str(tmp_path / "figures.json")]
    # An empty environment: no settings of the application, which would be asked for if it were imported.
    done = subprocess.run(command, capture_output=True, text=True, env={}, timeout=120)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("error: ")
    assert "nowhere.csv" in done.stderr


@pytest.mark.parametrize("arguments", [[], ["opinions"], ["readers", "answers.csv"]])
def test_a_call_that_is_not_understood_ends_with_status_2(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(arguments)
    assert end.value.code == 2
