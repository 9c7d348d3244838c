"""Kernel distances: unbiased MMD² (Gretton et al., JMLR 2012) with the kernels that are in use for sets of images."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from evaluation.images.parts import parts
from evaluation.images.patients import numbered, shuffled
from evaluation.readers.ratings import Floats

Kernel = Callable[[Floats, Floats], Floats]
"""Its values for rows of shapes (n₁, d) and (n₂, d), of shape (n₁, n₂)."""

BLOCKS = 10
OF_FIRST = np.arange(2 * BLOCKS) < BLOCKS
PERMUTATIONS = 999
ROWS_AT_ONCE = 2048
CMMD_SIGMA = 10.0
CMMD_RULE = f"RBF, σ = {CMMD_SIGMA:g}, rows of unit length"


@dataclass(frozen=True, slots=True)
class KernelDistance:
    """MMD² over all pairs, not multiplied by 1,000.

    `se` is of the jackknife that leaves out a tenth of both sides; None below 20 rows a side. It is right where the
    distributions differ. Where they are one, MMD² is a degenerate statistic and the jackknife's variance 2.2 times too
    large with ten blocks (see docs/metrics.md), so that `se` is 1.5 times too long there, and `p` is to be asked:
    how often as large a distance comes of dealing the blocks anew to both sides, at equal n.
    """

    estimate: float
    se: float | None
    p: float | None


def kernel_distance(
    first: Floats, second: Floats, seed: int = 0, patients: Sequence[str] | None = None
) -> KernelDistance:
    """MMD² of features of shapes (n₁, d) and (n₂, d) with the kernel ((x·y)/d + 1)³ (Bińkowski et al., ICLR 2018).

    The estimate is unbiased, so it can be negative. Rows are dealt to blocks at random, those of one of the `patients`
    of the first side together, but for patients on the border of two blocks. Works in bounded memory.
    """
    return _mmd(_cubic, first, second, seed, patients)


def cmmd(first: Floats, second: Floats, seed: int = 0, patients: Sequence[str] | None = None) -> KernelDistance:
    """MMD² with the kernel of Jayasumana et al. (CVPR 2024): exp(−‖x − y‖²/(2 · 10²)) of rows of unit length.

    They name it CMMD on embeddings of CLIP, keep pairs of a row with itself, and multiply by 1,000; this is unbiased
    and not multiplied. Otherwise as `kernel_distance`.
    """
    return _mmd(_of_unit_rows, first, second, seed, patients)


def _cubic(first: Floats, second: Floats) -> Floats:
    return (first @ second.T / first.shape[1] + 1) ** 3


def _of_unit_rows(first: Floats, second: Floats) -> Floats:
    cosine = _unit(first) @ _unit(second).T
    return np.exp((cosine - 1) / CMMD_SIGMA**2)


def _unit(rows: Floats) -> Floats:
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    return rows / np.where(length > 0, length, 1)


def _mmd(kernel: Kernel, first: Floats, second: Floats, seed: int, patients: Sequence[str] | None) -> KernelDistance:
    random = np.random.default_rng(seed)
    orders = shuffled(numbered(len(first), patients), random), random.permutation(len(second))
    sums = _block_sums(kernel, first, second, *orders)
    estimate = _of_blocks(sums, OF_FIRST, ~OF_FIRST)
    if min(map(len, orders)) < 2 * BLOCKS:
        return KernelDistance(estimate, None, None)
    without = []
    for block in range(BLOCKS):
        kept = np.arange(2 * BLOCKS) % BLOCKS != block
        without.append(_of_blocks(sums, OF_FIRST & kept, ~OF_FIRST & kept))
    se = np.sqrt((BLOCKS - 1) / BLOCKS * ((np.array(without) - np.mean(without)) ** 2).sum())
    return KernelDistance(estimate, float(se), _p(kernel, first, second, orders, sums, random))


def _p(
    kernel: Kernel,
    first: Floats,
    second: Floats,
    orders: tuple[np.ndarray, np.ndarray],
    sums: _BlockSums,
    random: np.random.Generator,
) -> float:
    # Blocks can change sides only where all are of one size.
    even = min(map(len, orders)) // BLOCKS * BLOCKS
    if any(len(order) != even for order in orders):
        sums = _block_sums(kernel, first, second, orders[0][:even], orders[1][:even])
    ours = random.permuted(np.tile(OF_FIRST, (1 + PERMUTATIONS, 1)), axis=1).astype(np.float64)
    ours[0] = OF_FIRST
    theirs = 1 - ours
    one, other, across = (((a @ sums.sums) * b).sum(1) for a, b in ((ours, ours), (theirs, theirs), (ours, theirs)))
    distances = (one + other) / (even * (even - 1)) - 2 * across / even**2
    # The same films on either side give the same sum in another order.
    noise = 1e-12 * float(np.abs(sums.sums).sum()) / even**2
    return float((distances >= distances[0] - noise).mean())


@dataclass(frozen=True, eq=False)
class _BlockSums:
    """Sums of the kernel over pairs of different rows, by the blocks of both; the first `BLOCKS` are of one side."""

    sums: Floats
    counts: np.ndarray


def _of_blocks(blocks: _BlockSums, ours: np.ndarray, theirs: np.ndarray) -> float:
    """MMD² of the rows in some blocks and those in others."""
    n1, n2 = (float(blocks.counts[side].sum()) for side in (ours, theirs))
    one, other, across = (
        float(blocks.sums[np.ix_(a, b)].sum()) for a, b in ((ours, ours), (theirs, theirs), (ours, theirs))
    )
    return one / (n1 * (n1 - 1)) + other / (n2 * (n2 - 1)) - 2 * across / (n1 * n2)


def _block_sums(kernel: Kernel, first: Floats, second: Floats, order1: np.ndarray, order2: np.ndarray) -> _BlockSums:
    block1, block2 = (np.arange(len(order)) * BLOCKS // len(order) for order in (order1, order2))
    across = _between(kernel, (first, order1, block1), (second, order2, block2))
    within = [_between(kernel, side, side, same=True) for side in ((first, order1, block1), (second, order2, block2))]
    counts = [np.bincount(block, minlength=BLOCKS) for block in (block1, block2)]
    return _BlockSums(np.block([[within[0], across], [across.T, within[1]]]), np.concatenate(counts))


_Side = tuple[Floats, np.ndarray, np.ndarray]


def _between(kernel: Kernel, ours: _Side, theirs: _Side, *, same: bool = False) -> Floats:
    """Sums over pairs of blocks of two sides, or of one side with itself, where a row is not paired with itself."""
    (first, order1, block1), (second, order2, block2) = ours, theirs
    member = np.eye(BLOCKS)
    sums = np.zeros((BLOCKS, BLOCKS))
    for here, rows in parts(first, order1, ROWS_AT_ONCE):
        for there, others in parts(second, order2, ROWS_AT_ONCE):
            if same and there.start < here.start:
                continue
            values = kernel(rows, others)
            if same and here == there:
                np.fill_diagonal(values, 0)
            add = member[block1[here]].T @ values @ member[block2[there]]
            # What lies beside the diagonal of one side with itself stands for its mirror image too.
            sums += add + add.T if same and here != there else add
    return sums
