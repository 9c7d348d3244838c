"""An import that dies by its own hand at its third film: `python -m tests.archive.mortal half|whole FOLDER`.

"half" dies when half of the film's file is written, "whole" between the file and its row.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import django

django.setup()

from gan import pixels  # noqa: E402
from readerstudy.archive import services  # noqa: E402

when, folder = sys.argv[1], Path(sys.argv[2])
written = 0


def write_film_or_die(path: Path, film: pixels.Film) -> None:
    global written
    written += 1
    pixels.write_film(path, film)
    if written < 3:
        return
    if when == "half":
        half = path.read_bytes()[: path.stat().st_size // 2]
        path.unlink()
        path.with_name(path.name + ".partial").write_bytes(half)
    os.kill(os.getpid(), signal.SIGKILL)


services.write_film = write_film_or_die
services.import_radiographs(path=folder, collection="films", truth="real", actor="researcher")
