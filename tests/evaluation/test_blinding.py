"""Whether truth can be predicted from a channel, and how surely it cannot."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import Ridge
from sklearn.model_selection import KFold

from evaluation.blinding import Finding, Numbers, Texts, findings, holm

RANDOM = np.random.default_rng(3)


def truth(films: int) -> np.ndarray:
    return np.repeat([False, True], films)


def of_numbers(values: np.ndarray, films: int = 100, permutations: int = 999) -> Finding:
    (finding,) = findings([], [Numbers("channel", values)], truth(films), seed=1, permutations=permutations)
    return finding


def of_texts(values: list[str], *, must_agree: bool = False) -> Finding:
    synthetic = truth(len(values) // 2)
    (finding,) = findings([Texts("channel", values, must_agree)], [], synthetic, seed=1, permutations=999)
    return finding


def test_holms_correction() -> None:
    # Worked out by hand: 0.01 · 4, 0.02 · 3, 0.03 · 2 and 0.04, none below the one before.
    assert holm([0.03, 0.01, 0.04, 0.02]) == pytest.approx([0.06, 0.04, 0.06, 0.06])
    assert holm([0.9, 0.8]) == [1, 1]
    assert holm([]) == []


def test_noise_is_silent_and_its_limit_allows_for_all_channels() -> None:
    channels = [Numbers(f"noise {n}", RANDOM.normal(size=(800, 1))) for n in range(4)]
    found = findings([], channels, truth(400), seed=1, permutations=999)
    assert {finding.verdict for finding in found} == {"silent"}
    for finding in found:
        assert finding.auc is not None
        assert finding.high is not None
        assert finding.upper is not None
        # A one-sided limit at 1 − 0.05 / 4 lies 2.24 standard errors off, the two-sided one 1.96.
        assert (finding.upper - finding.auc) / (finding.high - finding.auc) == pytest.approx(2.2414 / 1.96, abs=0.001)


@pytest.mark.parametrize(
    "values",
    [
        pytest.param(RANDOM.normal(size=(200, 1)) + 1.2 * truth(100)[:, None], id="a shift"),
        pytest.param(RANDOM.normal(size=(200, 1)) * (1 + 3 * truth(100)[:, None]), id="a spread"),
        pytest.param((RANDOM.random((200, 1)) < 0.2 + 0.5 * truth(100)[:, None]).astype(float), id="a share"),
        pytest.param(np.arange(200.0)[:, None], id="rows in the order of truth"),
        pytest.param(np.column_stack([RANDOM.normal(size=200), RANDOM.normal(size=200) + truth(100)]), id="one of two"),
    ],
)
def test_what_depends_on_truth_tells(values: np.ndarray) -> None:
    finding = of_numbers(values)
    assert finding.verdict == "tells"
    assert finding.auc is not None
    assert finding.auc > 0.6
    assert finding.p == pytest.approx(0.001)


def test_twenty_films_leave_open_what_they_cannot_exclude() -> None:
    """Synthetic films have the higher values a little too seldom to be sure of it."""
    values = np.array([*range(10), *range(4, 14)], dtype=float)[:, None]
    finding = of_numbers(values, films=10)
    assert finding.auc is not None
    assert 0.5 < finding.auc < 0.8
    assert finding.verdict == "open"


def test_what_never_varies_is_silent_without_figures() -> None:
    assert of_numbers(np.ones((200, 2))) == Finding("channel", "numbers", "silent", 1)
    assert of_texts(["same"] * 40) == Finding("channel", "text", "silent", 1)


def test_predictions_come_from_films_that_had_no_part_in_the_fit() -> None:
    """A column for each film would predict all of truth to a classifier that had seen it."""
    assert abs((of_numbers(np.eye(60), films=30).auc or 0) - 0.5) < 0.3


def test_the_p_value_is_uniform_where_nothing_tells() -> None:
    p = [
        findings([], [Numbers("n", RANDOM.normal(size=(40, 1)))], truth(20), seed=n, permutations=199)[0].p
        for n in range(100)
    ]
    # 5 of 100 on average; more than 12 come once in a thousand.
    assert sum(value <= 0.05 for value in p if value is not None) <= 12


def test_texts_tell_by_what_they_say_and_not_by_being_many() -> None:
    assert of_texts([f"word {synthetic}" for synthetic in truth(20)]).verdict == "tells"
    assert of_texts([str(number) for number in range(40)]).verdict == "silent"
    assert of_texts([*["same"] * 39, "the last"]).verdict == "silent"
    told = of_texts([*["same"] * 39, "the last"], must_agree=True)
    assert told.verdict == "tells"
    assert "'same': 20 real, 19 synthetic; 'the last': 0 real, 1 synthetic" in told.note


def test_what_no_film_may_have_tells_where_all_have_it() -> None:
    found = findings([Texts("tag", ["a"] * 40, expected="")], [], truth(20), seed=1, permutations=19)
    assert [finding.verdict for finding in found] == ["tells"]


def test_too_few_films_are_refused() -> None:
    with pytest.raises(ValueError, match="at least 5 real and 5 synthetic"):
        of_numbers(np.zeros((8, 1)), films=4)


def test_the_classifier_is_least_squares_on_the_other_folds() -> None:
    """Against a plain loop: two ranks make splines that are linear, so a fit on 0 and 1 predicts alike."""
    values = (RANDOM.random((100, 1)) < 0.3 + 0.3 * truth(50)[:, None]).astype(float)
    predictions = np.empty(100)
    for fit, left_out in KFold(5, shuffle=True, random_state=1).split(values):
        predictions[left_out] = Ridge(alpha=1e-6).fit(values[fit], truth(50)[fit]).predict(values[left_out])
    positive, negative = predictions[50:, None], predictions[None, :50]
    area = ((positive > negative) + 0.5 * (np.abs(positive - negative) < 1e-9)).mean()
    # Shrinking moves predictions of the folds apart by other amounts, which changes few pairs.
    assert of_numbers(values, films=50).auc == pytest.approx(area, abs=0.03)
