"""Rating data by Roe and Metz's model: drawn for studies that nobody has read, and what they are on average.

The model is that of Roe and Metz (Acad Radiol 1997;4:298–303) for one modality, cut into ratings. What reader r sees in
film c is x = μ + C + E, where μ is 0 for a real film and the reader's d′ for a synthetic one, C is the film's own look
(the same to all readers) and E is what this reader sees in this film; the variances of C and E add up to 1. Readers
differ in d′, in where they lay the middle of the scale and in how far they spread it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache

import numpy as np
from scipy.optimize import brentq
from scipy.special import ndtr

from evaluation.readers.ratings import ONE_MODALITY, Floats, Ratings

# Of normal effects by Gauss-Hermite quadrature: readers' skill, their bias and spread, films' looks.
SKILL_NODES, HABIT_NODES, FILM_NODES = 15, 7, 21
GREATEST_D_PRIME = 8.0


@dataclass(frozen=True, slots=True)
class Variances:
    """What makes readers' AUCs vary, in Obuchowski and Rockette's words.

    `reader`: between readers, were their films without number (σ²_R). `error`: of one reader's AUC through the films
    (σ²_ε). `covariance`: of two readers' AUCs through having read the same films (Cov2).
    """

    reader: float
    error: float
    covariance: float


@dataclass(frozen=True, eq=False)
class Readers:
    """Drawn readers: how far `skill` lies from the mean d′, shape (readers,), and their `criteria`, (readers, cuts)."""

    skill: Floats
    criteria: Floats


@dataclass(frozen=True)
class RoeMetz:
    """The parameters of the model, in standard deviations of what one reader sees in films of one truth.

    `case_correlation`, from 0 to below 1, is the variance of the films' looks: how far two readers agree on a film.
    `criteria` stand around the middle between both means, and there is one rating more than criteria. `bias_sd` moves
    and `spread_sd` stretches them (by a log-normal factor) from reader to reader; both are this project's choice.
    """

    d_prime: float = 0.0
    reader_sd: float = 0.15
    case_correlation: float = 0.15
    bias_sd: float = 0.25
    spread_sd: float = 0.2
    criteria: tuple[float, ...] = (-1.0, -0.45, 0.0, 0.45, 1.0)

    def __post_init__(self) -> None:
        if not (min(self.reader_sd, self.bias_sd, self.spread_sd) >= 0 and 0 <= self.case_correlation < 1):
            raise ValueError("A model of readers needs spreads of at least 0 and a correlation from 0 to below 1.")

    def with_area(self, area: float) -> RoeMetz:
        """The same readers and films at the d′ that gives readers this mean AUC. Raises ValueError where none does."""
        if not self._at(-GREATEST_D_PRIME).mean_area() < area < self._at(GREATEST_D_PRIME).mean_area():
            raise ValueError(f"No d′ gives these readers a mean AUC of {area:g}.")
        found = brentq(
            lambda d_prime: self._at(d_prime).mean_area() - area, -GREATEST_D_PRIME, GREATEST_D_PRIME, xtol=1e-10
        )
        return self._at(float(found))

    def _at(self, d_prime: float) -> RoeMetz:
        return replace(self, d_prime=d_prime)

    # Drawn

    def readers(self, count: int, random: np.random.Generator) -> Readers:
        """Draw readers."""
        skill = random.normal(0, self.reader_sd, count)
        bias = random.normal(0, self.bias_sd, count)
        return Readers(skill, self._criteria(skill, bias, random.normal(0, self.spread_sd, count)))

    def draw(self, readers: int, real: int, synthetic: int, random: np.random.Generator) -> Ratings:
        """One study in which every reader rates every film once, on a scale from 1."""
        truth = np.repeat([False, True], [real, synthetic])
        drawn = self.readers(readers, random)
        looks = random.normal(0, np.sqrt(self.case_correlation), len(truth))
        seen = looks + random.normal(0, np.sqrt(1 - self.case_correlation), (readers, len(truth)))
        seen += np.outer(self.d_prime + drawn.skill, truth)
        values = 1.0 + (seen[:, :, None] > drawn.criteria[:, None, :]).sum(2)
        names = tuple(str(number) for number in range(1, readers + 1))
        return Ratings((ONE_MODALITY,), names, tuple(str(film) for film in range(len(truth))), values[None], truth)

    def _criteria(self, skill: Floats, bias: Floats, log_spread: Floats) -> Floats:
        middle = (self.d_prime + skill) / 2 + bias
        return middle[:, None] + np.exp(log_spread)[:, None] * np.array(self.criteria)

    # On average

    def mean_area(self) -> float:
        """The mean over all possible readers of the AUC that each would have with films without number."""
        weights, of_synthetic, of_real = self._shares()
        return float(weights @ _areas(_over_films(of_synthetic), _over_films(of_real)))

    def variances(self, real: int, synthetic: int) -> Variances:
        """The variances of AUCs with so many films, without drawing any.

        The AUC is a mean over pairs of a synthetic and a real film, so its variance follows from the mean products of
        two pairs that share both films, one or none; given the films' looks, readers are independent of each other.
        (Hillis, Stat Med 2018;37:2067–2093, has the same for ratings without steps.)
        """
        weights, of_synthetic, of_real = self._shares()
        marginal_synthetic, marginal_real = _over_films(of_synthetic), _over_films(of_real)
        wins = _wins(of_real.shape[2])
        areas = _areas(marginal_synthetic, marginal_real)
        of_one_reader = (
            weights @ np.einsum("rk,kl,rl->r", marginal_synthetic, wins**2, marginal_real),
            weights @ (marginal_synthetic * (marginal_real @ wins.T) ** 2).sum(1),
            weights @ (marginal_real * (marginal_synthetic @ wins) ** 2).sum(1),
            float(weights @ areas**2),
        )
        # What a reader, no matter which, wins with films of two given looks.
        won = np.einsum("r,rfk,kl,rgl->fg", weights, of_synthetic, wins, of_real, optimize=True)
        _, films = _normal(FILM_NODES)
        area = float(weights @ areas)
        of_two_readers = films @ won**2 @ films, films @ (won @ films) ** 2, films @ (films @ won) ** 2, area**2
        return Variances(
            reader=float(weights @ (areas - area) ** 2),
            error=_variance_of_mean(*of_one_reader, synthetic, real),
            covariance=_variance_of_mean(*of_two_readers, synthetic, real),
        )

    def _shares(self) -> tuple[Floats, Floats, Floats]:
        """How often readers give each rating to synthetic and to real films of each look.

        Weights of the readers, shape (readers,), and two arrays of shape (readers, looks, ratings).
        """
        skill, bias, spread, weights = self._reader_nodes()
        criteria = self._criteria(skill, bias, spread)
        looks = np.sqrt(self.case_correlation) * _normal(FILM_NODES)[0]
        rest = np.sqrt(1 - self.case_correlation)

        def shares(means: Floats) -> Floats:
            below = ndtr((criteria[:, None, :] - means[:, None, None] - looks[:, None]) / rest)
            return np.diff(below, axis=2, prepend=0.0, append=1.0)

        return weights, shares(self.d_prime + skill), shares(np.zeros_like(skill))

    def _reader_nodes(self) -> tuple[Floats, Floats, Floats, Floats]:
        skill, of_skill = _normal(SKILL_NODES if self.reader_sd else 1)
        bias, of_bias = _normal(HABIT_NODES if self.bias_sd else 1)
        spread, of_spread = _normal(HABIT_NODES if self.spread_sd else 1)
        grid = np.meshgrid(skill * self.reader_sd, bias * self.bias_sd, spread * self.spread_sd, indexing="ij")
        weights = np.einsum("i,j,k->ijk", of_skill, of_bias, of_spread)
        return grid[0].ravel(), grid[1].ravel(), grid[2].ravel(), weights.ravel()


@cache
def _normal(nodes: int) -> tuple[Floats, Floats]:
    """Nodes and weights whose sums are means over a standard normal distribution."""
    points, weights = np.polynomial.hermite_e.hermegauss(nodes)
    return points, weights / weights.sum()


def _over_films(shares: Floats) -> Floats:
    """Shares of ratings over films of all looks: from shape (readers, looks, ratings) to (readers, ratings)."""
    return np.einsum("rfk,f->rk", shares, _normal(FILM_NODES)[1])


def _wins(ratings: int) -> Floats:
    """What a synthetic film's rating (down) wins against a real film's (across): 1 above it, ½ at a tie."""
    rating = np.arange(ratings)
    return (rating[:, None] > rating) + 0.5 * (rating[:, None] == rating)


def _areas(of_synthetic: Floats, of_real: Floats) -> Floats:
    """Every reader's AUC from the shares of ratings, of shape (readers, ratings)."""
    return np.einsum("rk,kl,rl->r", of_synthetic, _wins(of_real.shape[1]), of_real)


def _variance_of_mean(
    both: float, same_synthetic: float, same_real: float, apart: float, synthetic: int, real: int
) -> float:
    """Of a mean over all pairs of films, from mean products of two pairs by what they share (Hoeffding, 1948)."""
    by_synthetic, by_real = (real - 1) * (same_synthetic - apart), (synthetic - 1) * (same_real - apart)
    return float((both - apart + by_synthetic + by_real) / (synthetic * real))
