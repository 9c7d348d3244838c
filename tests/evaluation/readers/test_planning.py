"""Power and sample size, against other programs, by hand and against drawn studies."""

from __future__ import annotations

from math import inf, log, sqrt

import numpy as np
import pytest
from scipy.stats import chi2, norm

from evaluation.readers import covariance, merit
from evaluation.readers.pilot import Pilot, pilot_of
from evaluation.readers.planning import (
    Goal,
    Variances,
    expected_error,
    films_needed,
    plan,
    simulated_power,
    split,
)
from evaluation.readers.ratings import Ratings
from evaluation.readers.roe_metz import RoeMetz
from tests.evaluation.readings import table

EQUIVALENCE = Goal("equivalence", margin=0.1)
GUESSERS = RoeMetz(reader_sd=0.3)


def variances_of(model: RoeMetz):
    return lambda films: model.variances(*split(films, 0.5))


@pytest.mark.parametrize(("cv", "n", "power"), [(0.2, 20, 0.8346802), (0.25, 28, 0.807439), (0.3, 40, 0.815845)])
def test_the_power_of_equivalence_is_that_of_powertost(cv: float, n: int, power: float) -> None:
    """PowerTOST, sampleN.TOST(CV, theta0 = 0.95): a 2 × 2 crossover on logarithms, limits 0.8 and 1.25."""
    goal = Goal("equivalence", area=0.5 + log(0.95), margin=log(1.25))
    assert goal.power(sqrt(2 * log(1 + cv**2) / n), n - 2) == pytest.approx(power, abs=5e-7)


def test_the_power_of_a_difference_is_that_of_g_power() -> None:
    """G*Power's manual, matched pairs: dz = 0.421637, n = 50, two-sided 0.05, power 0.832114."""
    goal = Goal("difference", area=0.6)
    assert goal.power(0.1 / (0.421637 * sqrt(50)), 49) == pytest.approx(0.832114, abs=1e-6)


def test_with_infinite_degrees_of_freedom_power_is_by_the_normal_distribution() -> None:
    reach = norm.ppf(0.95) * 0.03
    inside = 2 * norm.cdf((0.1 - reach) / 0.03) - 1
    assert EQUIVALENCE.power(0.03, inf) == pytest.approx(inside)
    assert EQUIVALENCE.power(0.03, 1e6) == pytest.approx(inside, abs=1e-5)
    assert EQUIVALENCE.power(0.07, inf) == 0
    different = Goal("difference", area=0.6)
    assert different.power(0.1 / 3, inf) == pytest.approx(norm.sf(1.959964 - 3), abs=1e-6)
    assert different.power(0.1 / 3, 1e6) == pytest.approx(norm.sf(1.959964 - 3), abs=1e-5)


def test_readers_vary_the_mean_as_hillis_says() -> None:
    # E(MSR) = 0.004 + 0.006 − 0.001 = 0.009, and 5 · 0.001 from the films that all share.
    se, df = expected_error(Variances(reader=0.004, error=0.006, covariance=0.001), 5)
    assert se == pytest.approx(sqrt(0.014 / 5))
    assert df == pytest.approx(0.014**2 / (0.009**2 / 4))


def test_fewer_than_five_readers_are_fixed_so_their_differences_do_not_count() -> None:
    se, df = expected_error(Variances(reader=0.004, error=0.006, covariance=0.001), 4)
    assert se == pytest.approx(sqrt((0.006 + 3 * 0.001) / 4))
    assert df == inf
    designs = [plan(EQUIVALENCE, variances_of(GUESSERS), readers, 100) for readers in (1, 4, 5)]
    assert [design.random for design in designs] == ["cases", "cases", "both"]


@pytest.mark.parametrize(
    ("reader_sd", "readers", "films", "margin", "power"),
    [
        (0.15, 6, 200, 0.1, 0.92),
        (0.30, 6, 200, 0.1, 0.52),
        (0.30, 6, 100, 0.15, 0.86),
        (0.15, 8, 200, 0.075, 0.78),
        (0.30, 10, 300, 0.1, 0.90),
        (0.30, 10, 200, 0.075, 0.52),
    ],
)
def test_the_formula_agrees_with_studies_drawn_elsewhere(
    reader_sd: float, readers: int, films: int, margin: float, power: float
) -> None:
    """Shares of 400 studies, drawn and analysed by another program, that showed equivalence; their error is 0.025."""
    model = RoeMetz(reader_sd=reader_sd)
    found = plan(Goal("equivalence", margin=margin), variances_of(model), readers, films)
    assert found.power == pytest.approx(power, abs=0.05)


@pytest.mark.parametrize("goal", [EQUIVALENCE, Goal("difference", area=0.6), Goal("equivalence", area=0.55)])
@pytest.mark.parametrize(("readers", "films"), [(4, 80), (8, 100)])
def test_the_formula_agrees_with_studies_drawn_here(goal: Goal, readers: int, films: int) -> None:
    model = GUESSERS.with_area(goal.area)
    expected = plan(goal, variances_of(model), readers, films).power
    simulated = simulated_power(GUESSERS, goal, readers, films // 2, films // 2, runs=200, seed=1)
    assert simulated.low is not None
    assert simulated.high is not None
    assert simulated.low - 0.03 < expected < simulated.high + 0.03


def test_drawn_studies_are_the_same_with_the_same_seed() -> None:
    first, again, other = (simulated_power(GUESSERS, EQUIVALENCE, 5, 30, 30, runs=60, seed=seed) for seed in (1, 1, 2))
    assert first == again != other


def test_the_films_needed_are_the_fewest() -> None:
    found = films_needed(EQUIVALENCE, variances_of(GUESSERS), 10, 0.8)
    assert found is not None
    assert found.power >= 0.8
    assert plan(EQUIVALENCE, variances_of(GUESSERS), 10, found.films - 10).power < 0.8


def test_where_readers_differ_too_much_no_number_of_films_is_enough() -> None:
    assert films_needed(EQUIVALENCE, variances_of(GUESSERS), 6, 0.8) is None


@pytest.mark.parametrize(
    ("shows", "area", "margin", "reason"),
    [
        ("difference", 0.5, 0.1, "no difference to show"),
        ("equivalence", 0.6, 0.1, "not inside 0.5 ± 0.1"),
        ("equivalence", 0.5, 0.0, "a margin below 0.5"),
        ("difference", 1.0, 0.1, "an AUC between 0 and 1"),
    ],
)
def test_a_goal_that_no_study_can_have_is_refused(shows: str, area: float, margin: float, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        Goal(shows, area=area, margin=margin)


def test_films_are_split_by_the_share_of_real_ones() -> None:
    assert split(200, 0.25) == (50, 150)
    with pytest.raises(ValueError, match="fewer than two of a kind"):
        split(20, 0.05)


# A pilot study


@pytest.fixture(scope="module")
def read() -> Ratings:
    return GUESSERS.draw(5, real=24, synthetic=30, random=np.random.default_rng(3))


@pytest.fixture(scope="module")
def pilot(read: Ratings) -> Pilot:
    return pilot_of(read)


def test_a_pilot_tells_the_variances_by_their_definition(read: Ratings, pilot: Pilot) -> None:
    areas, covariances = merit.auc(read).estimates[0], covariance.of_auc(read, "unbiased")
    error, shared = np.diag(covariances).mean(), covariances[~np.eye(5, dtype=bool)].mean()
    assert (pilot.readers, pilot.real, pilot.synthetic) == (5, 24, 30)
    assert pilot.error.estimate == pytest.approx(error)
    assert pilot.covariance.estimate == pytest.approx(shared)
    assert pilot.reader.estimate == pytest.approx(areas.var(ddof=1) - error + shared)


def test_the_variance_between_a_pilots_readers_is_as_uncertain_as_chi_squared_says(read: Ratings, pilot: Pilot) -> None:
    square = merit.auc(read).estimates[0].var(ddof=1)
    through_films = pilot.error.estimate - pilot.covariance.estimate
    assert pilot.reader.high == pytest.approx(4 * square / chi2.ppf(0.025, 4) - through_films)
    assert pilot.reader.low == pytest.approx(max(0, 4 * square / chi2.ppf(0.975, 4) - through_films))


def test_the_other_intervals_hold_what_repeated_pilots_vary_around() -> None:
    expected = GUESSERS.variances(20, 20)
    random = np.random.default_rng(5)
    pilots = [pilot_of(GUESSERS.draw(4, 20, 20, random)) for _ in range(40)]
    for name in ("error", "covariance"):
        held = sum(getattr(one, name).low <= getattr(expected, name) <= getattr(one, name).high for one in pilots)
        # 95 % of 40, less than three standard errors of it.
        assert held >= 34


def test_what_comes_through_the_films_falls_with_their_number(pilot: Pilot) -> None:
    twice = pilot.at(108)
    assert twice.reader == pilot.reader.estimate
    assert twice.error == pytest.approx(pilot.error.estimate / 2)
    assert twice.covariance == pytest.approx(pilot.covariance.estimate / 2)
    assert pilot.at(108, reader=0.5).reader == 0.5


def test_readers_are_drawn_as_different_as_the_pilots_and_agreeing_as_much(pilot: Pilot) -> None:
    model = pilot.model(area=0.55)
    drawn = model.variances(24, 30)
    assert model.mean_area() == pytest.approx(0.55)
    assert drawn.reader == pytest.approx(pilot.reader.estimate, rel=1e-3)
    assert drawn.covariance / drawn.error == pytest.approx(pilot.covariance.estimate / pilot.error.estimate, rel=1e-3)


def test_films_that_not_all_readers_of_a_pilot_read_are_left_out(read: Ratings, pilot: Pilot) -> None:
    values = read.values.copy()
    values[0, 2, 0] = np.nan
    partly = Ratings(read.modalities, read.readers, read.cases, values, read.synthetic)
    rest = Ratings(read.modalities, read.readers, read.cases[1:], read.values[:, :, 1:], read.synthetic[1:])
    assert pilot_of(partly) == pilot_of(rest) != pilot


@pytest.mark.parametrize(
    "ratings",
    [
        table([[1, 2, 3, 4, 5, 6]], [0, 0, 0, 1, 1, 1]),
        table([[1, 2, 4, 5, 6], [1, 3, 4, 6, 5]], [0, 0, 1, 1, 1]),
        table([[1, 2, 3, 4, 5, 6], [1, 2, 3, None, None, None]], [0, 0, 0, 1, 1, 1]),
    ],
)
def test_a_pilot_that_says_nothing_of_readers_is_refused(ratings: Ratings) -> None:
    with pytest.raises(ValueError, match="two readers or more who all read three real and three synthetic"):
        pilot_of(ratings)
