"""What synthetic films are worth: the statistics by hand, filling up by hand, and the command on a few phantoms."""

from __future__ import annotations

import csv
import json
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from evaluation.__main__ import main
from evaluation.classifiers import usefulness as study
from evaluation.classifiers.films import LabelledFilms
from evaluation.classifiers.usefulness import Filling, arms_of, filled_up
from evaluation.classifiers.usefulness_areas import areas_by_finding, difference_of, figures_of, influences
from evaluation.readers import covariance
from evaluation.readers.one_reader import holm
from evaluation.readers.ratings import Ratings
from gan.folder import read_canonical
from gan.phantom import draw_phantoms
from gan.pixels import film_hash

NAN = float("nan")


def films(labels: list[list[float]], patients: list[str] | None = None, name: str = "film") -> LabelledFilms:
    """Films of noise with these labels of up to three findings."""
    names = [f"{name} {number}" for number in range(len(labels))]
    greys = np.random.default_rng(len(name)).integers(0, 65536, (len(labels), 32, 32)).astype(np.uint16)
    findings = ("Mass", "Edema", "Hernia")[: len(labels[0])]
    of = tuple(patients or names)
    return LabelledFilms(greys, names, np.array(labels, np.float32), of, tuple(names), findings, 32)


def test_the_variance_of_an_auc_where_films_of_a_patient_stay_together() -> None:
    """By hand. Scores 3 and 1 with the finding, 2 and 0 without: placements 1 and ½, ½ and 1, so the AUC is ¾.

    DeLong: (⅛ + ⅛) / 2. Where the films scored 3 and 2 are of one patient, what they add cancels, and half is left.
    """
    scores, shown = np.array([[3.0, 1.0, 2.0, 0.0]]), np.array([True, True, False, False])
    estimates, moved = influences(scores, shown, np.arange(4), 4)
    assert estimates.tolist() == [0.75]
    assert (moved @ moved.T).item() == pytest.approx(1 / 8)
    _, together = influences(scores, shown, np.array([0, 1, 0, 2]), 3)
    assert (together @ together.T).item() == pytest.approx(1 / 16)
    with pytest.raises(ValueError, match="at least two patients"):
        influences(scores, shown, np.array([0, 0, 1, 2]), 3)


def test_covariances_are_delongs_where_each_patient_has_one_film_and_copies_of_films_add_nothing() -> None:
    random = np.random.default_rng(3)
    scores, shown = random.integers(0, 8, (4, 30)).astype(float), random.random(30) < 0.4
    scores += 2 * shown
    _, moved = influences(scores, shown, np.arange(30), 30)
    cases = tuple(map(str, range(30)))
    expected = covariance.delong(Ratings(("one", "other"), ("a", "b"), cases, scores.reshape(2, 2, 30), shown))
    np.testing.assert_allclose(moved @ moved.T, expected, rtol=1e-10)
    _, thrice = influences(np.tile(scores, 3), np.tile(shown, 3), np.tile(np.arange(30), 3), 30)
    np.testing.assert_allclose(thrice @ thrice.T, expected, rtol=1e-10)


def measured(scores: np.ndarray, labels: np.ndarray, **options: Any) -> Any:
    return areas_by_finding(scores, films(labels.tolist()), draws=options.get("draws", 200))


def test_with_one_seed_a_difference_is_tested_as_delong_does() -> None:
    random = np.random.default_rng(5)
    labels = (random.random((60, 1)) < 0.4).astype(float)
    first, second = (random.normal(shift * labels, 1, (1, 60, 1)) for shift in (1.5, 0.5))
    one, other = (measured(scores, labels)["Mass"] for scores in (first, second))
    cases = tuple(map(str, range(60)))
    both = Ratings(("one", "other"), ("a",), cases, np.stack([first[..., 0], second[..., 0]]), labels[:, 0] == 1)
    of_both = covariance.delong(both)
    se = np.sqrt(of_both[0, 0] + of_both[1, 1] - 2 * of_both[0, 1])
    found = difference_of(one, other)
    assert found["se"] == pytest.approx(se)
    assert found["difference"] == pytest.approx(found["ensemble"]["difference"])
    assert found["high"] - found["low"] == pytest.approx(2 * 1.959964 * se)
    assert found["ensemble"]["delong"] == pytest.approx({"low": found["low"], "high": found["high"]})
    assert figures_of(one)["sd_of_seeds"] is None


def test_seeds_widen_the_limits_of_one_network_and_the_ensemble_is_another_figure() -> None:
    """Two seeds, of which one has learned nothing: that of the ensemble is far above the mean of their AUCs."""
    random = np.random.default_rng(7)
    labels = np.repeat([1.0, 0.0], 30)[:, None]
    noise, *right = random.normal(0, 1, (60, 1)), *(labels * 10 + random.normal(0, 1, (3, 60, 1)))
    found = figures_of(measured(np.stack([noise, right[0]]), labels)["Mass"])
    assert found["of_seeds"][1] == 1
    assert found["auc"] == pytest.approx((1 + found["of_seeds"][0]) / 2)
    assert found["sd_of_seeds"] == pytest.approx((1 - found["of_seeds"][0]) / np.sqrt(2))
    assert found["ensemble"]["auc"] > 0.99
    # A quarter of the draws of two seeds has the first one twice, and of four only 1 in 256 nothing else.
    assert found["bootstrap"]["low"] < 0.4
    assert found["bootstrap"]["high"] == 1
    assert (found["low"], found["high"]) == (0, 1)
    assert figures_of(measured(np.stack([noise, *right]), labels)["Mass"])["bootstrap"]["low"] > 0.45


def test_the_same_patients_are_drawn_in_every_arm() -> None:
    """What is better by the same in every film is better by the same in every draw."""
    random = np.random.default_rng(9)
    labels = (random.random((80, 1)) < 0.5).astype(float)
    scores = random.normal(labels, 1, (3, 80, 1))
    arm = measured(scores, labels)["Mass"]
    same = measured(2 * scores + 1, labels)["Mass"]
    found = difference_of(same, arm)
    assert found["bootstrap"] == found["ensemble"]["bootstrap"] == {"low": 0, "high": 0}
    assert found["p"] is None
    assert "not above zero" in found["reason"]


def test_too_few_patients_and_findings_that_were_not_learned_have_no_area() -> None:
    """Nine patients with the second finding, one of whom has two films; the third has no score."""
    labels = np.zeros((40, 3))
    labels[:20, 0] = labels[:10, 1] = labels[:20, 2] = 1
    patients = ["0", "0", *map(str, range(2, 40))]
    held_out = films(labels.tolist(), patients)
    scores = np.random.default_rng(1).normal(size=(2, 40, 3))
    scores[..., 2] = NAN
    assert list(areas_by_finding(scores, held_out, draws=20)) == ["Mass"]


def test_rare_findings_are_filled_up_from_the_rarest_on() -> None:
    """Ten real films, 5 Mass and 1 Edema; wanted are 4 of each. Edema lacks 3, of which one shows Hernia, too."""
    real = films([[1, 0, 0]] * 5 + [[0, 1, 0]] + [[0, 0, 0]] * 4, name="real")
    synthetic = films([[1, NAN, NAN]] * 3 + [[NAN, 1, 1]] + [[0, 1, NAN]] * 2 + [[NAN, NAN, 1]] * 9, name="synthetic")
    for to in (4, 0.4):
        rows, filled = filled_up(real, synthetic, to)
        assert filled == {"Edema": Filling(1, 3, 4), "Hernia": Filling(0, len(rows) - 2, 4)}
        assert {3, 4, 5} <= set(rows)
        assert not {0, 1, 2} & set(rows)
    rows, filled = filled_up(real, synthetic, 5)
    assert filled["Edema"] == Filling(1, 3, 5)
    arms, _ = arms_of(real, synthetic, 1)
    assert arms["filled"].films is not None
    assert arms["both"].films is not None
    assert (len(arms["filled"].films), len(arms["both"].films)) == (11, 25)
    with pytest.raises(ValueError, match="whole number"):
        filled_up(real, synthetic, 1.5)


def test_a_film_that_shows_two_rare_findings_fills_up_both() -> None:
    """Edema lacks three and finds two, which show Mass as well, so that no other film with Mass is needed."""
    real, synthetic = films([[1, 0], [0, 0]], name="real"), films([[1, NAN]] * 5 + [[1, 1]] * 2, name="synthetic")
    rows, filled = filled_up(real, synthetic, 3)
    assert rows == [5, 6]
    assert filled == {"Mass": Filling(1, 2, 3), "Edema": Filling(0, 2, 3)}


def test_targets_without_negatives_cannot_be_trained_on_alone_and_the_reason_is_given() -> None:
    arms, filled = arms_of(films([[1.0], [0.0]] * 4, name="real"), films([[1.0]] * 3, name="synthetic"), 0.5)
    assert arms["synthetic"].films is None
    assert "No finding" in str(arms["synthetic"].reason)
    assert filled == {}
    assert "no finding is rarer" in str(arms["filled"].reason)


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    """What the command sets for its whole process."""
    torch.set_num_threads(1)
    handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    yield
    for number, handler in handlers.items():
        signal.signal(number, handler)


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Films at 32²; half of every set shows an effusion, two in 16 real ones a mass as well."""
    root = tmp_path_factory.mktemp("usefulness")
    for name, count, seed in (("real", 16, 100), ("synthetic", 12, 300), ("held_out", 22, 500)):
        draw_phantoms(root / name, count // 2, seed, side=32, findings=["Effusion"])
        draw_phantoms(root / name, count // 2, seed + 100, side=32, findings=["Cardiomegaly"])
    return root


def command(folders: Path, out: Path, *more: str) -> list[str]:
    sets = [
        word
        for name in ("real", "synthetic", "held-out")
        for word in (f"--{name}", str(folders / name.replace("-", "_")))
    ]
    how = [
        "--network=densenet-narrow",
        "--side=32",
        "--images=16",
        "--batch=4",
        "--seeds=2",
        "--draws=40",
        "--fill-to=9",
        "--threads=1",
    ]
    files = [f"--json={out / 'u.json'}", f"--table={out / 'u.md'}", f"--figure={out / 'u.svg'}"]
    return ["usefulness", *sets, *how, *files, *more]


def test_one_command_makes_a_table_and_a_figure_and_goes_on_where_it_was_interrupted(
    folders: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = film_hash(read_canonical(folders / "real" / "phantom_100.png"))
    asked = command(folders, tmp_path, made_with(tmp_path, films=[own, "strange", "stranger"]))
    assert main(asked) == 0
    said = json.loads((tmp_path / "u.json").read_text())
    assert said["overall"]["findings"] == ["Cardiomegaly", "Effusion"]
    assert said["n"]["trained"]["films"] + said["n"]["calibration"]["films"] == 16
    arms = said["arms"]
    assert {name: arm["films"]["synthetic"] for name, arm in arms.items() if name != "filled"} == {
        "real": 0,
        "synthetic": 12,
        "both": 12,
    }
    # As many films are shown to every arm.
    assert {round(arm["times_shown"] * sum(arm["films"].values())) for arm in arms.values()} == {16}
    for name in ("synthetic", "both", "filled"):
        for of in (said["overall"]["arms"], said["findings"]["Effusion"]["arms"]):
            assert of[name]["auc"] == pytest.approx(np.mean(of[name]["of_seeds"]))
        means = [said["findings"][finding]["comparison"][name]["difference"] for finding in said["overall"]["findings"]]
        assert said["comparison"][name]["difference"] == pytest.approx(np.mean(means))
    for family in (
        list(said["comparison"].values()),
        [entry for row in said["findings"].values() for entry in row["comparison"].values() if entry["p"] is not None],
    ):
        assert [entry["p_holm"] for entry in family] == pytest.approx(holm([entry["p"] for entry in family]))
    assert len([row for row in said["findings"].values() if row["arms"]["real"]["auc"] is None]) == 12
    assert any("add no patient" in warning for warning in said["warnings"])
    assert any("learned from 2 films that are not in" in warning for warning in said["warnings"])
    table = (tmp_path / "u.md").read_text()
    assert table.count("\n| ") == 3 * 4
    assert "10 are the fewest" in table
    assert (tmp_path / "u.svg").read_text().count("<svg") == 1

    kept = sorted((tmp_path / "u.work").glob("both-1-*"))
    assert {path.suffix for path in kept} == {".json", ".npy", ".safetensors"}
    for path in kept:
        path.unlink()
    trained = []
    train = study.train
    monkeypatch.setattr(
        study, "train", lambda config, *rest, **more: trained.append(config.seed) or train(config, *rest, **more)
    )
    assert main(asked) == 0
    assert trained == [1]
    assert json.loads((tmp_path / "u.json").read_text()) == said


@pytest.mark.parametrize("shared", ["real", "synthetic"])
def test_films_that_are_measured_on_are_not_trained_on(
    folders: Path, tmp_path: Path, shared: str, capsys: pytest.CaptureFixture[str]
) -> None:
    sets = {"--held-out": folders / shared}
    arguments = command(folders, tmp_path)
    arguments[arguments.index("--held-out") + 1] = str(sets["--held-out"])
    assert main(arguments) == 1
    assert "keep them apart" in capsys.readouterr().err
    assert not (tmp_path / "u.work").exists()


def test_a_patient_is_the_same_under_another_film(
    folders: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, seed, shared in (("real", 700, "0007"), ("held_out", 800, "7")):
        draw_phantoms(tmp_path / name, 2, seed, side=32)
        with (tmp_path / name / "labels.csv").open("w", newline="") as file:
            csv.writer(file).writerows(
                [["file", "patient_id", "labels"]]
                + [[f"phantom_{seed + row}.png", patient, "Mass"] for row, patient in enumerate((shared, str(seed)))]
            )
    arguments = command(folders, tmp_path)
    for option, name in (("--real", "real"), ("--held-out", "held_out")):
        arguments[arguments.index(option) + 1] = str(tmp_path / name)
    assert main(arguments) == 1
    assert "1 patients and 0 films" in capsys.readouterr().err


def made_with(folder: Path, **said: Any) -> str:
    """Weights by whose description somebody learned from these films."""
    weights = folder / "behind.safetensors"
    weights.with_suffix(".json").write_text(json.dumps(said))
    return f"--made-with={weights}"


def test_held_out_films_that_generator_or_classifier_have_seen_are_refused(
    folders: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    of_generator = made_with(tmp_path, films=[{"film_hash": "a", "patient_hash": None, "phantom_seed": 501}])
    assert main(command(folders, tmp_path, of_generator)) == 1
    assert "learned from 0 held-out films and 1 of their patients" in capsys.readouterr().err
    hashed = film_hash(read_canonical(folders / "held_out" / "phantom_502.png"))
    assert main(command(folders, tmp_path, made_with(tmp_path, films=[hashed], patients=["7"]))) == 1
    assert "learned from 1 held-out films and 0 of their patients" in capsys.readouterr().err
    assert main(command(folders, tmp_path, made_with(tmp_path, weights="none"))) == 1
    assert "does not say which films" in capsys.readouterr().err
