"""`python -m evaluation classify` on plain folders, as a user calls it."""

from __future__ import annotations

import csv
import json
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from evaluation import classify_command
from evaluation.__main__ import main
from evaluation.classifiers.network import load_classifier
from evaluation.classifiers.training import state_of
from gan.folder import read_canonical
from gan.pixels import film_hash
from gan.provenance import patient_hash
from gan.train_command import KEY
from tests.evaluation.classifiers.made import small_films, write_folder

TINY = ("--network", "densenet-narrow", "--side", "32", "--batch", "8", "--images", "24", "--threads", "1")


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    """What the command sets for its whole process."""
    torch.set_num_threads(1)
    handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    yield
    for number, handler in handlers.items():
        signal.signal(number, handler)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Folders films (of 20 patients) and held-out (of ten others)."""
    write_folder(tmp_path / "films", small_films(40, films_each=2))
    write_folder(tmp_path / "held-out", small_films(20, seed=1, prefix="other", films_each=2))
    return tmp_path


def classify(*options: Any) -> int:
    return main(["classify", *map(str, options)])


def trained(folder: Path, *options: Any) -> Path:
    out = folder / "c.safetensors"
    assert classify("train", "--films", folder / "films", "--out", out, *TINY, *options) == 0
    return out


def refused(capsys: pytest.CaptureFixture, *options: Any) -> str:
    assert classify(*options) == 1
    return capsys.readouterr().err.strip().splitlines()[-1]


def test_a_classifier_is_trained_measured_on_others_and_judges_films(
    folder: Path, capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(KEY, "for this test")
    out = trained(folder, "--held-out", folder / "held-out", "--origin", "nih")
    about = load_classifier(out).about
    assert about.findings == ("Mass", "Nodule")
    expected = {patient_hash(b"for this test", "nih", f"patient-{number}") for number in range(20)}
    assert set(about.patients) == expected
    assert set(about.films) == {film_hash(read_canonical(path)) for path in (folder / "films").glob("*.png")}
    assert (about.held_out["films"], about.held_out["patients"]) == (20, 10)
    assert set(about.held_out["findings"]) == {"Mass", "Nodule"}
    printed = json.loads(capsys.readouterr().out)
    assert printed["overall"]["Mass"].startswith(f"AUC {about.held_out['findings']['Mass']['auc']:.3f}, ")
    assert "Not learnt, for want of films that show it: Atelectasis, " in printed["warnings"][0]

    table, figures = folder / "said.csv", folder / "said.json"
    asked = ("judge", folder / "held-out", "--classifier", out, "--csv", table, "--json", figures)
    assert classify(*asked) == 0
    said = json.loads(figures.read_text())
    assert said["table"]["findings"]["Mass"]["auc"] == pytest.approx(about.held_out["findings"]["Mass"]["auc"])
    with table.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["file"] for row in rows] == [film["file"] for film in said["films"]]
    for row, film in zip(rows, said["films"], strict=True):
        assert float(row["Nodule"]) == pytest.approx(film["logits"]["Nodule"], rel=1e-4)
        assert (row["Mass shown"] == "1") == (film["logits"]["Mass"] >= said["threshold"]["Mass"])


def test_films_that_the_classifier_was_trained_on_are_judged_only_when_asked_for(
    folder: Path, capsys: pytest.CaptureFixture
) -> None:
    out = trained(folder, "--held-out", folder / "held-out")
    # Another film of a patient who was trained on.
    more = small_films(3, seed=9, prefix="new")
    write_folder(folder / "more", more)
    labels = folder / "more" / "labels.csv"
    labels.write_text(labels.read_text().replace(",new-1\n", ",patient-4\n"))
    line = refused(capsys, "judge", folder / "more", "--classifier", out)
    assert "trained or calibrated on 1 of the 3 films, or on their patients, such as new-1.png" in line
    assert classify("judge", folder / "more", "--classifier", out, "--allow-training-films") == 0
    labels.unlink()
    capsys.readouterr()
    assert classify("judge", folder / "more", "--classifier", out) == 0
    assert set(json.loads(capsys.readouterr().out)["overall"]["shown"]) == {"Mass", "Nodule"}


def test_signals_save_the_training_and_resume_goes_on(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class StoppingBar(classify_command.TrainingBar):
        def __call__(self, images: int, loss: float) -> None:
            super().__call__(images, loss)
            if images == 16:
                signal.raise_signal(signal.SIGTERM)

    out = folder / "c.safetensors"
    asked = ("train", "--films", folder / "films", "--out", out, *TINY)
    with monkeypatch.context() as patched:
        patched.setattr(classify_command, "TrainingBar", StoppingBar)
        with pytest.raises(SystemExit) as ended:
            classify(*asked)
    assert ended.value.code == 128 + signal.SIGTERM
    assert state_of(out).exists()
    assert not out.exists()
    assert classify(*asked, "--resume") == 0
    assert (out.exists(), state_of(out).exists()) == (True, False)


def test_a_part_of_the_patients_and_official_lists_leave_the_others_alone(folder: Path) -> None:
    names = [f"patient-{number}.png" for number in range(40)]
    (folder / "train.txt").write_text("\n".join(names[:30]))
    (folder / "test.txt").write_text("\n".join(names[30:]))
    lists = ("--split-lists", folder / "train.txt", folder / "test.txt")
    patients = []
    for part in ("1/2", "2/2"):
        # A seed of its own for each, as those give them who want networks that differ.
        out = trained(folder, *lists, "--part", part, "--seed", part[0])
        about = load_classifier(out).about
        assert about.held_out["films"] == 10
        patients.append(set(about.patients))
        out.unlink()
    assert not patients[0] & patients[1]
    assert patients[0] | patients[1] == {f"patient-{number}" for number in range(15)}


def test_what_cannot_be_trained_or_judged_is_one_sentence(folder: Path, capsys: pytest.CaptureFixture) -> None:
    train = ("train", "--films", folder / "films", "--out", folder / "c.safetensors", *TINY)
    assert "are among those to train on" in refused(capsys, *train, "--held-out", folder / "films")
    assert f"--origin needs the key of the patients' pseudonyms in {KEY}" in refused(capsys, *train, "--origin", "nih")
    assert "A side lies between 32 and 1024 pixels, not at 8" in refused(capsys, *train, "--side", 8)
    (folder / "c.safetensors").write_bytes(b"")
    assert "is there already; name another file" in refused(capsys, *train)
    judge = ("judge", folder / "films", "--classifier", folder / "c.safetensors")
    assert "c.json does not describe a classifier" in refused(capsys, *judge)
