"""Whether a job's worker lives: it holds a lock on a file of the job, which the system lets go of however it ends.

A lock needs no clock, so a step that takes long is not taken for a death, and a death is known at once.
"""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings


@contextmanager
def working_on(job_id: int) -> Iterator[None]:
    """Hold the job; waits for whoever holds it."""
    path = _path(job_id)
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        try:
            yield
        finally:
            path.unlink(missing_ok=True)


@contextmanager
def if_nobody_works_on(job_id: int) -> Iterator[bool]:
    """Hold the job where nobody does, and say whether that was so."""
    with _path(job_id).open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True


def _path(job_id: int) -> Path:
    folder: Path = settings.HOME / "jobs"
    folder.mkdir(parents=True, exist_ok=True)
    return folder / f"{job_id}.lock"
