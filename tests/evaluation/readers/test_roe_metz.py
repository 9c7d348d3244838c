"""Drawn studies and what they are on average, against closed forms of the binormal model and against each other."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import multivariate_normal, norm

from evaluation.readers import covariance, merit
from evaluation.readers.roe_metz import RoeMetz

# So many criteria that ratings are as good as without steps.
FINE = tuple(np.linspace(-4, 4, 321))


def stepless(d_prime: float, reader_sd: float, case_correlation: float) -> RoeMetz:
    return RoeMetz(d_prime, reader_sd, case_correlation, bias_sd=0, spread_sd=0, criteria=FINE)


def both_below(value: float, correlation: float) -> float:
    """P(X < value and Y < value) of two standard normal variables."""
    return float(multivariate_normal.cdf([value, value], cov=[[1, correlation], [correlation, 1]]))


@pytest.mark.parametrize(("d_prime", "area"), [(0, 0.5), (0.1, 0.528), (0.3, 0.584), (0.48, 0.633), (1.0, 0.760)])
def test_the_mean_auc_is_that_of_d_prime(d_prime: float, area: float) -> None:
    """Φ(d′/√2), printed to three digits."""
    assert stepless(d_prime, 0, 0.15).mean_area() == pytest.approx(area, abs=6e-4)


def test_readers_who_differ_lower_the_mean_auc_by_the_formula_of_roe_and_metz() -> None:
    """d′ ~ N(μ, s²) gives Φ(μ / √(2 + s²)) on average."""
    assert stepless(1.0, 0.8, 0.15).mean_area() == pytest.approx(norm.cdf(1 / np.sqrt(2.64)), abs=1e-4)


def test_variances_are_those_of_the_binormal_model() -> None:
    """Probabilities of two correct pairs that share a film, from the bivariate normal distribution.

    For one reader both pairs share the whole of what is seen, for two readers only the film's look.
    """
    d_prime, correlation, synthetic, real = 0.8, 0.3, 50, 30
    value = d_prime / np.sqrt(2)
    area = norm.cdf(value)

    def variance(same_both: float, same_one: float) -> float:
        return (same_both - area**2 + (synthetic + real - 2) * (same_one - area**2)) / (synthetic * real)

    found = stepless(d_prime, 0, correlation).variances(real, synthetic)
    assert found.reader == pytest.approx(0, abs=1e-12)
    assert found.error == pytest.approx(variance(area, both_below(value, 0.5)), rel=2e-3)
    expected = variance(both_below(value, correlation), both_below(value, correlation / 2))
    assert found.covariance == pytest.approx(expected, rel=2e-3)


def test_the_variance_between_readers_is_that_of_normal_d_primes() -> None:
    """Var Φ(d′/√2) over d′ ~ N(μ, s²), from P(two pairs of different films are both correct)."""
    d_prime, sd = 0.5, 0.6
    total = 2 + sd**2
    expected = both_below(d_prime / np.sqrt(total), sd**2 / total) - norm.cdf(d_prime / np.sqrt(total)) ** 2
    assert stepless(d_prime, sd, 0.15).variances(50, 50).reader == pytest.approx(expected, rel=2e-3)


@pytest.mark.parametrize(
    "model",
    [
        RoeMetz(d_prime=0.6, reader_sd=0.4, case_correlation=0.3),
        # Half the real films get the lowest rating, so that real and synthetic films weigh differently.
        RoeMetz(d_prime=1.5, reader_sd=0.2, case_correlation=0.3, criteria=(0.9, 1.6)),
    ],
)
def test_drawn_studies_vary_as_expected(model: RoeMetz) -> None:
    expected = model.variances(real=15, synthetic=60)
    random = np.random.default_rng(1)
    estimates, covariances = [], []
    for _ in range(1000):
        study = model.draw(4, real=15, synthetic=60, random=random)
        estimates.append(merit.auc(study).estimates[0])
        covariances.append(covariance.of_auc(study, "unbiased"))
    seen = np.cov(np.array(estimates).T)
    apart = ~np.eye(4, dtype=bool)
    # Each tolerance is three standard errors of 1,000 studies or more.
    assert np.mean(estimates) == pytest.approx(model.mean_area(), abs=0.008)
    assert np.diag(seen).mean() == pytest.approx(expected.reader + expected.error, rel=0.12)
    assert seen[apart].mean() == pytest.approx(expected.covariance, rel=0.4)
    estimated = np.mean(covariances, axis=0)
    assert np.diag(estimated).mean() == pytest.approx(expected.error, rel=0.03)
    assert estimated[apart].mean() == pytest.approx(expected.covariance, rel=0.12)


@pytest.mark.parametrize("area", [0.4, 0.5, 0.6, 0.9])
def test_a_model_can_be_had_for_any_auc(area: float) -> None:
    assert RoeMetz(reader_sd=0.3).with_area(area).mean_area() == pytest.approx(area, abs=1e-8)


@pytest.mark.parametrize("area", [0.0, 1.0, 1.2])
def test_an_auc_that_no_reader_reaches_is_refused(area: float) -> None:
    with pytest.raises(ValueError, match="No d′ gives"):
        RoeMetz().with_area(area)


@pytest.mark.parametrize("wrong", [{"reader_sd": -0.1}, {"case_correlation": 1.0}, {"case_correlation": -0.1}])
def test_parameters_that_are_none_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="spreads of at least 0"):
        RoeMetz(**wrong)


def test_the_same_seed_gives_the_same_study_on_the_scale_of_the_criteria() -> None:
    first, again = (RoeMetz().draw(3, 40, 20, np.random.default_rng(7)) for _ in range(2))
    assert first.values.shape == (1, 3, 60)
    assert first.synthetic.sum() == 20
    assert (first.values == again.values).all()
    assert set(np.unique(first.values)) == {1, 2, 3, 4, 5, 6}
