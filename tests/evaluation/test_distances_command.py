"""`python -m evaluation distances` with all that may be given, and `bias`."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from evaluation.__main__ import main
from evaluation.images.by_finding import by_finding
from evaluation.images.frechet import frechet


@pytest.fixture
def arrays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Path]:
    monkeypatch.setattr("evaluation.images.two_sample.PERMUTATIONS", 9)
    random = np.random.default_rng(1)
    paths = {name: tmp_path / f"{name}.npy" for name in ("training", "held", "fake")}
    for name, path in paths.items():
        np.save(path, random.normal(size=(60 if name == "training" else 40, 3)).astype(np.float32))
    return paths


def test_training_and_held_out_films_are_named_as_references(tmp_path: Path, arrays: dict[str, Path]) -> None:
    patients, labels, out = tmp_path / "patients.txt", tmp_path / "labels.txt", tmp_path / "figures.json"
    patients.write_text("\n".join(f"p{row // 2}" for row in range(60)))
    labels.write_text("\n".join(["Effusion|Mass"] * 25 + ["No Finding"] * 35))
    theirs = tmp_path / "their_labels.txt"
    theirs.write_text("\n".join(["Effusion"] * 20 + ["No Finding"] * 20))
    options = ["--patients", patients, "--held-out", arrays["held"], "--findings", labels, theirs, "--json", out]
    assert main(["distances", *map(str, [arrays["training"], arrays["fake"], *options])]) == 0
    figures = json.loads(out.read_text(encoding="utf-8"))
    assert (figures["reference"], figures["held_out"]["reference"]) == ("training", "held-out")
    fake, held = (np.load(arrays[name]).astype(float) for name in ("fake", "held"))
    assert figures["held_out"]["frechet"] == pytest.approx(frechet(held, fake))
    assert "40 real (held-out)" not in figures["protocol"]
    assert "n = 40 real (held-out)" in figures["held_out"]["protocol"]
    assert figures["memorisation"]["baseline"] == "held-out films"
    assert figures["by_finding"]["n"] == 12
    assert set(figures["by_finding"]["findings"]) == {"overall", "Effusion", "No Finding"}
    assert figures["by_finding"]["left_out"] == ["Mass"]


def test_findings_are_compared_at_one_n() -> None:
    random = np.random.default_rng(2)
    rare = [["Mass"] if row < 30 else ["Effusion"] for row in range(300)]
    result = by_finding(random.normal(size=(300, 4)), random.normal(size=(300, 4)), rare, rare)
    estimates = [figures["floor"]["estimate"] for figures in result["findings"].values()]
    # At one n the rare finding's floor is no higher than that of the others.
    assert max(estimates) < 1.6 * min(estimates)
    assert result["n"] == 15


def test_the_floor_falls_as_n_grows(tmp_path: Path, arrays: dict[str, Path]) -> None:
    figure, out = tmp_path / "bias.svg", tmp_path / "bias.json"
    arguments = ["bias", "--set", "phantoms", arrays["training"], arrays["fake"], "--sizes", 5, 10, 30, 31]
    assert main([*map(str, arguments), "--figure", str(figure), "--json", str(out)]) == 0
    curve = json.loads(out.read_text(encoding="utf-8"))["phantoms"]["curve"]
    assert [point["n"] for point in curve] == [5, 10, 30]
    floors = [point["floor"]["estimate"] for point in curve]
    assert floors[0] > floors[1] > floors[2] > 0
    assert figure.read_text(encoding="utf-8").lstrip().startswith("<?xml")


def test_sets_at_fault_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture, arrays: dict[str, Path]) -> None:
    ends = ["--figure", str(tmp_path / "bias.svg"), "--json", str(tmp_path / "bias.json")]
    assert main(["bias", "--set", "phantoms", str(arrays["fake"]), *ends]) == 1
    assert "“phantoms” needs two arrays" in capsys.readouterr().err
    assert main(["bias", "--set", "few", str(arrays["held"]), str(arrays["fake"]), "--sizes", "90", *ends]) == 1
    assert "“few” has too few films" in capsys.readouterr().err
