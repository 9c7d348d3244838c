"""The reader × case bootstrap against all draws that there are, and against the variance that it tends to."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from evaluation.readers import bootstrap, moments, one_shot
from evaluation.readers.ratings import Ratings
from tests.evaluation.readings import drawn, table


def test_the_v_statistic_is_the_variance_over_all_bootstrap_draws() -> None:
    """Two readers, two synthetic and three real films: 4 · 4 · 27 draws, each as likely (Gallas, 2009)."""
    values = np.array([[1.0, 4, 2, 5, 2], [3, 3, 1, 4, 6]])
    truth = np.array([False, False, False, True, True])
    won = np.heaviside(values[:, truth, None] - values[:, None, ~truth], 0.5)
    areas = [
        won[np.ix_(readers, synthetic, real)].mean()
        for readers in product(range(2), repeat=2)
        for synthetic in product(range(2), repeat=2)
        for real in product(range(3), repeat=3)
    ]
    ratings = Ratings(("",), ("a", "b"), tuple("12345"), values[None], truth)
    assert one_shot._variance(moments.auc(ratings), 0, 0, "both").v == pytest.approx(np.var(areas), abs=1e-14)


@pytest.mark.parametrize("seed", [1, 2])
def test_its_variance_tends_to_the_v_statistics(seed: int) -> None:
    whole = table(*drawn(8, 30, 30, 0.7, seed=seed))
    found = bootstrap.reader_case(whole, draws=20_000, seed=seed)
    # The error of a variance from 20,000 draws is 1 %.
    assert found.variance == pytest.approx(one_shot._variance(moments.auc(whole), 0, 0, "both").v, rel=0.04)
    assert found.estimate == pytest.approx(one_shot.reader_mean(moments.auc(whole)).estimate, abs=1e-15)


def test_its_interval_is_that_of_the_draws_and_the_same_for_the_same_seed() -> None:
    whole = table(*drawn(6, 30, 30, 0.7, seed=3))
    found = bootstrap.reader_case(whole, draws=4000, seed=5)
    se = found.variance**0.5
    assert found.low == pytest.approx(found.estimate - 1.96 * se, abs=0.15 * se)
    assert found.high == pytest.approx(found.estimate + 1.96 * se, abs=0.15 * se)
    assert found == bootstrap.reader_case(whole, draws=4000, seed=5)
    assert found != bootstrap.reader_case(whole, draws=4000, seed=6)


def test_readings_may_be_missing() -> None:
    ratings, truth = drawn(6, 30, 30, 0.7, seed=3)
    ratings[np.random.default_rng(1).random(ratings.shape) < 0.3] = np.nan
    whole = Ratings(("",), tuple("abcdef"), tuple(map(str, range(60))), ratings[None], truth == 1)
    found = bootstrap.reader_case(whole)
    assert found.estimate == pytest.approx(one_shot.reader_mean(moments.auc(whole)).estimate, abs=1e-15)
    assert found.low < found.estimate < found.high
    assert found.draws == 2000


def test_below_six_readers_it_is_not_offered() -> None:
    with pytest.raises(ValueError, match="6 of them or more; there are 5"):
        bootstrap.reader_case(table(*drawn(5, 30, 30, 0.7, seed=3)))
