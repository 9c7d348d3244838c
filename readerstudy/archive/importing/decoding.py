"""Decodes compressed DICOM pixels in a process of their own: some decoders end their process over a broken stream."""

from __future__ import annotations

import os
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from pathlib import Path

import numpy.typing as npt
from pydicom.pixels.utils import pixel_array


class Undecodable(Exception):
    """The pixels cannot be decoded; the message is the decoder's."""


class Decoder:
    """One process that decodes one file after the other, begun when it is first needed and again after each crash."""

    def __init__(self) -> None:
        self._pool: ProcessPoolExecutor | None = None

    def decode(self, path: Path) -> npt.NDArray:
        """Stored values of the file. Raises Undecodable."""
        self._pool = self._pool or _begin()
        try:
            decoded = self._pool.submit(_decode, path).result()
        except BrokenProcessPool as error:
            self._pool = None
            raise Undecodable("the decoder broke down over it") from error
        if isinstance(decoded, str):
            raise Undecodable(decoded)
        return decoded


def _begin() -> ProcessPoolExecutor:
    """A process that has shown that it runs, so that a later breakdown is the file's fault."""
    # Spawned, not forked: a fork of a process with PyTorch's threads can hang.
    pool = ProcessPoolExecutor(1, mp_context=get_context("spawn"))
    pool.submit(_be_quiet).result()
    return pool


def _decode(path: Path) -> npt.NDArray | str:
    try:
        return pixel_array(path)
    # Every transfer syntax has its own plugins, and every plugin its own errors, not all of which can be pickled.
    except Exception as error:
        return in_one_line(error)


def _be_quiet() -> None:
    """The decoders' own words go nowhere; what they mean reaches the person as a reason."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)


def in_one_line(error: Exception) -> str:
    """A decoder's error is a list of what each of its plugins said."""
    words = " ".join(str(error).split()) or type(error).__name__
    return words[:300].rstrip(".:")
