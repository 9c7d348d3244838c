"""The two networks against their definition in the paper and the authors' code."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
import torch
from scipy import stats
from torch import Tensor, nn
from torch.nn import functional as F

from gan.networks import (
    Discriminator,
    EqualisedConv,
    EqualisedLinear,
    Generator,
    convolved,
    enlarged,
    halved,
    maps,
    minibatch_std,
    pixel_norm,
    resolutions,
)
from gan.objectives import faded, gradient_penalty
from gan.schedule import Phase
from tests.gan.reference import drawn, scored, with_deviation

TABLE = {4: 512, 8: 512, 16: 512, 32: 512, 64: 256, 128: 128, 256: 64, 512: 32, 1024: 16}


def both(resolution: int = 64) -> tuple[Generator, Discriminator]:
    """Small networks whose every parameter, biases too, is random."""
    torch.manual_seed(3)
    networks = Generator(resolution, 6, 64, 8), Discriminator(resolution, 64, 8)
    for network in networks:
        for parameter in network.parameters():
            nn.init.normal_(parameter)
    return networks


def weights_of(network: nn.Module) -> dict[str, np.ndarray]:
    return {name: value.double().numpy() for name, value in network.state_dict().items()}


def films(count: int = 8, side: int = 16) -> Tensor:
    return torch.rand(count, 1, side, side, generator=torch.Generator().manual_seed(1)) * 2 - 1


def latents(count: int = 3) -> Tensor:
    return torch.randn(count, 6, generator=torch.Generator().manual_seed(2))


def parameters(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


def test_the_channels_are_those_of_the_paper() -> None:
    assert {size: maps(size, 8192, 512) for size in resolutions(1024)} == TABLE


@pytest.mark.parametrize("size", [0, 2, 6, 48, -4])
def test_a_resolution_is_a_power_of_two(size: int) -> None:
    with pytest.raises(ValueError, match=f"not {size}"):
        resolutions(size)


def test_at_full_size_the_networks_have_the_published_numbers_of_parameters() -> None:
    with torch.device("meta"):
        G, D = Generator(1024), Discriminator(1024)
    steps = list(pairwise(TABLE.values()))
    trunk_of_G = (
        512 * 16 * 512  # the dense layer, from the latent to 4 × 4
        + 512  # and its bias, one a map
        + (9 * 512 * 512 + 512)
        + sum((9 * a * b + b) + (9 * b * b + b) for a, b in steps)
    )
    trunk_of_D = (
        sum((9 * b * b + b) + (9 * b * a + a) for a, b in steps)
        + (9 * 513 * 512 + 512)  # with the map of standard deviations
        + (512 * 16 * 512 + 512)
        + (512 + 1)
    )
    # Of one channel, with a head at all nine resolutions.
    assert parameters(G) == trunk_of_G + sum(w + 1 for w in TABLE.values()) == 23_074_009
    assert parameters(D) == trunk_of_D + sum(w + w for w in TABLE.values()) == 23_082_161
    # The paper's networks see three channels; the same trunks with such heads have the numbers of its code.
    assert trunk_of_G + sum(3 * w + 3 for w in TABLE.values()) == 23_079_115
    assert trunk_of_D + sum(3 * w + w for w in TABLE.values()) == 23_087_249


@pytest.mark.parametrize("network", [Generator(32, 32, 512, 32), Discriminator(32, 512, 32)])
def test_weights_begin_as_standard_normal_and_biases_at_zero(network: nn.Module) -> None:
    for name, parameter in network.named_parameters():
        if name.endswith("bias"):
            assert not parameter.any()
        elif parameter.numel() > 1000:
            assert stats.kstest(parameter.detach().flatten().numpy(), "norm").pvalue > 1e-6


def test_the_weight_is_scaled_at_run_time_and_the_bias_is_not() -> None:
    layer = EqualisedConv(3, 5, 3)
    nn.init.constant_(layer.weight, 1.0)
    nn.init.constant_(layer.bias, 7.0)
    impulse = torch.zeros(1, 3, 5, 5)
    impulse[0, 1, 2, 2] = 1
    answer = layer(impulse)
    assert torch.allclose(answer[..., 1:4, 1:4], torch.tensor(7 + math.sqrt(2 / 27)))
    assert torch.equal(answer[..., 0, :], torch.full((1, 5, 5), 7.0))
    dense = EqualisedLinear(4, 1, gain=1)
    nn.init.constant_(dense.weight, 1.0)
    nn.init.constant_(dense.bias, 7.0)
    assert torch.allclose(dense(torch.ones(1, 4)), torch.tensor(4 / math.sqrt(4) + 7))


def test_pixel_norm_leaves_a_root_mean_square_of_one_at_each_position() -> None:
    x = torch.randn(2, 16, 3, 3) * 5
    normed = pixel_norm(x)
    assert torch.allclose(normed.square().mean(dim=1), torch.ones(2, 3, 3), atol=1e-5)
    assert torch.allclose(normed / normed[:, :1], x / x[:, :1], rtol=1e-4)
    assert not pixel_norm(torch.zeros(1, 4)).any()


def test_pixel_norm_has_the_epsilon_of_the_paper() -> None:
    # A root mean square of 1e-4 has a square of 1e-8, so the sum under the root is 2e-8.
    assert torch.allclose(pixel_norm(torch.full((1, 4), 1e-4)), torch.tensor(math.sqrt(0.5)))


@pytest.mark.parametrize("films", [1, 3, 4, 6, 12, 14, 16])
def test_the_deviation_of_a_minibatch_is_that_of_the_definition(films: int) -> None:
    x = torch.randn(films, 5, 4, 4, generator=torch.Generator().manual_seed(0))
    assert np.allclose(minibatch_std(x).numpy(), with_deviation(x.double().numpy()), atol=1e-5)


def test_groups_of_four_are_strided_through_the_batch() -> None:
    # Every second film is black or white in turn, the others are grey: one group varies, the other does not.
    x = torch.tensor([1.0, 0, -1, 0, 1, 0, -1, 0]).reshape(8, 1, 1, 1).expand(8, 2, 4, 4)
    column = minibatch_std(x)[:, 2, 0, 0]
    # The biased deviation of 1, -1, 1, -1 is one; of four equals, the root of epsilon.
    assert torch.allclose(column, torch.tensor([1.0, 1e-4] * 4))


def test_norm_and_deviation_keep_single_precision_where_autocast_takes_half() -> None:
    """They are as near as one rounding to eight bits at their end allows."""
    random = torch.Generator().manual_seed(0)
    close, scattered = (
        100 + torch.randint(0, 2, (8, 64, 4, 4), generator=random) / 2,
        torch.randn(8, 64, 4, 4, generator=random),
    )
    for function, x in ((pixel_norm, scattered.bfloat16()), (minibatch_std, close.bfloat16())):
        exact = function(x.double())
        assert ((function(x) - exact).abs() <= 2**-8 * exact.abs()).all()


def test_a_film_is_mixed_in_single_precision_where_autocast_takes_half() -> None:
    G, _ = both()
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        begin, half, end = (G(latents(), 64, alpha) for alpha in (0.0, 0.5, 1.0))
    assert half.dtype == torch.float32
    assert torch.allclose(half, (begin + end) / 2, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("side", [8, 64])
def test_halving_is_a_convolution_and_then_a_mean_and_enlarging_comes_before_it(side: int) -> None:
    x = torch.randn(2, 4, side, side)
    halving, enlarging = EqualisedConv(4, 6, 3, halving=True), EqualisedConv(4, 6, 3, enlarging=True)
    for layer in (halving, enlarging):
        nn.init.normal_(layer.bias)
    plain = F.avg_pool2d(F.conv2d(x, halving.weight * math.sqrt(2 / 36), halving.bias, padding=1), 2)
    assert torch.allclose(halving(x), plain, atol=1e-5)
    larger = x.repeat_interleave(2, dim=2).repeat_interleave(2, dim=3)
    plain = F.conv2d(larger, enlarging.weight * math.sqrt(2 / 36), enlarging.bias, padding=1)
    assert torch.allclose(enlarging(x), plain, atol=1e-5)


@pytest.mark.parametrize(
    ("stage", "alpha"), [(0, 1.0), (1, 0.3), (1, 1.0), (2, 0.0), (2, 0.7), (3, 0.3), (4, 0.7), (4, 1.0)]
)
def test_both_networks_compute_what_the_paper_says(stage: int, alpha: float) -> None:
    G, D = both()
    shown = films(8, 4 * 2**stage)
    with torch.no_grad():
        film, score = G(latents(), 4 * 2**stage, alpha), D(shown, 4 * 2**stage, alpha)
    assert np.allclose(film.numpy(), drawn(latents().double().numpy(), weights_of(G), stage, alpha), atol=1e-4)
    expected = scored(shown.double().numpy(), weights_of(D), stage, alpha)
    assert np.allclose(score.numpy(), expected, rtol=1e-4, atol=1e-4)


def test_a_fade_begins_at_the_lower_resolution_and_ends_at_its_own() -> None:
    G, D = both()
    z, x = latents(), films()
    with torch.no_grad():
        for size in (8, 16, 32, 64):
            shown = films(side=size)
            assert torch.equal(G(z, size, 0.0), enlarged(G(z, size // 2)))
            assert torch.equal(G(z, size, 1.0), G(z, size))
            assert torch.allclose(D(shown, size, 0.0), D(halved(shown), size // 2), atol=1e-5)
            assert torch.equal(D(shown, size, 1.0), D(shown, size))
        # Without a jump at either end.
        for near, end in ((1e-5, 0.0), (1 - 1e-5, 1.0)):
            assert torch.allclose(G(z, 16, near), G(z, 16, end), atol=1e-3)
            assert torch.allclose(D(x, 16, near), D(x, 16, end), rtol=1e-3, atol=1e-2)


@pytest.mark.parametrize("alpha", [0.0, 0.25, 1.0])
def test_real_films_are_faded_like_drawn_ones(alpha: float) -> None:
    x = films(3, 8)
    values = x.double().numpy()
    coarse = np.kron(values.reshape(3, 1, 4, 2, 4, 2).mean(axis=(3, 5)), np.ones((2, 2)))
    assert np.allclose(faded(x, alpha).numpy(), alpha * values + (1 - alpha) * coarse, atol=1e-6)


def a_discriminator(resolution: int) -> Discriminator:
    """In double precision, so that differences tell a derivative."""
    return both(resolution)[1].double()


@pytest.mark.parametrize("phase", [Phase(4, 1.0), Phase(8, 0.4), Phase(8, 1.0)])
def test_the_penalty_is_that_of_the_slopes_that_finite_differences_find(phase: Phase) -> None:
    D, x, step = a_discriminator(8), films(4, phase.resolution).double(), 1e-6
    slopes = torch.zeros_like(x)
    # The score of any film depends on all of a minibatch, so it is the sum of scores that has the slope.
    with torch.no_grad():
        for index in np.ndindex(*x.shape):
            change = torch.zeros_like(x)
            change[index] = step
            slopes[index] = (D(x + change, *_at(phase)) - D(x - change, *_at(phase))).sum() / (2 * step)
    expected = (slopes.square().sum(dim=(1, 2, 3)).sqrt() - 1).square().mean()
    assert gradient_penalty(D, x, phase).item() == pytest.approx(expected.item(), rel=1e-5)


@pytest.mark.parametrize("phase", [Phase(8, 0.4), Phase(32, 0.6), Phase(64, 1.0)])
def test_the_penalty_moves_every_weight_as_finite_differences_say(phase: Phase) -> None:
    D, x, step = a_discriminator(64), films(4, phase.resolution).double(), 1e-6
    gradient_penalty(D, x, phase).backward()
    random = torch.Generator().manual_seed(5)
    for name, weight in D.named_parameters():
        if weight.grad is None:
            continue
        direction = torch.randn(weight.shape, generator=random, dtype=torch.float64)
        before = weight.detach().clone()
        values = []
        for sign in (1, -1):
            weight.data = before + sign * step * direction
            values.append(gradient_penalty(D, x, phase).item())
        weight.data = before
        slope = (values[0] - values[1]) / (2 * step)
        assert float((weight.grad * direction).sum()) == pytest.approx(slope, rel=1e-4, abs=1e-6), name


def test_a_gradient_of_a_gradient_is_refused_but_for_films() -> None:
    x, weight, bias = torch.ones(1, 2, 4, 4), torch.ones(3, 2, 3, 3, requires_grad=True), torch.zeros(3)
    with pytest.raises(RuntimeError, match="not have been used"):
        torch.autograd.grad(convolved(x, weight, bias).sum(), weight, create_graph=True)


def _at(phase: Phase) -> tuple[int, float]:
    return phase.resolution, phase.alpha
