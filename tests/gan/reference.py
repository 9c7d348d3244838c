"""The two networks of Karras et al. 2018 once more, in NumPy and double precision, straight from their definition."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import sliding_window_view

Values = npt.NDArray[np.float64]
Weights = dict[str, Values]


def convolved(x: Values, weights: Weights, name: str, gain: float = np.sqrt(2)) -> Values:
    weight, bias = weights[f"{name}.weight"], weights[f"{name}.bias"]
    weight = weight * gain / np.sqrt(np.prod(weight.shape[1:]))
    edge = weight.shape[-1] // 2
    windows = sliding_window_view(np.pad(x, ((0, 0), (0, 0), (edge, edge), (edge, edge))), weight.shape[2:], (2, 3))
    return np.einsum("nchwij,ocij->nohw", windows, weight) + bias[:, None, None]


def leaky(x: Values) -> Values:
    return np.where(x > 0, x, 0.2 * x)


def normalised(x: Values) -> Values:
    return x / np.sqrt((x**2).mean(axis=1, keepdims=True) + 1e-8)


def doubled(x: Values) -> Values:
    return np.kron(x, np.ones((2, 2)))


def box_halved(x: Values) -> Values:
    return 0.25 * (x[..., ::2, ::2] + x[..., 1::2, ::2] + x[..., ::2, 1::2] + x[..., 1::2, 1::2])


def with_deviation(x: Values) -> Values:
    """Groups of four, members strided through the batch; the root of each biased variance, averaged over all.

    A batch that four does not divide is one group.
    """
    n, _, height, width = x.shape
    size = n if n % 4 else 4
    groups = n // size
    column = np.empty((n, 1, height, width))
    for group in range(groups):
        chosen = [group + member * groups for member in range(size)]
        members = x[chosen]
        variance = ((members - members.mean(axis=0)) ** 2).sum(axis=0) / size
        column[chosen] = np.sqrt(variance + 1e-8).mean()
    return np.concatenate([x, column], axis=1)


def drawn(latents: Values, weights: Weights, stage: int, alpha: float) -> Values:
    x = normalised(latents)
    weight = weights["dense.weight"]
    x = x @ (weight * np.sqrt(2) / 4 / np.sqrt(weight.shape[1])).T
    x = x.reshape(len(x), -1, 4, 4) + weights["dense.bias"][:, None, None]
    x = normalised(leaky(x))
    x = normalised(leaky(convolved(x, weights, "first")))
    for block in range(stage):
        before = x
        x = normalised(leaky(convolved(doubled(x), weights, f"blocks.{block}.0")))
        x = normalised(leaky(convolved(x, weights, f"blocks.{block}.1")))
    film = convolved(x, weights, f"to_film.{stage}", gain=1)
    if stage == 0:
        return film
    return alpha * film + (1 - alpha) * doubled(convolved(before, weights, f"to_film.{stage - 1}", gain=1))


def scored(films: Values, weights: Weights, stage: int, alpha: float) -> Values:
    x = leaky(convolved(films, weights, f"from_film.{stage}"))
    for block in range(stage - 1, -1, -1):
        x = leaky(convolved(x, weights, f"blocks.{block}.0"))
        x = leaky(box_halved(convolved(x, weights, f"blocks.{block}.1")))
        if block == stage - 1:
            x = alpha * x + (1 - alpha) * leaky(convolved(box_halved(films), weights, f"from_film.{block}"))
    x = leaky(convolved(with_deviation(x), weights, "last"))
    dense, score = weights["dense.weight"], weights["score.weight"]
    x = leaky(x.reshape(len(x), -1) @ (dense * np.sqrt(2 / dense.shape[1])).T + weights["dense.bias"])
    return (x @ (score / np.sqrt(score.shape[1])).T + weights["score.bias"])[:, 0]
