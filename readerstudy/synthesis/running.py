"""Whether a run is being trained: the process that does holds a lock on a file of the run, whatever it was begun by.

A lock needs no clock, so a step that takes long is not taken for a death, and a death is known at once.
"""

from __future__ import annotations

import fcntl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from readerstudy.synthesis.models import TrainingRun

TRIES = 5
SECONDS_BETWEEN_TRIES = 0.05


@contextmanager
def training_of(run: TrainingRun) -> Iterator[None]:
    """Hold the run while it is trained. Raises ValidationError where another process trains it."""
    run.folder.mkdir(parents=True, exist_ok=True)
    with (run.folder / "lock").open("w") as file:
        if not _held_in_the_end(file):
            raise ValidationError(
                _("Training run “%(run)s” is being trained already; stop it before it goes on elsewhere.")
                % {"run": run}
            )
        yield


def is_trained_now(run: TrainingRun) -> bool:
    """Whether a living process trains the run."""
    path = run.folder / "lock"
    if not path.exists():
        return False
    # Shared with all who ask, and for an instant, for which whoever begins a training has patience.
    with path.open() as file:
        return not _held(file, fcntl.LOCK_SH)


def _held_in_the_end(file: IO[str]) -> bool:
    for _try in range(TRIES - 1):
        if _held(file):
            return True
        time.sleep(SECONDS_BETWEEN_TRIES)
    return _held(file)


def _held(file: IO[str], lock: int = fcntl.LOCK_EX) -> bool:
    try:
        fcntl.flock(file, lock | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
