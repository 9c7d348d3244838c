"""One thread: sums are then in one order, and the machine is shared."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch

from gan.pixels import Film, write_film


@pytest.fixture(scope="package", autouse=True)
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def write_films() -> Callable[[Path, list[Film]], None]:
    def write(folder: Path, films: list[Film]) -> None:
        folder.mkdir()
        for number, film in enumerate(films):
            write_film(folder / f"{number}.png", film)

    return write
