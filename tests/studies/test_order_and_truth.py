"""Neither the order in which readers see films nor the ids and codes of rows have to do with truth.

Permutation tests over many readers' orders. All random sources are seeded, so that a test always sees the same orders.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from scipy.stats import monte_carlo_test, permutation_test

from readerstudy.studies import services
from readerstudy.studies.models import CaseTruth, Slot, Study
from tests.studies.films import ACTOR, two_arms

pytestmark = [pytest.mark.database, pytest.mark.django_db]

FILMS = 30
READERS = 40
RESAMPLES = 999
Truth = npt.NDArray[np.float64]
"""1 for a synthetic film and 0 for a real one, of shape (…, readers, positions)."""


@pytest.fixture
def study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Study:
    """30 real films and 30 synthetic ones."""
    source = Random(60)
    codes = lambda size: base64.urlsafe_b64encode(source.randbytes(size)).rstrip(b"=").decode()  # noqa: E731
    monkeypatch.setattr("secrets.token_urlsafe", codes)
    monkeypatch.setattr(services, "SystemRandom", lambda: source)
    return services.freeze_study(study=two_arms(tmp_path, films=FILMS), actor=ACTOR)


def orders(study: Study) -> Truth:
    """The truth at each position, of many readers."""
    synthetic = dict(CaseTruth.objects.filter(study=study).values_list("case", "arm__role"))
    rows = []
    for _ in range(READERS):
        reader, _token = services.invite_reader(study=study, actor=ACTOR)
        cases = Slot.objects.for_reader(reader).in_order().values_list("case", flat=True)
        rows.append([synthetic[case] == "generator" for case in cases])
    return np.array(rows, dtype=np.float64)


# Each statistic is large where order has to do with truth.


def drift(truth: Truth) -> Any:
    """Synthetic films come rather early, or rather late."""
    positions = np.linspace(-1, 1, truth.shape[-1])
    return np.abs((truth @ positions).mean(axis=-1))


def places(truth: Truth) -> Any:
    """At some positions most readers see the same."""
    return ((truth.mean(axis=-2) - 0.5) ** 2).sum(axis=-1)


def neighbours(truth: Truth) -> Any:
    """Films follow films of their kind more often, or more seldom, than by chance."""
    films = truth.shape[-1]
    alike = (truth[..., 1:] == truth[..., :-1]).mean(axis=(-1, -2))
    return np.abs(alike - (films / 2 - 1) / (films - 1))


STATISTICS = [drift, places, neighbours]


def p_value(statistic: Callable[[Truth], Any], truth: Truth) -> float:
    """The share of orders, each reader's shuffled anew, in which the statistic is as large as it is."""
    random = np.random.default_rng(1)

    def shuffled(size: tuple[int, int]) -> Truth:
        return random.permuted(np.broadcast_to(truth, (size[0], *truth.shape)), axis=-1).reshape(size)

    def of_flat(flat: npt.NDArray, axis: int) -> Any:
        assert axis == -1
        return statistic(flat.reshape(*flat.shape[:-1], *truth.shape))

    return monte_carlo_test(
        truth.ravel(), shuffled, of_flat, vectorized=True, n_resamples=RESAMPLES, batch=100, alternative="greater"
    ).pvalue


def test_position_says_nothing_of_truth(study: Study) -> None:
    truth = orders(study)
    assert truth.shape == (READERS, 2 * FILMS)
    assert (truth.sum(axis=1) == FILMS).all()
    assert len(np.unique(truth, axis=0)) == READERS
    assert {statistic.__name__: p_value(statistic, truth) > 0.01 for statistic in STATISTICS} == {
        "drift": True,
        "places": True,
        "neighbours": True,
    }


@pytest.mark.parametrize(
    ("order", "seen_by"),
    [
        (lambda random: np.repeat([0, 1], FILMS), {"drift", "places", "neighbours"}),
        (lambda random: np.tile([0, 1], FILMS), {"places", "neighbours"}),
        (lambda random: np.roll(np.repeat([0, 1], FILMS), random.integers(2 * FILMS)), {"neighbours"}),
        (lambda random: np.concatenate([[1], random.permutation(np.repeat([0, 1], [FILMS, FILMS - 1]))]), {"places"}),
        # A chance of 60 in 100 for the kind whose half of the study it is.
        (lambda random: np.argsort(np.argsort(random.normal(np.repeat([0, 0.35], FILMS)))) >= FILMS, {"drift"}),
    ],
    ids=["one arm first", "in turn", "in one block", "the same kind first", "slightly later"],
)
def test_an_order_that_has_to_do_with_truth_is_seen(order: Callable[[Any], Any], seen_by: set[str]) -> None:
    random = np.random.default_rng(2)
    truth = np.array([order(random) for _ in range(READERS)], dtype=np.float64)
    found = {statistic.__name__ for statistic in STATISTICS if p_value(statistic, truth) <= 0.005}
    assert seen_by <= found


def unrelated(ranks: list[Any], synthetic: list[bool]) -> bool:
    """Whether sorting by `ranks` leaves real and synthetic mixed, by a permutation test on the sum of ranks."""
    order = np.argsort(np.argsort(ranks)).astype(np.float64)
    truth = np.array(synthetic, dtype=np.float64)

    def statistic(shuffled: npt.NDArray, axis: int) -> Any:
        return np.abs(((shuffled - 0.5) * (order - order.mean())).sum(axis=axis))

    result = permutation_test(
        (truth,),
        statistic,
        permutation_type="pairings",
        vectorized=True,
        n_resamples=RESAMPLES,
        alternative="greater",
        rng=np.random.default_rng(3),
    )
    return bool(result.pvalue > 0.01)


def test_ids_and_codes_say_nothing_of_truth(study: Study) -> None:
    services.invite_reader(study=study, actor=ACTOR)
    rows = list(
        CaseTruth.objects.filter(study=study)
        .select_related("case", "arm")
        .prefetch_related("case__slots")
        .order_by("radiograph")
    )
    synthetic = [row.arm.role == "generator" for row in rows]
    assert unrelated([row.case_id for row in rows], synthetic)
    assert unrelated([row.case.code for row in rows], synthetic)
    assert unrelated([slot.pk for row in rows for slot in row.case.slots.all()], synthetic)
    assert unrelated([slot.code for row in rows for slot in row.case.slots.all()], synthetic)
    # The row of the truth itself: its id must not lead to the case.
    assert unrelated([row.pk for row in rows], [row.case_id > np.median([r.case_id for r in rows]) for row in rows])
    # Films came into the archive arm by arm: their ids do tell, so the test can see.
    assert not unrelated([row.radiograph_id for row in rows], synthetic)
