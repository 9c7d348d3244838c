"""What every extractor is: films in, features out, and words that say how."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence, Sized
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import torch

from evaluation.readers.ratings import Floats
from gan.pixels import Film

Progress = Callable[[int, int], None]
"""Called with the films done and their number."""
Rows = npt.NDArray[np.float32]

Item = TypeVar("Item")
Result = TypeVar("Result")

BATCH = 8
# Batches that wait for each thread: enough that none runs dry, few enough that memory stays small.
AHEAD = 2


class Extractor(ABC):
    """Canonical films of any side in, one row of features each out."""

    name: str
    version: str
    rule: str
    """How a film is brought to the extractor, in words."""
    sha256: str | None = None
    """Of the weights; None without any."""

    @abstractmethod
    def rows(self, films: Sequence[Film]) -> Rows:
        """Features of a few films, of shape (films, dimension). Called in several threads at once.

        Raises ValueError where they cannot be had.
        """

    def features(self, films: Iterable[Film], progress: Progress | None = None) -> Floats:
        """Features of shape (films, dimension) in double precision, of single precision's worth.

        `films` can be an iterator: a few are held at a time. Raises ValueError for no films and for features that are
        not finite.
        """
        number = len(films) if isinstance(films, Sized) else 0
        rows: list[Rows] = []
        done = 0
        for batch in in_threads(self.rows, batches(films)):
            require_finite(self, batch, [f"film {done + index + 1}" for index in range(len(batch))])
            rows.append(batch)
            done += len(batch)
            if progress:
                progress(done, max(number, done))
        if not rows:
            raise ValueError("There are no films to take features of.")
        return np.concatenate(rows).astype(np.float64)


def describe(extractor: Extractor, dimension: int) -> dict[str, Any]:
    """What a figure prints of its extractor."""
    return {
        "name": extractor.name,
        "version": extractor.version,
        "sha256": extractor.sha256,
        "resize": extractor.rule,
        "dim": dimension,
    }


def require_finite(extractor: Extractor, rows: Rows, films: Sequence[object]) -> None:
    """Raises ValueError with the first of `films` whose row is not finite."""
    at_fault = np.flatnonzero(~np.isfinite(rows).all(1))
    if len(at_fault):
        raise ValueError(f"The extractor {extractor.name} gave {films[at_fault[0]]} features that are not finite.")


def batches(items: Iterable[Item]) -> Iterator[list[Item]]:
    """The items in lists of `BATCH`, the last one shorter."""
    rest = iter(items)
    while batch := list(islice(rest, BATCH)):
        yield batch


def in_threads(work: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
    """The results of `work`, in the order of `items`, from as many threads as torch may use, a few ahead of the caller.

    Each thread computes alone: on a processor, batches side by side are quicker than threads that share one batch, and
    decoding goes on beside the network.
    """
    threads = torch.get_num_threads()
    waiting: deque[Future[Result]] = deque()
    torch.set_num_threads(1)
    pool = ThreadPoolExecutor(threads)
    try:
        for item in items:
            waiting.append(pool.submit(work, item))
            if len(waiting) >= AHEAD * threads:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)
        torch.set_num_threads(threads)
