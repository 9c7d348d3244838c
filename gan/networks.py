"""The two networks of progressive growing (Karras et al. 2018, table 2 and appendix A), and nothing but the networks.

Both hold every resolution from the start and are asked for one: `(…, resolution, alpha)`, where `alpha` is the weight
of that resolution's own output while it fades in. Films are float tensors of shape (N, 1, R, R) in -1 … 1.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

LEAK = 0.2
STD_GROUP = 4
GAIN = math.sqrt(2)
FUSED_FROM = 32
"""From this resolution on, changing it and convolving are one 4 × 4 convolution with stride 2, which has less than half
of the products; below, making its kernel costs more than it saves."""


def maps(resolution: int, fmap_base: int, fmap_max: int) -> int:
    """Feature maps at one resolution: min(2 · fmap_base / resolution, fmap_max); fmap_base is 8192 in the paper."""
    return max(1, min(2 * fmap_base // resolution, fmap_max))


def resolutions(largest: int) -> list[int]:
    """4, 8, … up to `largest`, which must be a power of two of at least 4."""
    if largest < 4 or largest & (largest - 1):
        raise ValueError(f"A resolution is a power of two of at least 4, not {largest}.")
    return [2**k for k in range(2, largest.bit_length())]


class EqualisedConv(nn.Module):
    """Convolution with the equalised learning rate (section 4.1): the weight is N(0, 1) and scaled by the He constant
    at run time; the bias starts at zero and is not scaled.

    `enlarging` repeats each position 2 × 2 before, `halving` takes the mean of 2 × 2 after.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        kernel: int,
        gain: float = GAIN,
        *,
        enlarging: bool = False,
        halving: bool = False,
    ) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs, kernel, kernel))
        self.bias = nn.Parameter(torch.zeros(outputs))
        self.scale = gain / math.sqrt(inputs * kernel**2)
        self.enlarging, self.halving = enlarging, halving

    def forward(self, x: Tensor) -> Tensor:
        weight = self.weight * self.scale
        if weight.shape[-1] == 1:
            # A dense layer over positions. Unlike a convolution it keeps channels last where there is but one channel.
            return F.linear(x.permute(0, 2, 3, 1), weight.flatten(1), self.bias).permute(0, 3, 1, 2)
        if self.enlarging:
            return self._enlarged(x, weight)
        return self._halved(x, weight) if self.halving else convolved(x, weight, self.bias)

    def _enlarged(self, x: Tensor, weight: Tensor) -> Tensor:
        if 2 * x.shape[-1] < FUSED_FROM:
            return convolved(enlarged(x), weight, self.bias)
        # Transposed, a convolution runs backwards, so the kernel is flipped.
        wide = widened(weight.transpose(0, 1).flip(2, 3)).contiguous(memory_format=torch.channels_last)
        return F.conv_transpose2d(x, wide, self.bias, stride=2, padding=1)

    def _halved(self, x: Tensor, weight: Tensor) -> Tensor:
        if x.shape[-1] < FUSED_FROM:
            return halved(convolved(x, weight, self.bias))
        return convolved(x, 0.25 * widened(weight), self.bias, stride=2)


class EqualisedLinear(nn.Module):
    """Dense layer with the equalised learning rate."""

    def __init__(self, inputs: int, outputs: int, gain: float = GAIN) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs))
        self.bias = nn.Parameter(torch.zeros(outputs))
        self.scale = gain / math.sqrt(inputs)

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(x, self.weight * self.scale, self.bias)


def pixel_norm(x: Tensor) -> Tensor:
    """Divide each position's feature vector by its root mean square (section 4.2), in single precision at least."""
    wide = widest(x)
    return (wide * torch.rsqrt(wide.square().mean(dim=1, keepdim=True) + 1e-8)).to(x.dtype)


def activated(x: Tensor) -> Tensor:
    return F.leaky_relu(x, LEAK)


def enlarged(x: Tensor) -> Tensor:
    return F.interpolate(x, scale_factor=2, mode="nearest")


def halved(x: Tensor) -> Tensor:
    return F.avg_pool2d(x, 2)


def minibatch_std(x: Tensor) -> Tensor:
    """Append one map: the standard deviation over groups of four, averaged over maps and positions (section 3).

    Members of a group are strided through the batch, as in the authors' code. A batch that is no multiple of four is
    one group. Computed in single precision at least.
    """
    n, channels, height, width = x.shape
    group = n if n % STD_GROUP else STD_GROUP
    grouped = widest(x).reshape(group, n // group, channels, height, width)
    variance = (grouped - grouped.mean(dim=0)).square().mean(dim=0)
    std = (variance + 1e-8).sqrt().mean(dim=(1, 2, 3))
    column = std.to(x.dtype).repeat(group).reshape(n, 1, 1, 1)
    return torch.cat([x, column.expand(n, 1, height, width)], dim=1)


def widest(x: Tensor) -> Tensor:
    """In single precision where it is less: what autocast made half as wide."""
    return x.to(torch.promote_types(x.dtype, torch.float32))


def widened(kernel: Tensor) -> Tensor:
    """Of 3 × 3 kernels, shape (…, 3, 3), those of 4 × 4 that sum 2 × 2 neighbours as well."""
    wide = F.pad(kernel, (0, 1)) + F.pad(kernel, (1, 0))
    return F.pad(wide, (0, 0, 0, 1)) + F.pad(wide, (0, 0, 1, 0))


def convolved(x: Tensor, weight: Tensor, bias: Tensor, stride: int = 1) -> Tensor:
    """Convolution with a border of one zero, whose derivative has a cheap derivative in turn."""
    if torch.compiler.is_compiling():
        # What is compiled has no second derivative anyway.
        return F.conv2d(x, weight, bias, stride, padding=1)
    if torch.is_autocast_enabled(x.device.type):
        narrow = torch.get_autocast_dtype(x.device.type)
        x, weight, bias = x.to(narrow), weight.to(narrow), bias.to(narrow)
    answer: Tensor = _Convolution.apply(x, weight, bias, stride)  # type: ignore[no-untyped-call]
    return answer


class _Convolution(torch.autograd.Function):
    """torch's own derivative of the gradient by `x` uses one of its arguments as a kernel as large as the film, which
    takes three times as long as a transposed convolution and its derivatives (Karras et al. 2020 do likewise).

    A gradient of a gradient (`create_graph`) is there for `x` alone, as penalties want it: `torch.autograd.grad` says
    so where it is asked for another.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor, stride: int) -> Tensor:
        ctx.save_for_backward(x, weight)
        ctx.stride = stride
        return F.conv2d(x, weight, bias, stride, padding=1)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        x, weight = ctx.saved_tensors
        if torch.is_grad_enabled():
            return F.conv_transpose2d(gradient, weight, stride=ctx.stride, padding=1), None, None, None
        of_x, of_weight, of_bias = torch.ops.aten.convolution_backward(
            *(gradient, x, weight, [len(weight)], [ctx.stride] * 2, [1, 1], [1, 1], False, [0, 0], 1),
            ctx.needs_input_grad[:3],
        )
        return of_x, of_weight, of_bias, None


class Generator(nn.Module):
    """Latents of shape (N, latent) to films of shape (N, 1, resolution, resolution)."""

    def __init__(self, resolution: int, latent: int = 512, fmap_base: int = 8192, fmap_max: int = 512) -> None:
        super().__init__()
        self.resolutions = resolutions(resolution)
        self.latent = latent
        width = [maps(r, fmap_base, fmap_max) for r in self.resolutions]
        # The gain is that of the authors' code: the dense layer feeds 16 positions.
        self.dense = EqualisedLinear(latent, width[0] * 16, gain=GAIN / 4)
        # One bias per map and not per position, as in the authors' code.
        self.dense.bias = nn.Parameter(torch.zeros(width[0]))
        self.first = EqualisedConv(width[0], width[0], 3)
        self.blocks = nn.ModuleList(
            nn.ModuleList([EqualisedConv(a, b, 3, enlarging=True), EqualisedConv(b, b, 3)]) for a, b in pairwise(width)
        )
        self.to_film = nn.ModuleList(EqualisedConv(w, 1, 1, gain=1) for w in width)

    def forward(self, latents: Tensor, resolution: int, alpha: float = 1.0) -> Tensor:
        stage = self.resolutions.index(resolution)
        x = F.linear(pixel_norm(latents), self.dense.weight * self.dense.scale)
        x = x.reshape(len(x), -1, 4, 4) + self.dense.bias[:, None, None]
        x = pixel_norm(activated(x))
        x = pixel_norm(activated(self.first(x)))
        before = x
        for block in list(self.blocks)[:stage]:
            before = x
            for layer in block:  # type: ignore[attr-defined]
                x = pixel_norm(activated(layer(x)))
        film = widest(self.to_film[stage](x))
        if stage == 0 or alpha >= 1:
            return film
        return torch.lerp(enlarged(widest(self.to_film[stage - 1](before))), film, alpha)


class Discriminator(nn.Module):
    """Films of shape (N, 1, resolution, resolution) to scores of shape (N,)."""

    def __init__(self, resolution: int, fmap_base: int = 8192, fmap_max: int = 512) -> None:
        super().__init__()
        self.resolutions = resolutions(resolution)
        width = [maps(r, fmap_base, fmap_max) for r in self.resolutions]
        self.from_film = nn.ModuleList(EqualisedConv(1, w, 1) for w in width)
        self.blocks = nn.ModuleList(
            nn.ModuleList([EqualisedConv(b, b, 3), EqualisedConv(b, a, 3, halving=True)]) for a, b in pairwise(width)
        )
        self.last = EqualisedConv(width[0] + 1, width[0], 3)
        self.dense = EqualisedLinear(width[0] * 16, width[0])
        self.score = EqualisedLinear(width[0], 1, gain=1)

    def forward(self, films: Tensor, resolution: int, alpha: float = 1.0) -> Tensor:
        stage = self.resolutions.index(resolution)
        x = activated(self.from_film[stage](films))
        for index in reversed(range(stage)):
            for layer in self.blocks[index]:  # type: ignore[attr-defined]
                x = activated(layer(x))
            if index == stage - 1 and alpha < 1:
                x = torch.lerp(activated(self.from_film[index](halved(films))), x, alpha)
        x = activated(self.last(minibatch_std(x)))
        x = activated(self.dense(x.flatten(1)))
        score: Tensor = self.score(x)
        return score.squeeze(1)
