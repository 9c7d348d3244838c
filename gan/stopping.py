"""Ending early on a signal, with what was trained kept."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterable, Iterator
from types import FrameType
from typing import TypeVar

T = TypeVar("T")


class TrainingStopped(Exception):
    """The training was asked to stop; its state is saved, or the message says that there is none yet."""


class StopOnSignal:
    """Notes SIGTERM and SIGINT, so that the training can save itself before it ends."""

    def __init__(self) -> None:
        self.number: int | None = None
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._note)

    def _note(self, number: int, frame: FrameType | None) -> None:
        self.number = number

    def __call__(self) -> bool:
        return self.number is not None

    @property
    def exit_status(self) -> int:
        """128 + n after signal n, as shells have it."""
        return 128 + (self.number or 0)


def until_stopped(films: Iterable[T], should_stop: Callable[[], bool]) -> Iterator[T]:
    """The films that a training reads before it begins. Raises TrainingStopped between two of them."""
    for film in films:
        if should_stop():
            raise TrainingStopped("Stopped while films were read; nothing was trained yet.")
        yield film
