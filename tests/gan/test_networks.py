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
    enlarged,
    halved,
    maps,
    minibatch_std,
    pixel_norm,
    resolutions,
)
from gan.training import faded
from tests.gan.reference import drawn, scored, with_deviation

TABLE = {4: 512, 8: 512, 16: 512, 32: 512, 64: 256, 128: 128, 256: 64, 512: 32, 1024: 16}


def both(resolution: int = 16) -> tuple[Generator, Discriminator]:
    """Small networks whose every parameter, biases too, is random."""
    torch.manual_seed(3)
    networks = Generator(resolution, 6, 32, 8), Discriminator(resolution, 32, 8)
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


def test_the_deviation_of_a_minibatch_is_that_of_the_definition() -> None:
    x = torch.randn(12, 5, 4, 4, generator=torch.Generator().manual_seed(0))
    assert np.allclose(minibatch_std(x).numpy(), with_deviation(x.double().numpy()), atol=1e-5)


def test_a_batch_of_equals_has_hardly_any_deviation_and_uneven_groups_are_refused() -> None:
    assert torch.allclose(minibatch_std(torch.ones(8, 2, 4, 4))[:, 2], torch.tensor(1e-4))
    with pytest.raises(ValueError, match="minibatch of 6 does not divide into groups of 4"):
        minibatch_std(torch.ones(6, 2, 4, 4))


def test_fused_downsampling_is_a_convolution_and_then_a_mean() -> None:
    fused = EqualisedConv(4, 6, 3, down=True)
    nn.init.normal_(fused.bias)
    x = torch.randn(2, 4, 8, 8)
    plain = F.avg_pool2d(F.conv2d(x, fused.weight * math.sqrt(2 / 36), fused.bias, padding=1), 2)
    assert torch.allclose(fused(x), plain, atol=1e-5)


@pytest.mark.parametrize(("stage", "alpha"), [(0, 1.0), (1, 0.3), (1, 1.0), (2, 0.0), (2, 0.7), (2, 1.0)])
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
        for size in (8, 16):
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
