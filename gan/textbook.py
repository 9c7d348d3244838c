"""A plain progressive GAN as textbooks write it, which `gan.bench` and tests hold the trained networks against.

The same function, parameters by the same names, and nothing fused, laid out or shared: a convolution scales its weight
at each call and adds its bias afterwards, means follow the convolutions that they could be part of, and a step asks the
discriminator for reals, fakes and mixes apart.
"""

from __future__ import annotations

import math
from copy import deepcopy
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from gan.cache import FilmCache
from gan.config import TrainingConfig
from gan.networks import maps, resolutions


class Conv(nn.Module):
    """Convolution whose weight is N(0, 1) and scaled by gain / √fan-in at each call."""

    def __init__(self, inputs: int, outputs: int, kernel: int, gain: float = math.sqrt(2)) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs, kernel, kernel))
        self.bias = nn.Parameter(torch.zeros(outputs))
        self.scale = gain / math.sqrt(inputs * kernel**2)
        self.padding = kernel // 2

    def forward(self, x: Tensor) -> Tensor:
        x = F.conv2d(x, self.weight * self.scale, padding=self.padding)
        return x + self.bias.reshape(1, -1, 1, 1)


class Dense(nn.Module):
    """Dense layer whose weight is N(0, 1) and scaled by gain / √fan-in at each call."""

    def __init__(self, inputs: int, outputs: int, gain: float = math.sqrt(2)) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs))
        self.bias = nn.Parameter(torch.zeros(outputs))
        self.scale = gain / math.sqrt(inputs)

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(x, self.weight * self.scale) + self.bias


def pixel_norm(x: Tensor) -> Tensor:
    return x / torch.sqrt(torch.mean(x**2, dim=1, keepdim=True) + 1e-8)


def leaky(x: Tensor) -> Tensor:
    return F.leaky_relu(x, 0.2)


def doubled(x: Tensor) -> Tensor:
    return F.interpolate(x, scale_factor=2, mode="nearest")


def minibatch_std(x: Tensor) -> Tensor:
    """Append the mean standard deviation of groups of four, strided through the batch, to each of its members."""
    n, channels, height, width = x.shape
    groups = x.reshape(4, n // 4, channels, height, width)
    centred = groups - groups.mean(dim=0, keepdim=True)
    deviation = torch.sqrt(torch.mean(centred**2, dim=0) + 1e-8).mean(dim=(1, 2, 3))
    return torch.cat([x, deviation.repeat(4).reshape(n, 1, 1, 1).expand(n, 1, height, width)], dim=1)


class Generator(nn.Module):
    """Latents of shape (N, latent) to films of shape (N, 1, resolution, resolution)."""

    def __init__(self, resolution: int, latent: int = 512, fmap_base: int = 8192, fmap_max: int = 512) -> None:
        super().__init__()
        self.resolutions = resolutions(resolution)
        width = [maps(r, fmap_base, fmap_max) for r in self.resolutions]
        self.dense = Dense(latent, width[0] * 16, gain=math.sqrt(2) / 4)
        self.dense.bias = nn.Parameter(torch.zeros(width[0]))
        self.first = Conv(width[0], width[0], 3)
        self.blocks = nn.ModuleList(nn.Sequential(Conv(a, b, 3), Conv(b, b, 3)) for a, b in pairwise(width))
        self.to_film = nn.ModuleList(Conv(w, 1, 1, gain=1) for w in width)

    def forward(self, latents: Tensor, resolution: int, alpha: float = 1.0) -> Tensor:
        stage = self.resolutions.index(resolution)
        x = F.linear(pixel_norm(latents), self.dense.weight * self.dense.scale)
        x = x.reshape(len(x), -1, 4, 4) + self.dense.bias.reshape(1, -1, 1, 1)
        x = pixel_norm(leaky(x))
        x = before = pixel_norm(leaky(self.first(x)))
        for block in list(self.blocks)[:stage]:
            before = x
            x = doubled(x)
            for layer in block:  # type: ignore[attr-defined]
                x = pixel_norm(leaky(layer(x)))
        film: Tensor = self.to_film[stage](x)
        if alpha < 1 and stage > 0:
            film = (1 - alpha) * doubled(self.to_film[stage - 1](before)) + alpha * film
        return film


class Discriminator(nn.Module):
    """Films of shape (N, 1, resolution, resolution) to scores of shape (N,)."""

    def __init__(self, resolution: int, fmap_base: int = 8192, fmap_max: int = 512) -> None:
        super().__init__()
        self.resolutions = resolutions(resolution)
        width = [maps(r, fmap_base, fmap_max) for r in self.resolutions]
        self.from_film = nn.ModuleList(Conv(1, w, 1) for w in width)
        self.blocks = nn.ModuleList(nn.Sequential(Conv(b, b, 3), Conv(b, a, 3)) for a, b in pairwise(width))
        self.last = Conv(width[0] + 1, width[0], 3)
        self.dense = Dense(width[0] * 16, width[0])
        self.score = Dense(width[0], 1, gain=1)

    def forward(self, films: Tensor, resolution: int, alpha: float = 1.0) -> Tensor:
        stage = self.resolutions.index(resolution)
        x = leaky(self.from_film[stage](films))
        for index in reversed(range(stage)):
            first, second = self.blocks[index].children()
            x = leaky(first(x))
            # As with a fused convolution, the mean comes before the activation.
            x = leaky(F.avg_pool2d(second(x), 2))
            if index == stage - 1 and alpha < 1:
                x = (1 - alpha) * leaky(self.from_film[index](F.avg_pool2d(films, 2))) + alpha * x
        x = leaky(self.last(minibatch_std(x)))
        x = leaky(self.dense(x.flatten(1)))
        score: Tensor = self.score(x)
        return score.squeeze(1)


class TextbookTraining:
    """WGAN-GP in every step, at the largest resolution and with its fade complete."""

    def __init__(self, config: TrainingConfig, cache: FilmCache) -> None:
        self.config, self.cache = config, cache
        torch.manual_seed(config.seed)
        self.random = np.random.default_rng(config.seed)
        self.G = Generator(config.resolution, config.latent, config.fmap_base, config.fmap_max)
        self.D = Discriminator(config.resolution, config.fmap_base, config.fmap_max)
        self.average = deepcopy(self.G).requires_grad_(False)
        self.optimiser_g, self.optimiser_d = (
            torch.optim.Adam(network.parameters(), lr=config.rate, betas=(0.0, config.beta2), eps=config.epsilon)
            for network in (self.G, self.D)
        )

    def step(self) -> None:
        config, resolution = self.config, self.config.resolution
        batch = config.batch(resolution)
        reals = self.cache.films(self.random.permutation(len(self.cache))[:batch], resolution)

        fakes = self.G(torch.randn(batch, config.latent), resolution).detach()
        on_reals, on_fakes = self.D(reals, resolution), self.D(fakes, resolution)
        mix = torch.rand(batch, 1, 1, 1)
        mixed = (mix * fakes + (1 - mix) * reals).requires_grad_()
        (gradient,) = torch.autograd.grad(self.D(mixed, resolution).sum(), mixed, create_graph=True)
        penalty = ((gradient.flatten(1).norm(dim=1) - 1) ** 2).mean()
        loss = on_fakes.mean() - on_reals.mean() + config.drift * (on_reals**2).mean()
        loss = loss + config.gradient_penalty * penalty
        self.optimiser_d.zero_grad()
        loss.backward()
        self.optimiser_d.step()

        loss = -self.D(self.G(torch.randn(batch, config.latent), resolution), resolution).mean()
        self.optimiser_g.zero_grad()
        loss.backward()
        self.optimiser_g.step()
        with torch.no_grad():
            for average, weight in zip(self.average.parameters(), self.G.parameters(), strict=True):
                average.copy_(0.999 * average + 0.001 * weight)
