"""The two-way clustered regression against odds ratios by hand and against the formula of its variance."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from evaluation.readers.reading import Reading
from evaluation.readers.regression import Term, logistic
from tests.evaluation.readings import drawn, readings

CUT = 4


def study(readers: int = 8, films: int = 40, seed: int = 1) -> list[Reading]:
    return readings(*drawn(readers, films, films, 0.7, seed=seed))


def with_values(read: Sequence[Reading], name: str, value: Callable[[Reading], str]) -> list[Reading]:
    return [replace(reading, extra={**reading.extra, name: value(reading)}) for reading in read]


def number(text: str) -> int:
    return int(text[1:])


def log_odds(read: Sequence[Reading], truth: str) -> float:
    said = [reading.rating >= CUT for reading in read if reading.truth == truth]
    return math.log(sum(said) / (len(said) - sum(said)))


def clustered_variance(read: Sequence[Reading], design: np.ndarray, estimates: np.ndarray) -> np.ndarray:
    """Cameron, Gelbach and Miller (2011), equation 2.11: readers plus films minus their intersection, each part

    H⁻¹ Σ s sᵀ H⁻¹ with s the score of a cluster, times G / (G − 1) · (N − 1) / (N − K).
    """
    fitted = 1 / (1 + np.exp(-design @ estimates))
    scores = design * (np.array([reading.rating >= CUT for reading in read]) - fitted)[:, None]
    inverse = np.linalg.inv((design * (fitted * (1 - fitted))[:, None]).T @ design)
    keys = [(reading.reader, reading.case) for reading in read]
    count, columns = design.shape

    def part(clusters: Sequence[object]) -> np.ndarray:
        names = list(dict.fromkeys(clusters))
        sums = np.array([scores[[key == name for key in clusters]].sum(0) for name in names])
        factor = len(names) / (len(names) - 1) * (count - 1) / (count - columns)
        return factor * inverse @ sums.T @ sums @ inverse

    return part([reader for reader, _ in keys]) + part([case for _, case in keys]) - part(keys)


def test_without_covariates_it_is_the_log_odds_ratio_of_the_table() -> None:
    read = study()
    (term,) = logistic(read, [], CUT).terms
    bias, ratio = log_odds(read, "real"), log_odds(read, "synthetic") - log_odds(read, "real")
    assert term.estimate == pytest.approx(ratio, abs=1e-8)
    design = np.column_stack([np.ones(len(read)), [reading.truth == "synthetic" for reading in read]]).astype(float)
    variance = clustered_variance(read, design, np.array([bias, ratio]))[1, 1]
    assert term.se == pytest.approx(math.sqrt(variance), abs=1e-8)


def test_a_covariate_has_an_effect_on_bias_and_one_on_detection() -> None:
    """With one label the model is saturated: its terms are differences of the log odds in four tables."""
    read = with_values(study(), "marker", lambda reading: "yes" if number(reading.case) % 3 else "no")
    found = logistic(read, ["marker"], CUT)
    groups = {value: [reading for reading in read if reading.extra["marker"] == value] for value in ("yes", "no")}
    bias = {value: log_odds(group, "real") for value, group in groups.items()}
    ratio = {value: log_odds(group, "synthetic") - bias[value] for value, group in groups.items()}
    assert found.references == {"marker": "yes"}
    assert [(term.covariate, term.value, term.effect) for term in found.terms] == [
        ("truth", "synthetic", "detection"),
        ("marker", "no", "bias"),
        ("marker", "no", "detection"),
    ]
    expected = [ratio["yes"], bias["no"] - bias["yes"], ratio["no"] - ratio["yes"]]
    assert [term.estimate for term in found.terms] == pytest.approx(expected, abs=1e-8)
    truth = np.array([reading.truth == "synthetic" for reading in read], dtype=float)
    other = np.array([reading.extra["marker"] == "no" for reading in read], dtype=float)
    design = np.column_stack([np.ones(len(read)), truth, other, other * truth])
    variances = clustered_variance(read, design, np.array([bias["yes"], *expected])).diagonal()[1:]
    assert [(term.se or 0) ** 2 for term in found.terms] == pytest.approx(variances, abs=1e-8)


def test_below_20_readers_it_is_exploratory_with_students_t() -> None:
    found = logistic(study(readers=8), [], CUT)
    (term,) = found.terms
    assert (found.readers, found.df, found.exploratory) == (8, 7, True)
    se, low, p = defined(term)
    assert low == pytest.approx(term.estimate - 2.3646242516 * se)
    assert p == pytest.approx(2 * stats.t.sf(term.estimate / se, 7))


def test_from_20_readers_the_normal_distribution_is_taken() -> None:
    found = logistic(study(readers=20), [], CUT)
    se, low, p = defined(found.terms[0])
    assert (found.df, found.exploratory) == (math.inf, False)
    assert low == pytest.approx(found.terms[0].estimate - 1.9599639845 * se)
    assert p == pytest.approx(2 * stats.norm.sf(found.terms[0].estimate / se), rel=1e-6)


def defined(term: Term) -> tuple[float, float, float]:
    assert term.se is not None
    assert term.low is not None
    assert term.p is not None
    return term.se, term.low, term.p


def test_an_effect_that_was_put_in_is_found() -> None:
    """20 readers, 400 films: markers make films look synthetic (+1) and help to tell them apart (+0.8)."""
    random = np.random.default_rng(4)
    read = []
    for film in range(400):
        truth, marker = film % 2, (film // 2) % 2
        for reader in range(20):
            log_odds_of_synthetic = -1 + 0.5 * truth + marker + 0.8 * marker * truth
            said = random.random() < 1 / (1 + math.exp(-log_odds_of_synthetic))
            read.append(
                Reading(
                    f"R{reader}",
                    f"c{film}",
                    "synthetic" if truth else "real",
                    5.0 if said else 2.0,
                    extra={"marker": str(marker)},
                )
            )
    truth_term, bias, detection = logistic(read, ["marker"], CUT).terms
    assert bias.value == ""
    for term, expected in ((bias, 1), (detection, 0.8), (truth_term, 0.5 + 0.8 / 2)):
        assert term.estimate == pytest.approx(expected, abs=3 * (term.se or 0))
        assert (term.se or 1) < 0.15


def test_numbers_count_from_their_mean_and_positions_are_numbers() -> None:
    read = [replace(reading, position=number(reading.case)) for reading in study()]
    found = logistic(read, ["position"], CUT)
    assert found.references == {"position": pytest.approx(39.5)}
    assert [(term.covariate, term.value, term.effect) for term in found.terms[1:]] == [
        ("position", "", "bias"),
        ("position", "", "detection"),
    ]


def test_several_findings_of_a_film_are_several_labels() -> None:
    findings = ("No Finding", "No Finding", "No Finding", "Mass", "Effusion|Mass", "Effusion")
    read = [replace(reading, finding=findings[number(reading.case) % 6]) for reading in study()]
    found = logistic(read, ["finding"], CUT)
    assert found.references == {"finding": "No Finding"}
    assert [term.value for term in found.terms] == ["synthetic", "Effusion", "Mass", "Effusion", "Mass"]
    assert found.undefined == []


def test_a_label_that_was_always_judged_the_same_is_left_out_and_named() -> None:
    read = with_values(study(), "marker", lambda reading: "L" if number(reading.case) < 2 else "R")
    read = [replace(reading, rating=1.0) if reading.extra["marker"] == "L" else reading for reading in read]
    read = with_values(read, "side", lambda reading: "left" if number(reading.case) % 2 else "right")
    found = logistic(read, ["marker", "side"], CUT)
    assert found.readings == len(read) - 16
    (reason,) = found.undefined
    assert "16 readings with marker “L”" in reason
    assert {term.covariate for term in found.terms} == {"truth", "side"}


def test_readings_without_a_value_are_left_out_and_counted() -> None:
    read = with_values(
        study(), "marker", lambda reading: "" if number(reading.case) == 5 else "LR"[number(reading.case) % 2]
    )
    found = logistic(read, ["marker"], CUT)
    assert found.readings == len(read) - 8
    assert found.undefined == ["Left out 8 readings without a value of “marker”."]


@pytest.mark.parametrize(
    ("value", "message"),
    [
        pytest.param(lambda reading: "", "no value in any reading", id="empty"),
        pytest.param(
            lambda reading: reading.extra.get("other", str(number(reading.case))), "cannot be told apart", id="the same"
        ),
    ],
)
def test_covariates_that_say_nothing_are_refused(value: Callable[[Reading], str], message: str) -> None:
    read = with_values(study(), "other", lambda reading: str(number(reading.case)))
    with pytest.raises(ValueError, match=message):
        logistic(with_values(read, "marker", value), ["other", "marker"], CUT)


def test_one_reader_is_refused() -> None:
    with pytest.raises(ValueError, match="two readers or more"):
        logistic(study(readers=1), [], CUT)


def test_films_that_were_all_judged_the_same_are_refused() -> None:
    read = [replace(reading, rating=1.0) if reading.truth == "real" else reading for reading in study()]
    with pytest.raises(ValueError, match="all judged the same"):
        logistic(read, [], CUT)


def test_a_number_that_foretells_every_judgement_is_refused() -> None:
    read = [replace(reading, position=int(10 * reading.rating)) for reading in study()]
    with pytest.raises(ValueError, match="completely"):
        logistic(read, ["position"], CUT)
