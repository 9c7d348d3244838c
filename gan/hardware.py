"""The machine's part of a training: it changes the speed, and the films by rounding alone."""

from __future__ import annotations

import os
import shutil
from contextlib import AbstractContextManager
from dataclasses import dataclass, field

import torch

from gan.networks import STD_GROUP

DEVICES = ("auto", "cpu", "cuda")


@dataclass(frozen=True)
class Hardware:
    """Where and how a training computes. Nothing here is part of a run's configuration: a run may go on elsewhere."""

    device: torch.device = field(default_factory=lambda: torch.device("cpu"))
    bf16: bool = False
    """Convolutions and dense layers in bfloat16; norms, standard deviations and penalties stay in float32."""
    compile: bool = False
    """`torch.compile` of both networks in stable phases, but for penalties: it has no derivative of a derivative."""
    micro_batch: int | None = None
    """The most films at once in one process, where memory is short: below or a multiple of the group of four."""

    @property
    def is_cuda(self) -> bool:
        return self.device.type == "cuda"

    def memory(self) -> int:
        """Bytes of memory that the device has."""
        if self.is_cuda:
            return torch.cuda.get_device_properties(self.device).total_memory
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")

    def send(self, tensor: torch.Tensor) -> torch.Tensor:
        """The tensor on the device. A card takes it while it computes, which it does only from pinned memory."""
        return tensor.pin_memory().to(self.device, non_blocking=True) if self.is_cuda else tensor

    def autocast(self) -> AbstractContextManager[object]:
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.bf16)

    def parts(self, films: int) -> int:
        """Into how many micro-batches of equal size, whole groups each, a batch of `films` is divided."""
        if self.micro_batch is None or films <= self.micro_batch:
            return 1
        sizes = [size for size in range(1, self.micro_batch + 1) if films % size == 0 and _whole_groups(size, films)]
        if not sizes:
            raise ValueError(
                f"{films} films do not divide into micro-batches of at most {self.micro_batch} that are multiples of "
                f"{STD_GROUP}; choose another size."
            )
        return films // sizes[-1]

    def films_at_once(self, minibatch: int, processes: int) -> int:
        """How many films of a minibatch one of the processes holds at once.

        Raises ValueError where it does not divide among them or into micro-batches.
        """
        if minibatch % processes:
            raise ValueError(f"A minibatch of {minibatch} does not divide among {processes} processes.")
        share = minibatch // processes
        return share // self.parts(share)


PROCESSOR = Hardware()


def choose_hardware(
    device: str = "auto",
    *,
    bf16: bool = False,
    compile: bool = False,
    micro_batch: int | None = None,
    local_rank: int = 0,
) -> Hardware:
    """The hardware that is asked for. Raises ValueError where this machine does not have it.

    `auto` is the graphics card of this process's `local_rank` where there is one, else the processor.
    """
    if device not in DEVICES:
        raise ValueError(f"The device {device!r} is not known; choose one of {', '.join(DEVICES)}.")
    if device == "cuda" and not torch.cuda.is_available():
        raise ValueError("There is no graphics card that this torch can use; train with --device cpu.")
    on_card = device != "cpu" and torch.cuda.is_available()
    if bf16 and not on_card and not torch.ops.mkldnn._is_mkldnn_bf16_supported():
        raise ValueError("This processor has no bfloat16 units, so bf16 would be many times slower; leave it out.")
    if compile and not has_compiler():
        raise ValueError("torch.compile needs a C++ compiler, and there is none here; install g++ or leave it out.")
    if micro_batch is not None and (micro_batch < 1 or micro_batch % min(STD_GROUP, micro_batch)):
        raise ValueError(f"The micro-batch must be below or a multiple of {STD_GROUP}, not {micro_batch}.")
    return Hardware(torch.device(f"cuda:{local_rank}" if on_card else "cpu"), bf16, compile, micro_batch)


def has_compiler() -> bool:
    """Whether torch.compile can build for the processor."""
    return bool(shutil.which("c++") or shutil.which("g++"))


def _whole_groups(size: int, films: int) -> bool:
    """Whether parts of `size` leave the groups of the whole batch as they are."""
    return size % STD_GROUP == 0 if films % STD_GROUP == 0 else size == films
