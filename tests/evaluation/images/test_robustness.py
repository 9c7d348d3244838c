"""The robustness study: halves of equal n, a floor, five steps, and which extractors rank them right."""

from __future__ import annotations

import csv
import json
import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch

from evaluation.__main__ import main
from evaluation.images.degradations import OF_FILMS
from evaluation.images.equal_n import floor_splits
from evaluation.images.extractors import Extractor
from evaluation.images.frechet import frechet
from evaluation.images.kernel import kernel_distance
from evaluation.images.robustness import WHAT, robustness
from gan.phantom.film import render
from gan.phantom.patient import sample_phantom
from gan.pixels import FULL_SCALE, Film, write_film

FILMS, SIDE = 40, 32
DEGRADATIONS = {
    "blur", "noise", "shift", "contrast", "marker removal", "JPEG", "other anatomy", "mode dropping",
}  # fmt: skip


class Detail(Extractor):
    """Mean and spread of the differences between neighbours: sees sharpness, and hardly where anything is."""

    name, version, rule = "detail", "1", "as it is"

    def rows(self, films: Sequence[Film]) -> np.ndarray:
        steps = [np.abs(np.diff(film / FULL_SCALE, axis=1)) for film in films]
        return np.array([[step.mean(), step.std()] for step in steps], dtype=np.float32)


class Corner(Extractor):
    """The grey of one corner: sees next to nothing."""

    name, version, rule = "corner", "1", "as it is"

    def rows(self, films: Sequence[Film]) -> np.ndarray:
        return np.array([[film[0, 0] / FULL_SCALE] for film in films], dtype=np.float32)


@pytest.fixture(scope="module")
def films() -> list[Film]:
    return [render(sample_phantom(seed), SIDE) for seed in range(FILMS)]


@pytest.fixture(scope="module")
def other() -> list[Film]:
    """Films of nothing but black and white squares."""
    board = np.indices((SIDE, SIDE)).sum(0) % 2
    return [(board * (FULL_SCALE - seed)).astype(np.uint16) for seed in range(FILMS // 2)]


@pytest.fixture(scope="module")
def patients() -> list[str]:
    return [str(row // 2) for row in range(FILMS)]


@pytest.fixture(scope="module")
def study(films: list[Film], other: list[Film], patients: list[str]) -> dict:
    return robustness(films, other, [Detail(), Corner()], patients=patients, seed=3)


def line(study: dict, degradation: str, extractor: str = "detail", distance: str = "frechet") -> dict:
    (found,) = (
        one
        for one in study["series"]
        if (one["degradation"], one["extractor"], one["distance"]) == (degradation, extractor, distance)
    )
    return found


def test_every_degradation_has_a_floor_and_five_steps_for_every_extractor_and_distance(study: dict) -> None:
    assert {one["name"] for one in study["degradations"]} == DEGRADATIONS
    assert len(study["series"]) == len(DEGRADATIONS) * 2 * 2
    for one in study["series"]:
        assert [step["strength"] for step in one["steps"]] == next(
            degradation["steps"] for degradation in study["degradations"] if degradation["name"] == one["degradation"]
        )
        for figure in (one["floor"], *one["steps"]):
            assert figure["low"] <= figure["estimate"] <= figure["high"]


def test_the_figures_are_those_of_the_distance_between_untouched_and_degraded_halves(
    study: dict, films: list[Film], patients: list[str]
) -> None:
    noise = next(one for one in OF_FILMS if one.name == "noise")
    clean = Detail().rows(films).astype(float)
    changed = [noise.apply(film, 4, np.random.default_rng((3, row))) for row, film in enumerate(films)]
    degraded = Detail().rows(changed).astype(float)
    splits = list(floor_splits(FILMS, FILMS // 2, 3, patients))
    for distance, of_pair in (("frechet", frechet), ("kernel", lambda a, b: kernel_distance(a, b).estimate)):
        for rows, figure in (
            (clean, line(study, "noise", distance=distance)["floor"]),
            (degraded, line(study, "noise", distance=distance)["steps"][3]),
        ):
            values = [of_pair(clean[first], rows[second]) for first, second in splits]
            assert figure["estimate"] == pytest.approx(np.mean(values))
            assert (figure["low"], figure["high"]) == pytest.approx(tuple(np.quantile(values, [0.025, 0.975])))


def test_what_an_extractor_sees_is_ranked_and_what_it_does_not_see_is_not(study: dict) -> None:
    assert line(study, "blur")["steps"][-1]["above_floor"]
    seen = line(study, "other anatomy")
    assert (seen["spearman"], seen["first_above_floor"]) == (1, 2)
    # Two per cent of twenty films are none, so the first step does not rise.
    assert seen["steps"][0]["estimate"] == seen["floor"]["estimate"]
    assert not seen["monotone"]
    assert not seen["ranked_right"]
    for distance in ("frechet", "kernel"):
        unseen = line(study, "noise", "corner", distance)
        assert unseen["first_above_floor"] is None
        assert not unseen["ranked_right"]


def test_the_first_step_above_the_floor_is_named(study: dict) -> None:
    for one in study["series"]:
        above = [step["estimate"] > one["floor"]["high"] for step in one["steps"]]
        assert [step["above_floor"] for step in one["steps"]] == above
        assert one["first_above_floor"] == (above.index(True) + 1 if any(above) else None)


def test_lost_modes_are_noticed_at_an_n_that_every_step_has(films: list[Film], other: list[Film]) -> None:
    dark = [(film // 4).astype(np.uint16) for film in films]
    both = [*films, *dark]
    modes = ["bright"] * FILMS + [f"dark {row // 4}" for row in range(FILMS)]
    lost = line(robustness(both, [*other, *other], [Detail()], modes=modes), "mode dropping")
    assert lost["n"] == 15
    assert lost["steps"][-1]["above_floor"]
    assert lost["steps"][-1]["estimate"] > lost["steps"][0]["estimate"]


def test_the_study_says_what_it_is_and_how_it_came_about(study: dict) -> None:
    assert study["what"] == WHAT
    assert "sensitivity check" in WHAT
    assert "does not validate" in WHAT
    assert study["films"] == {"real": FILMS, "patients": FILMS // 2, "other": FILMS // 2}
    for part in ("n = 20 reference and 20 degraded of 40 real films, 20 patients kept apart", "seed 3", "detail 1"):
        assert part in study["protocol"]


def test_the_same_seed_gives_the_same_study(films: list[Film], other: list[Film], patients: list[str]) -> None:
    first, again = (robustness(films, other, [Corner()], patients=patients, seed=1) for _ in range(2))
    assert first == again


def test_progress_ends_where_it_was_said_to(films: list[Film], other: list[Film]) -> None:
    seen: list[tuple[int, int]] = []
    robustness(films, other, [Corner()], progress=lambda done, total: seen.append((done, total)))
    assert seen[-1][0] == seen[-1][1] == FILMS * 31 + FILMS // 2
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)


def test_what_cannot_be_studied_is_refused(films: list[Film], other: list[Film]) -> None:
    with pytest.raises(ValueError, match="10 films of other anatomy are needed, and there are 3"):
        robustness(films, other[:3], [Corner()])
    with pytest.raises(ValueError, match="two halves of 0 without a patient in both, and 10 are needed"):
        robustness(films, other, [Corner()], patients=["one"] * FILMS)
    with pytest.raises(ValueError, match="and 10 are needed in each"):
        robustness(films[:8], other, [Corner()])
    with pytest.raises(ValueError, match="the same name"):
        robustness(films, other, [Corner(), Corner()])


@pytest.fixture
def folders(tmp_path: Path, films: list[Film], other: list[Film]) -> tuple[Path, Path]:
    real, elsewhere = tmp_path / "real", tmp_path / "elsewhere"
    real.mkdir()
    elsewhere.mkdir()
    labels = ["file,patient_id,split,view"]
    for row, film in enumerate(films):
        write_film(real / f"{row:02}.png", film)
        labels.append(f"{row:02}.png,{row // 2},{'test' if row < 30 else 'train'},{'PA' if row % 3 else 'AP'}")
    (real / "labels.csv").write_text("\n".join(labels), encoding="utf-8")
    for row, film in enumerate(other):
        write_film(elsewhere / f"{row}.png", film)
    return real, elsewhere


def stand_in(path: Path) -> Path:
    torch.manual_seed(1)
    network = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 9, 16), torch.nn.ReLU(), torch.nn.AdaptiveAvgPool2d(2))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        torch.jit.script(torch.nn.Sequential(network, torch.nn.Flatten())).save(str(path))
    return path


def test_the_command_writes_figures_and_tables_of_named_extractors_and_files(
    tmp_path: Path, capsys: pytest.CaptureFixture, folders: tuple[Path, Path]
) -> None:
    real, elsewhere = folders
    file, out = stand_in(tmp_path / "stand-in.pt"), tmp_path / "out"
    arguments = ["--where", "split=test", "--modes", "view", "--extractor", "raw", "--extractor", file, "--out", out]
    assert main([str(part) for part in ("robustness", real, "--other", elsewhere, *arguments)]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed["what"] == WHAT
    assert set(printed["ranked_right"]) == DEGRADATIONS
    written = json.loads((out / "robustness.json").read_text(encoding="utf-8"))
    assert written["protocol"] == printed["protocol"]
    assert written["films"] == {"real": 30, "patients": 15, "other": 15}
    assert [one["name"] for one in written["extractors"]] == ["raw", "stand-in"]
    with (out / "ranks.csv").open(encoding="utf-8") as table:
        ranks = list(csv.DictReader(table))
    with (out / "steps.csv").open(encoding="utf-8") as table:
        steps = list(csv.DictReader(table))
    assert (len(ranks), len(steps)) == (8 * 2 * 2, 8 * 2 * 2 * 5)
    assert float(steps[0]["estimate"]) == written["series"][0]["steps"][0]["estimate"]
    for distance in ("frechet", "kernel"):
        assert (out / f"{distance}.svg").read_text(encoding="utf-8").startswith("<?xml")
        assert (out / f"{distance}.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--where", "split=nowhere"), "no film of which labels.csv says split=nowhere"),
        (("--where", "split"), "COLUMN=VALUE"),
        (("--modes", "colour"), "no column “colour”"),
        (("--films", "10"), "and 10 are needed in each"),
    ],
)
def test_the_command_refuses_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture, folders: tuple[Path, Path], arguments: tuple[str, str], said: str
) -> None:
    real, elsewhere = folders
    out = tmp_path / "out"
    given = ("robustness", real, "--other", elsewhere, "--extractor", "raw", "--out", out, *arguments)
    assert main([str(part) for part in given]) == 1
    (message,) = (row for row in capsys.readouterr().err.splitlines() if row.startswith("error: "))
    assert said in message
    assert not out.exists()
