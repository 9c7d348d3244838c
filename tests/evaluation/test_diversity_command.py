"""`python -m evaluation diversity` on folders: a classifier whose word is the truth, an exported archive, refusals."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter

from evaluation.__main__ import main
from evaluation.classifiers.network import Description, load_classifier, network_of, save_classifier
from evaluation.diversity.judged import Judgements
from gan.folder import film_paths, read_canonical
from gan.pixels import film_hash, read_film, write_film

FINDINGS = ("Mass", "Nodule")
COUNTS = {"real": 90, "held-out": 60, "plain": 50, "steered/images": 44}
TARGETS = "Target Labels (classifier, unverified)"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folders of blurred noise, and a classifier that calls half of the real films positive for each finding."""
    folder = tmp_path_factory.mktemp("diversity")
    random = np.random.default_rng(2)
    for name, count in COUNTS.items():
        (folder / name).mkdir(parents=True)
        for number in range(count):
            greys = gaussian_filter(random.normal(size=(40, 40)), random.uniform(1, 4))
            film = np.rint((greys - greys.min()) / np.ptp(greys) * 65535).astype(np.uint16)
            write_film(folder / name / f"{number:02d}.png", film)
    torch.manual_seed(0)
    about = Description("densenet-narrow", 32, FINDINGS, (1.0, 2.0), (0.0, 0.0), (), (), {}, {})
    path = folder / "judge.safetensors"
    save_classifier(path, network_of("densenet-narrow", 2), about)
    middle = np.median(logits(folder, "real"), axis=0)
    network = load_classifier(path).network
    save_classifier(path, network, replace(about, threshold=tuple(map(float, middle))))
    for name in ("real", "held-out"):
        label(folder / name, called(folder, name), [f"{name} {film // 2}" for film in range(COUNTS[name])])
    with (folder / "steered" / "Data_Entry.csv").open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(["Image Index", TARGETS])
        table.writerows([f"{film:02d}.png", "Mass" if film < 40 else "Nodule"] for film in range(44))
    return folder


@pytest.fixture
def films(made: Path, tmp_path: Path) -> Path:
    """A copy that a test may change; the features of all copies are kept in one cache."""
    (made / "cache").mkdir(exist_ok=True)
    shutil.copytree(made, tmp_path, dirs_exist_ok=True, ignore=shutil.ignore_patterns("cache"))
    (tmp_path / "cache").symlink_to(made / "cache")
    return tmp_path


def logits(folder: Path, name: str) -> np.ndarray:
    path = folder / "judge.safetensors"
    return Judgements(path, load_classifier(path)).features(map(read_canonical, film_paths(folder / name)))


def called(folder: Path, name: str) -> np.ndarray:
    return load_classifier(folder / "judge.safetensors").shown(torch.from_numpy(logits(folder, name))).numpy()


def label(folder: Path, shown: Iterable[np.ndarray], patients: Sequence[str]) -> None:
    rows = [
        f"{film:02d}.png,{patient},{'|'.join(np.array(FINDINGS)[row]) or 'No Finding'}"
        for film, (row, patient) in enumerate(zip(shown, patients, strict=True))
    ]
    (folder / "labels.csv").write_text("\n".join(["file,patient_id,labels", *rows]), encoding="utf-8")


def arguments(films: Path, *options: Any) -> list[str]:
    given = {"--real": "real", "--plain": "plain", "--classifier": "judge.safetensors", "--json": "out.json"}
    named = [str(part) for name, path in (given | {"--cache": "cache"}).items() for part in (name, films / path)]
    return ["diversity", *named, *map(str, options)]


def figures(films: Path, *options: Any) -> dict[str, Any]:
    assert main(arguments(films, *options)) == 0
    return json.loads((films / "out.json").read_text(encoding="utf-8"))


def refused(films: Path, capsys: pytest.CaptureFixture[str], *options: Any) -> str:
    assert main(arguments(films, *options)) == 1
    line = capsys.readouterr().err.strip().splitlines()[-1]
    assert not (films / "out.json").exists()
    return line


def test_plain_draws_and_an_exported_archive_are_reviewed_finding_by_finding(
    films: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("evaluation.images.similarity.PAIRS", 30)
    held_out, steered = films / "held-out", films / "steered"
    drawn = films / "diversity.svg", films / "sheets"
    out = figures(films, "--held-out", held_out, "--archive", steered, "--figure", drawn[0], "--sheets", drawn[1])
    plain = called(films, "plain").mean(0)
    for column, name in enumerate(FINDINGS):
        of_finding = out["prevalence"][name]
        # The labels are the classifier's own word, so it is always right, and what it calls is corrected to itself.
        assert of_finding["sensitivity"]["estimate"] == of_finding["specificity"]["estimate"] == 1
        assert of_finding["sensitivity"]["patients"] <= 30
        assert of_finding["corrected"]["estimate"] == pytest.approx(plain[column])
        assert of_finding["source"]["estimate"] == pytest.approx(0.5)
        assert set(of_finding["range"]) == {"5 points", "10 points"}
        assert "shown to differ" in out["overall"][name]
    assert "carry over" in out["assumption"]
    assert [row["findings"] for row in out["together"]] == [["Mass", "Nodule"]]
    archive = out["archives"]["steered"]
    mass, nodule = (archive["findings"][name] for name in FINDINGS)
    # Half of the 45 or so real films with a mass.
    assert 20 <= archive["n"] <= 23
    assert 0 <= mass["variety"]["coverage_of_synthetic"]["estimate"] <= 1
    assert mass["shown"]["positive"] == called(films, "steered")[:40, 0].sum()
    assert set(mass["copies_of_training"]) == {"features", "pixels"}
    assert mass["copies_of_training"]["pixels"]["pairs"][0]["synthetic"].startswith("images")
    assert mass["similarity"]["n"] == 40
    # Four films are too few for what needs an equal n; the rest is there.
    assert nodule["variety"] is nodule["similarity"] is None
    assert "4 synthetic films" in nodule["undefined"]
    assert nodule["shown"]["films"] == 4
    assert [row["wanted"] for row in archive["carried_along"]] == ["Mass", "Nodule"]
    assert "<svg" in drawn[0].read_text(encoding="utf-8")
    sheets = {path.name: read_film(path).shape for path in drawn[1].iterdir()}
    # Three films a row of 40 pixels each, four apart: twelve rows at most.
    assert sheets == {
        "steered-Mass.png": (12 * 44 - 4, 3 * 44 - 4),
        "steered-Nodule.png": (4 * 44 - 4, 3 * 44 - 4),
    }
    screen = capsys.readouterr().out
    assert "shown to differ" in screen
    assert len(screen) < 1000


def test_without_held_out_films_it_says_what_cannot_be_known(films: Path) -> None:
    (films / "real" / "labels.csv").write_text("file,labels\n00.png,Mass\n01.png,No Finding\n", encoding="utf-8")
    out = figures(films, "--archive", films / "steered")
    assert out["prevalence"]["Mass"]["source"]["films"] == 2
    assert "No held-out films" in out["prevalence"]["Mass"]["undefined"]
    assert "not known" in out["overall"]["Mass"]
    archive = out["archives"]["steered"]
    assert archive["baseline"] == "training films among themselves"
    assert archive["carried_along"] is None
    assert archive["n"] is None


def test_too_few_held_out_films_with_a_finding_are_said(films: Path) -> None:
    label(films / "held-out", np.eye(60, 2, dtype=bool), [str(film) for film in range(60)])
    out = figures(films, "--held-out", films / "held-out")
    assert out["prevalence"]["Mass"]["undefined"].startswith("1 held-out films with the finding and 59 without")
    assert out["prevalence"]["Mass"]["corrected"] is None


def test_held_out_films_are_not_those_of_the_training(films: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.copy(films / "real" / "05.png", films / "held-out" / "60.png")
    assert "The generator was trained on 60.png" in refused(films, capsys, "--held-out", films / "held-out")


@pytest.mark.parametrize("seen", ["film", "patient"])
def test_a_classifier_is_not_measured_on_whom_it_was_trained_on(
    films: Path, capsys: pytest.CaptureFixture[str], seen: str
) -> None:
    classifier = load_classifier(films / "judge.safetensors")
    hashed = film_hash(read_canonical(films / "held-out" / "07.png"))
    about = {"film": {"films": (hashed,)}, "patient": {"patients": ("held-out 3",)}}[seen]
    save_classifier(films / "judge.safetensors", classifier.network, replace(classifier.about, **about))
    line = refused(films, capsys, "--held-out", films / "held-out")
    assert "was trained on" in line
    assert ("07.png" if seen == "film" else "06.png") in line


def test_what_cannot_be_reviewed_is_refused_in_one_sentence(films: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (films / "again" / "steered").mkdir(parents=True)
    archives = ("--archive", films / "steered", "--archive", films / "again" / "steered")
    assert "folders of one name" in refused(films, capsys, *archives)
    (films / "steered" / "images" / "00.png").unlink()
    assert "00.png is either below" in refused(films, capsys, "--archive", films / "steered")
