"""Several processes that train one network, begun by `torchrun`: each takes its share of every step.

The processes draw the same random numbers for the whole step and take every `world`-th film of it, so that a run can go
on with another number of processes. Where each has a multiple of four films, the strided groups of the minibatch
standard deviation hold the same films for any number.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta

import torch
from torch import Tensor, distributed
from torch.nn import Parameter

LONGEST_WAIT = timedelta(days=1)
"""While the first process reads the films or keeps a snapshot. `torchrun` waits no longer for one that has died."""


class Ranks:
    """This process among all of them. Alone it is rank 0 of 1, and nothing is exchanged."""

    def __init__(self, rank: int = 0, world: int = 1) -> None:
        self.rank, self.world = rank, world

    @property
    def is_first(self) -> bool:
        """Whether this process is the one that writes and speaks."""
        return self.rank == 0

    def share(self, whole: Tensor) -> Tensor:
        """This process's rows of what was drawn for the whole step."""
        return whole[self.rank :: self.world]

    def average_gradients(self, parameters: Iterable[Parameter]) -> None:
        """Replace the gradients by their means over the processes, in one flat exchange.

        Not DistributedDataParallel: its hooks do not survive the penalties' second backward pass.
        """
        if self.world == 1:
            return
        gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
        flat = torch.cat([gradient.flatten() for gradient in gradients])
        distributed.all_reduce(flat)
        flat /= self.world
        for gradient, mean in zip(
            gradients, torch.split(flat, [gradient.numel() for gradient in gradients]), strict=True
        ):
            gradient.copy_(mean.view_as(gradient))

    def sum(self, values: Tensor) -> Tensor:
        """The values summed over the processes."""
        if self.world > 1:
            distributed.all_reduce(values)
        return values

    def any(self, flag: bool) -> bool:
        """Whether any process says so. All of them must ask."""
        return bool(self.sum(torch.tensor(int(flag))))

    def wait(self) -> None:
        """Wait until all processes are here."""
        if self.world > 1:
            distributed.barrier()


@contextmanager
def ranks_of_environment() -> Iterator[Ranks]:
    """The processes that `torchrun` began, joined; one alone without it."""
    world = int(os.environ.get("WORLD_SIZE", "1"))
    if world == 1:
        yield Ranks()
        return
    backend = "cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo"
    distributed.init_process_group(backend, timeout=LONGEST_WAIT)
    try:
        yield Ranks(distributed.get_rank(), world)
    finally:
        distributed.destroy_process_group()


def local_rank() -> int:
    """The number of this process on its machine, which is the number of its graphics card."""
    return int(os.environ.get("LOCAL_RANK", "0"))
