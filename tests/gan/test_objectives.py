"""One call of the discriminator for reals and fakes is what two calls are."""

from __future__ import annotations

import pytest
import torch

from gan.networks import Discriminator
from gan.objectives import r1, r1_weight, scores_of_both
from gan.schedule import Phase
from tests.gan.made import small_config


@pytest.mark.parametrize("films", [4, 8, 12, 3, 6])
def test_reals_and_fakes_in_one_call_score_as_in_two(films: int) -> None:
    """The standard deviation over groups would give it away: reals and fakes have very different ones."""
    torch.manual_seed(0)
    D = Discriminator(8, 16, 8)
    reals, fakes = torch.randn(films, 1, 8, 8), 0.01 * torch.randn(films, 1, 8, 8)
    on_reals, on_fakes = scores_of_both(D, reals, fakes, Phase(8, 0.3))
    assert torch.allclose(on_reals, D(reals, 8, 0.3), atol=1e-6)
    assert torch.allclose(on_fakes, D(fakes, 8, 0.3), atol=1e-6)


def test_r1_of_a_quadratic_score_is_known() -> None:
    """The gradient of Σ x² / 2 is x, so R1 is the mean of Σ x²."""
    films = torch.tensor([[1.0, 2.0], [0.0, 3.0]]).reshape(2, 1, 1, 2).requires_grad_()
    assert r1(films.square().sum(dim=(1, 2, 3)) / 2, films).item() == pytest.approx((5 + 9) / 2)


def test_the_weight_of_r1_follows_the_resolution_and_the_batch_unless_it_is_given() -> None:
    """γ = 0.0002 · 64² / 16 = 0.0512; half of it in each of 16 steps is 0.4096 in one of them."""
    sizes = tuple((2**k, 16) for k in range(2, 7))
    assert r1_weight(small_config(resolution=64, minibatch=sizes), 64) == pytest.approx(0.4096)
    assert r1_weight(small_config(resolution=64, minibatch=sizes, r1_gamma=2.0, r1_interval=4), 64) == 4
