"""How long work tells a person how far it is."""

from __future__ import annotations

import sys
from typing import Protocol

from tqdm import tqdm


class Progress(Protocol):
    """What a service calls while it works; commands show a bar, tests stay silent."""

    def start(self, total: int, label: str) -> None:
        """Begin a stretch of `total` steps called `label`."""

    def advance(self, steps: int = 1) -> None:
        """Say that `steps` more are done."""


class Silent:
    """Shows nothing."""

    def start(self, total: int, label: str) -> None:
        pass

    def advance(self, steps: int = 1) -> None:
        pass


class Bar:
    """A progress bar on standard error."""

    def __init__(self) -> None:
        self._bar: tqdm | None = None

    def start(self, total: int, label: str) -> None:
        if self._bar is not None:
            self._bar.close()
        self._bar = tqdm(total=total, desc=label, file=sys.stderr)

    def advance(self, steps: int = 1) -> None:
        if self._bar is not None:
            self._bar.update(steps)
