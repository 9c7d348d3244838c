"""The analysis of a whole study: its answer, its controls, its arms beside the machines."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from evaluation.analysis import analyse
from evaluation.images.frechet import frechet
from evaluation.images.texture import features
from evaluation.readers.options import Options
from evaluation.readers.summary import summarise
from evaluation.study import StudyInput, Training
from tests.evaluation.studies import rated, reading, study, withdrawn

REAL, GUESSED = ("real", "real", 100, 0.0), ("pggan", "generator", 100, 0.0)
MARGIN = {"margin": 0.15}
DEGRADED = ("blurred", "control-degraded", 15, 3.0)


def analysed(given: StudyInput, **options: Any) -> dict[str, Any]:
    figures = analyse(given, **options)
    json.dumps(figures, allow_nan=False)
    return figures


@pytest.fixture(scope="module")
def guessed() -> StudyInput:
    """Eight readers who guess, and a degraded control that they all see."""
    return study([REAL, GUESSED, DEGRADED], readers=8, plan=MARGIN)


def test_equivalence_needs_a_degraded_control_that_was_detected(guessed: StudyInput) -> None:
    figures = analysed(guessed)
    (control,) = figures["controls"]
    assert control["detected"]
    assert control["auc"]["low"] > 0.5
    assert figures["answer"]["headline"].startswith("Equivalent to guessing within ± 0.15")
    overlooked = rated(guessed, lambda row: 1 if row.arm == "blurred" else row.rating)
    headline = analysed(overlooked)["answer"]["headline"]
    assert not headline.startswith("Equivalent")
    assert "readers were not shown to detect the degraded control" in headline
    assert (
        "there was no degraded control"
        in analysed(study([REAL, GUESSED], readers=8, plan=MARGIN))["answer"]["headline"]
    )


@pytest.mark.parametrize(
    ("blinding", "doubt"),
    [
        (None, "the blinding was not checked"),
        ("open", "the check of the blinding had too few films"),
        ("leak", "the check of the blinding found what tells real films from synthetic ones"),
    ],
)
def test_equivalence_needs_a_check_of_the_blinding_that_was_passed(
    guessed: StudyInput, blinding: Any, doubt: str
) -> None:
    headline = analysed(replace(guessed, blinding=blinding))["answer"]["headline"]
    assert not headline.startswith("Equivalent")
    assert doubt in headline


def test_a_later_sitting_on_the_same_films_is_a_repeat() -> None:
    given = study()
    again = [replace(row, sitting="2", rating=7 - row.rating) for row in given.readings]
    figures = analysed(replace(given, readings=[*again, *given.readings]))
    assert figures["readers"]["overall"] == analysed(given)["readers"]["overall"]
    assert figures["repeats"]["R1"]["n"] == 40
    assert any("several sittings" in warning for warning in figures["warnings"])


def test_controls_enter_no_main_figure(guessed: StudyInput) -> None:
    figures = analysed(guessed)
    main = [row for row in guessed.readings if row.arm != "blurred"]
    alone = summarise(main, Options(margin=0.15, cut=4, unmet=()))
    assert figures["readers"]["overall"]["obuchowski_rockette"] == alone["overall"]["obuchowski_rockette"]
    assert figures["readers"]["n"]["cases"] == 200


def test_a_perfect_reader_detects_the_control_though_nothing_has_an_interval() -> None:
    given = rated(study([("real", "real", 6, 0), ("pggan", "generator", 6, 0), ("blurred", "control-degraded", 4, 0)]),
                  lambda row: 6 if row.truth == "synthetic" else 1)  # fmt: skip
    figures = analysed(given)
    assert figures["controls"][0]["detected"]
    assert figures["answer"]["headline"] == "There is no interval, so nothing is said beyond these readers and films."
    assert "Reader-averaged AUC 1.000" in figures["answer"]["figures"]


def test_skilled_readers_are_told_so_and_deceived_ones_too() -> None:
    told = analysed(study([("real", "real", 60, 0.0), ("pggan", "generator", 60, 1.5)]))["answer"]["headline"]
    assert told == "Shown to differ from guessing. Readers told synthetic films from real ones better than by guessing."
    plan = {"primary_end_point": "deception_rate"}
    deceived = analysed(study([("real", "real", 60, 0.0), ("pggan", "generator", 60, -1.5)], plan=plan))["answer"]
    assert "took synthetic films for real more often than the real ones themselves" in deceived["headline"]
    assert "percentage points (0 is guessing)" in deceived["figures"]


def test_a_large_p_is_not_read_as_sameness() -> None:
    figures = analysed(study([("real", "real", 10, 0.0), ("pggan", "generator", 10, 0.0)], seed=3))
    assert figures["answer"]["headline"] == (
        "Not shown to differ from guessing, and not shown to lie within ± 0.1 of it either."
    )


def test_distances_are_from_the_real_films_of_the_study() -> None:
    given = study([("real", "real", 12, 0.0), ("pggan", "generator", 9, 0.5), ("other", "control-real", 8, 0.0)])
    figures = analysed(given)["images"]
    rows = {
        name: np.stack([features(film.pixels) for film in given.films if film.arm == name])
        for name in ("real", "pggan", "other")
    }
    for name, size in (("pggan", 9), ("other", 8)):
        arm = figures["arms"][name]
        assert (arm["n_real"], arm["n_fake"], arm["floor"]["n"]) == (12, size, 6)
        assert arm["frechet"] == pytest.approx(frechet(rows["real"], rows[name]), rel=1e-6)
        assert "extractor texture 1, no weights" in arm["protocol"]
    assert "12 real, 8 of the real control" in figures["arms"]["other"]["protocol"]


def test_copies_of_training_films_are_found_in_features_and_in_pixels() -> None:
    given = study([("real", "real", 12, 0.0), ("pggan", "generator", 9, 0.5), ("other", "control-real", 8, 0.0)])
    drawn = [film.pixels for film in given.films if film.arm == "pggan"]
    arms = analysed(replace(given, training={"pggan": Training(drawn[::-1])}))["images"]["arms"]
    assert arms["other"]["memorisation"] is None
    found = arms["pggan"]["memorisation"]
    assert (found["n_training"], found["missing"]) == (9, "")
    for near in (found["in_features"], found["in_pixels"]):
        assert near["baseline"] == "held-out films"
        assert (near["share_of_near_synthetic"], near["median_of_synthetic"]) == (1, 0)
        assert {(pair["synthetic"], pair["real"]) for pair in near["pairs"]} == {(row, 8 - row) for row in range(9)}


def test_readers_stand_beside_machines_arm_by_arm() -> None:
    arms = [("real", "real", 30, 0.0), ("good", "generator", 20, 0.2), ("poor", "generator", 20, 2.0), DEGRADED]
    figures = analysed(study(arms))
    assert [row["arm"] for row in figures["comparison"]] == ["good", "poor", "blurred"]
    good, poor, _ = figures["comparison"]
    assert good["auc"]["estimate"] < poor["auc"]["estimate"]
    assert good["times_floor"] == pytest.approx(good["frechet_at_floor_n"] / good["floor"]["estimate"])
    (pair,) = figures["arm_comparison"]["comparison"]
    assert pair["arms"] == ["good", "poor"]
    assert pair["difference"] < 0
    assert pair["p"] < 0.05


def test_repeats_and_practice_count_in_no_main_figure() -> None:
    given = study()
    before = analysed(given)
    again = [replace(row, kind="repeat", rating=7 - row.rating) for row in given.readings[:10]]
    practice = [reading("R1", "practice-1", "real", "real", 6, kind="practice")]
    after = analysed(replace(given, readings=[*given.readings, *again, *practice]))
    assert after["readers"] == before["readers"]
    assert after["repeats"]["R1"]["n"] > 0
    assert after["repeats"]["R1"]["agreement"]["estimate"] == 0


def test_a_withdrawn_reader_is_in_no_figure_and_in_the_deviations() -> None:
    figures = analysed(withdrawn(study(), "R2"))
    assert list(figures["readers"]["readers"]) == ["R1", "R3"]
    assert figures["deviations"][0]["readings_left_out"] == 40


def test_a_reader_who_stopped_half_way_is_told() -> None:
    given = study()
    half = [row for row in given.readings if row.reader != "R1" or (row.position or 0) % 2]
    warnings = analysed(replace(given, readings=half))["warnings"]
    assert any(warning.startswith("Reader R1 rated 20 of 40 main films") for warning in warnings)


def test_first_answers_are_the_sensitivity_analysis() -> None:
    given = study()
    perfect = rated(given, lambda row: 6 if row.truth == "synthetic" else 1).readings
    assert analysed(given)["first_answers"] is None
    first = analysed(replace(given, first_readings=perfect))["first_answers"]
    assert first["obuchowski_rockette"]["estimate"] == 1


def test_progress_ends_with_all_films() -> None:
    calls: list[tuple[int, int]] = []
    analysed(study(), progress=lambda done, total: calls.append((done, total)))
    assert calls[-1] == (40, 40)
    given = study()
    training = {"pggan": Training([film.pixels for film in given.films[:5]])}
    analysed(replace(given, training=training), progress=lambda done, total: calls.append((done, total)))
    assert calls[-1] == (45, 45)


def test_a_study_of_one_real_film_has_readers_figures_and_no_distance() -> None:
    figures = analysed(study([("real", "real", 1, 0.0), ("pggan", "generator", 5, 1.0)]))
    assert figures["images"]["arms"] == {}
    assert any("fewer than two real films" in warning for warning in figures["warnings"])
