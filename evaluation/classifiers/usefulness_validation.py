"""`python -m evaluation.classifiers.usefulness_validation`: how often is a difference shown where there is none?

Two arms are simulated again and again: patients with two films each share what every network makes of them, networks of
an arm share what they learned from its films, and each has luck of its own. Beside the test of `difference_of` stands
what DeLong's interval of the difference between the ensembles would say, and the test with all four arms in one model.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from evaluation.classifiers.usefulness_areas import Areas, difference_of, influences
from evaluation.readers import mrmc

RUNS = 500
ARMS, PATIENTS, FILMS_OF_A_PATIENT, PREVALENCE = 4, 150, 2, 0.2
# Standard deviations of what scores are sums of.
OF_PATIENT, OF_FILM, OF_ARM, OF_NETWORK = 0.7, 0.5, 0.3, 0.5
# The expected AUC of a network is Φ of this, whatever its luck: 0.79.
SEPARATION = 0.8
ALPHA = 0.05
HEADER = f"{'seeds':>5} {'luck':>5} {'other':>5} {'gain':>5} {'ours':>6} {'pooled':>6} {'ensemble':>8}"


@dataclass(frozen=True)
class Setting:
    """Seeds; how much networks differ in what they learned, in all arms but the second and there; what that one gains.

    Luck and gain are in the units of the scores and of `SEPARATION`.
    """

    seeds: int
    luck: float
    luck_of_second: float
    gain: float


def shown(setting: Setting, runs: int = RUNS, seed: int = 0) -> tuple[float, float, float]:
    """How often a difference is shown between the first two arms: by ours, by one model of all arms, by ensembles."""
    random = np.random.default_rng(seed)
    ours, pooled, ensemble = np.mean([list(_said(setting, random)) for _ in range(runs)], axis=0)
    return float(ours), float(pooled), float(ensemble)


def _said(setting: Setting, random: np.random.Generator) -> Iterator[bool]:
    films, seeds = PATIENTS * FILMS_OF_A_PATIENT, setting.seeds
    patient_of = np.repeat(np.arange(PATIENTS), FILMS_OF_A_PATIENT)
    has = (np.arange(PATIENTS) < PREVALENCE * PATIENTS)[patient_of]
    base = random.normal(0, OF_PATIENT, PATIENTS)[patient_of] + random.normal(0, OF_FILM, films)
    luck = np.full((ARMS, 1), setting.luck)
    luck[1] = setting.luck_of_second
    of_two_films = 2 * (OF_PATIENT**2 + OF_FILM**2 + OF_ARM**2 + OF_NETWORK**2)
    higher = np.full((ARMS, 1), SEPARATION)
    higher[1] += setting.gain
    separation = higher * np.sqrt(of_two_films + luck**2) + luck * random.normal(size=(ARMS, seeds))
    scores = base + random.normal(0, OF_ARM, (ARMS, 1, films)) + random.normal(0, OF_NETWORK, (ARMS, seeds, films))
    scores = scores + separation[..., None] * has
    scores = np.concatenate([scores, scores.mean(1, keepdims=True)], axis=1)
    estimates, moved = influences(scores.reshape(-1, films), has, patient_of, PATIENTS)
    estimates, moved = estimates.reshape(ARMS, -1), moved.reshape(ARMS, seeds + 1, PATIENTS)
    nothing_drawn = np.zeros((2, seeds + 1))
    first, second = (Areas(estimates[arm], moved[arm], nothing_drawn) for arm in (0, 1))
    ours = difference_of(second, first)
    yield ours["p"] < ALPHA
    single = moved[:, :-1].reshape(-1, PATIENTS)
    pooled = mrmc.compare(estimates[:, :-1], single @ single.T).pairs[0, 1]
    yield (pooled.few_readers or pooled).p < ALPHA
    yield not ours["ensemble"]["delong"]["low"] <= 0 <= ours["ensemble"]["delong"]["high"]


def main() -> None:
    """One line for each setting, which is RUNS simulations."""
    sys.stdout.write(HEADER + "\n")
    for seeds in (2, 3, 5):
        for luck, other in ((0.0, 0.0), (0.1, 0.1), (0.1, 0.3)):
            for gain in (0.0, 0.2):
                ours, pooled, ensemble = shown(Setting(seeds, luck, other, gain))
                sys.stdout.write(f"{seeds:5} {luck:5} {other:5} {gain:5} {ours:6.3f} {pooled:6.3f} {ensemble:8.3f}\n")
                sys.stdout.flush()


if __name__ == "__main__":
    main()
