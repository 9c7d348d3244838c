"""What the application does with what a training tells it, and how a wish to stop reaches the training."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext as _

from gan.logbook import Logbook
from gan.snapshot import Snapshot
from gan.training import Figures
from readerstudy.audit.models import record
from readerstudy.progress import Progress
from readerstudy.synthesis.measuring import Meter
from readerstudy.synthesis.models import TrainingRun

SECONDS_BETWEEN_REPORTS = 2.0


class Watch:
    """Carries the figures and snapshots of a training to its row, its logbook, its measurements and a progress.

    It does so until one of them raises, be it a job that is cancelled or a database that is gone: that must not cost
    what was trained, so it is kept as `interruption`, and asks the training to save itself and stop.
    """

    def __init__(self, run: TrainingRun, progress: Progress, should_stop: Callable[[], bool], actor: str) -> None:
        self._run, self.progress, self._should_stop, self._actor = run, progress, should_stop, actor
        self._total = round(run.config["kimg"] * 1000)
        self._logbook = Logbook(run.folder)
        self._meter: Meter | None = None
        self._since: tuple[float, int] | None = None
        self._looked_at, self._stop_requested = -math.inf, False
        self.images = 0
        self.interruption: Exception | None = None

    def begin(self, meter: Meter | None) -> None:
        self._meter = meter
        self.progress.start(self._total, _("Training, images shown"))

    def figures(self, figures: Figures) -> None:
        steps = min(figures.images, self._total) - min(self.images, self._total)
        self.images = figures.images
        with self._kept_from_training():
            self._logbook.figures(figures)
            self._report(figures)
            self.progress.advance(steps)

    def snapshot(self, snapshot: Snapshot) -> None:
        with self._kept_from_training():
            self._logbook.snapshot(snapshot)
            if self._meter:
                self._measure(self._meter, snapshot)
        # The time that this took says nothing of the training's speed.
        self._since = None

    def stop_asked(self) -> bool:
        with self._kept_from_training():
            self._look_for_a_request()
        return self.interruption is not None or self._stop_requested or self._should_stop()

    def close(self) -> None:
        self._logbook.close()

    @contextmanager
    def _kept_from_training(self) -> Iterator[None]:
        try:
            yield
        except Exception as interruption:
            self.interruption = self.interruption or interruption

    def _look_for_a_request(self) -> None:
        """Ask the run's row, which the admin writes into wherever the training runs."""
        now = time.monotonic()
        if now - self._looked_at >= SECONDS_BETWEEN_REPORTS:
            self._looked_at = now
            self._stop_requested = TrainingRun.objects.filter(pk=self._run.pk, stop_requested=True).exists()

    def _report(self, figures: Figures) -> None:
        """Write into the run's row how far the training is, and how fast since the last report."""
        now = time.monotonic()
        if self._since is None:
            self._since = now, figures.images
            return
        then, images = self._since
        if now - then < SECONDS_BETWEEN_REPORTS:
            return
        self._since = now, figures.images
        TrainingRun.objects.filter(pk=self._run.pk).update(
            images_shown=figures.images,
            images_per_second=(figures.images - images) / (now - then),
            reported_at=timezone.now(),
        )

    def _measure(self, meter: Meter, snapshot: Snapshot) -> None:
        try:
            meter.measure(snapshot, self._actor)
        except (OSError, ValueError, ValidationError) as error:
            # The curve lacks a point and says so; the training is worth more.
            record(
                actor=self._actor,
                action="snapshot not measured",
                subject=f"training run:{self._run}",
                images_shown=snapshot.images,
                reason=reason_of(error),
            )


def reason_of(error: BaseException) -> str:
    """What an error says, in one line."""
    return " ".join(error.messages) if isinstance(error, ValidationError) else str(error) or type(error).__name__
