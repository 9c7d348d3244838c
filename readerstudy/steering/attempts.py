"""Attempts at a film of a wanted finding: blocks of latents that are steered together, here or in other processes.

Knows nothing of the database. A block depends on its numbers alone: it is computed on one thread, whoever computes it.
"""

from __future__ import annotations

import hashlib
import os
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from multiprocessing import get_context, parent_process
from multiprocessing.connection import wait
from pathlib import Path
from threading import Thread

import numpy as np
import torch
from torch import Tensor

import readerstudy
from evaluation.classifiers import judge, network
from evaluation.classifiers.judge import Judge, judge_of, thresholds_of
from evaluation.classifiers.network import load_classifier
from gan import drawing, latent, networks, pixels, seeds
from gan.drawing import Drawer
from gan.latent import Steering, in_canonical_form, met, steer
from gan.pixels import Film
from gan.seeds import random_for, seed_for

BLOCK = 8
"""Latents that are steered together."""
AHEAD = 2
"""Blocks for each process that are begun before they are asked for."""

Scores = dict[str, float]


@dataclass(frozen=True)
class Networks:
    """The files of an archive's networks, the findings that all its classifiers know, and how latents are moved."""

    generator: Path
    steer: tuple[Path, ...]
    accept: Path
    judge: Path | None
    findings: tuple[str, ...]
    steering: Steering


@dataclass(frozen=True)
class Attempts:
    """A block: the attempts first … last - 1 at films that show `present` and not `absent`, with the archive's seed."""

    seed: int
    present: tuple[str, ...]
    absent: tuple[str, ...]
    number: int
    first: int
    last: int

    @property
    def seeds(self) -> list[int]:
        """Of the first latents. One after the other: random numbers of a processor have 2³² beginnings."""
        begin = seed_for(self.seed, f"attempts at {self._goal}")
        return [(begin + attempt) % 2**32 for attempt in range(self.first, self.last)]

    def random(self) -> torch.Generator:
        return random_for(self.seed, f"views of block {self.number} of {self._goal}")

    @property
    def _goal(self) -> str:
        return f"{'|'.join(self.present)} without {'|'.join(self.absent)}"


@dataclass(frozen=True)
class Accepted:
    """A film that the accepting classifier takes, with calibrated logits by finding of all who looked at it.

    `latent` holds little-endian single-precision floats; `distance` is in radians.
    """

    seed: int
    film: Film
    latent: bytes
    steps: int
    distance: float
    steering_scores: Scores
    accepting_scores: Scores
    judging_scores: Scores | None


@dataclass(frozen=True)
class Outcome:
    """What became of a block, its accepted films in the order of their attempts."""

    attempts: Attempts
    accepted: list[Accepted]
    forward_equivalents: int


def code_version() -> str:
    """Names the program as far as a film depends on it: its version, torch's, and a hash of the modules that matter."""
    modules = (drawing, judge, latent, network, networks, pixels, seeds)
    code = b"".join(Path(str(file)).read_bytes() for file in [*(module.__file__ for module in modules), __file__])
    return f"{readerstudy.__version__}, torch {torch.__version__}, code {hashlib.sha256(code).hexdigest()[:16]}"


class Workshop:
    """An archive's networks, loaded and at work."""

    def __init__(self, networks: Networks) -> None:
        findings = networks.findings
        steering = [load_classifier(path) for path in networks.steer]
        accepting = load_classifier(networks.accept)
        self._networks = networks
        self._drawer = Drawer(networks.generator)
        self._steer = [judge_of(classifier, findings) for classifier in steering]
        # As their logits are averaged.
        self._steer_to = torch.stack([thresholds_of(classifier, findings) for classifier in steering]).mean(0)
        self._accept, self._accept_at = judge_of(accepting, findings), thresholds_of(accepting, findings)
        self._judge = judge_of(load_classifier(networks.judge), findings) if networks.judge else None

    def work(self, attempts: Attempts) -> Outcome:
        """Steer a block, and let the accepting classifier look at every film in the form in which it will be kept."""
        wanted = self._wanted(attempts)
        steered = steer(
            self._drawer.draw_latents,
            self._steer,
            wanted,
            self._steer_to,
            self._drawer.latents(attempts.seeds),
            self._networks.steering,
            attempts.random(),
        )
        films, seen = in_canonical_form(steered.films)
        accepted, looked_at = [], 0
        for row, film in enumerate(films):
            if film is None:
                continue
            looked_at += 1
            logits = _logits(self._accept, seen[row])
            if not met(logits, self._accept_at, wanted).item():
                continue
            accepted.append(
                Accepted(
                    seed=attempts.seeds[row],
                    film=film,
                    latent=np.ascontiguousarray(steered.latents[row].numpy(), "<f4").tobytes(),
                    steps=int(steered.steps[row]),
                    distance=float(steered.distance[row]),
                    steering_scores=self._scores(steered.scores[row]),
                    accepting_scores=self._scores(logits[0]),
                    judging_scores=self._scores(_logits(self._judge, seen[row])[0]) if self._judge else None,
                )
            )
        # The judge's look is left out: it has no part in the making of a film.
        return Outcome(attempts, accepted, steered.forward_equivalents + looked_at)

    def _wanted(self, attempts: Attempts) -> Tensor:
        return torch.tensor(
            [(name in attempts.present) - (name in attempts.absent) for name in self._networks.findings]
        )

    def _scores(self, logits: Tensor) -> Scores:
        return dict(zip(self._networks.findings, map(float, logits), strict=True))


def _logits(judge: Judge, film: Tensor) -> Tensor:
    """Of one film by itself, so that they are the same whoever is beside it."""
    with torch.no_grad():
        return judge(film[None])


# Processes

Work = Callable[[Iterable[Attempts]], Generator[Outcome, None, None]]


@contextmanager
def workers(networks: Networks, processes: int) -> Iterator[Work]:
    """A function that works on blocks, in their order; with several processes some blocks ahead, on one thread each."""
    if processes == 1:
        before = torch.get_num_threads()
        torch.set_num_threads(1)
        try:
            workshop = Workshop(networks)
            yield lambda blocks: (workshop.work(block) for block in blocks)
        finally:
            torch.set_num_threads(before)
        return
    # Spawned, not forked: a fork of a process with PyTorch's threads can hang.
    with ProcessPoolExecutor(
        processes, mp_context=get_context("spawn"), initializer=_begin, initargs=(networks,)
    ) as pool:
        yield lambda blocks: _in_order(pool, blocks, AHEAD * processes)


def _in_order(pool: ProcessPoolExecutor, blocks: Iterable[Attempts], ahead: int) -> Generator[Outcome, None, None]:
    waiting = iter(blocks)
    begun: deque[Future[Outcome]] = deque(pool.submit(_work, block) for block in islice(waiting, ahead))
    try:
        while begun:
            yield begun.popleft().result()
            begun.extend(pool.submit(_work, block) for block in islice(waiting, 1))
    finally:
        for future in begun:
            future.cancel()


_workshop: Workshop


def _begin(networks: Networks) -> None:
    global _workshop
    Thread(target=_end_with_parent, daemon=True).start()
    torch.set_num_threads(1)
    _workshop = Workshop(networks)


def _work(attempts: Attempts) -> Outcome:
    return _workshop.work(attempts)


def _end_with_parent() -> None:
    """A process whose parent was killed would wait for work for ever."""
    parent = parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)
