"""What the admin shows of a training run: where it stands, what it draws, and the moments that were kept of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.db.models import Q, TextChoices
from django.utils import timezone
from django.utils.timesince import timesince
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from gan.checkpoint import checkpoints
from gan.config import TrainingConfig
from gan.schedule import Phase, phase_at, spans
from gan.snapshot import Snapshot, snapshots
from readerstudy.audit.models import AuditRow
from readerstudy.jobs.models import Job, JobQuerySet
from readerstudy.synthesis import tasks
from readerstudy.synthesis.curves import course
from readerstudy.synthesis.models import Generator, RunMeasurement, TrainingRun
from readerstudy.synthesis.running import is_trained_now


class State(TextChoices):
    TRAINING = "training", _("being trained")
    STOPPING = "stopping", _("being saved, to stop then")
    WAITING = "waiting", _("waiting among the jobs")
    STOPPED = "stopped", _("stopped; it can go on")
    FINISHED = "finished", _("finished")


def state_of(run: TrainingRun) -> State:
    if run.finished_at:
        return State.FINISHED
    if is_trained_now(run):
        return State.STOPPING if run.stop_requested else State.TRAINING
    return State.WAITING if _jobs(run).unfinished().exists() else State.STOPPED


@dataclass(frozen=True)
class Moment:
    """What is kept of a run after `images` images."""

    images: int
    phase: str
    snapshot: Snapshot | None
    measurement: RunMeasurement | None
    weights: Path | None
    """Of the snapshot, or the folder of a checkpoint."""
    generator: Generator | None
    """The one that was registered from here."""

    @property
    def overfitting(self) -> float | None:
        return self.snapshot.gap.overfitting if self.snapshot and self.snapshot.gap else None


def page_of(run: TrainingRun) -> dict[str, Any]:
    """The context of the page's template."""
    config = TrainingConfig.from_json(run.config)
    images_in_all = round(config.kimg * 1000)
    moments = moments_of(run, config)
    measurements = [moment.measurement for moment in moments if moment.measurement]
    gaps = [(moment.images, moment.overfitting) for moment in moments if moment.overfitting is not None]
    return {
        "state": state_of(run),
        "job": _jobs(run).first(),
        "phase": _named(phase_at(run.images_shown, config)),
        "images_in_all": images_in_all,
        "share": min(100, 100 * run.images_shown // images_in_all),
        "time_left": _time_left(run, config),
        "latest": next((moment for moment in reversed(moments) if moment.snapshot), None),
        "course": course(config, measurements, gaps) if measurements or gaps else "",
        "measured": measurements[-1] if measurements else None,
        "overfitting": gaps[-1][1] if gaps else None,
        "unmeasured": _unmeasured(run),
        "moments": moments[::-1],
    }


def moments_of(run: TrainingRun, config: TrainingConfig) -> list[Moment]:
    """All moments of which something is kept, oldest first."""
    kept = {snapshot.images: snapshot for snapshot in snapshots(run.folder)}
    measured = {row.images_shown: row for row in run.measurements.all()}
    saved = saved_weights(run)
    generators = {row.images_shown: row for row in run.generators.all()}
    return [
        Moment(
            images=images,
            phase=_named(kept[images].phase if images in kept else phase_at(images, config)),
            snapshot=kept.get(images),
            measurement=measured.get(images),
            weights=saved.get(images),
            generator=generators.get(images),
        )
        for images in sorted({*kept, *measured, *saved})
    ]


def saved_weights(run: TrainingRun) -> dict[int, Path]:
    """By images shown the weights that can become a generator: a snapshot's file, or else a checkpoint's folder."""
    of_checkpoints = {int(folder.name.removeprefix("checkpoint-")): folder for folder in checkpoints(run.folder)}
    of_snapshots = {row.images: row.generator for row in snapshots(run.folder) if row.generator.exists()}
    return of_checkpoints | of_snapshots


def _unmeasured(run: TrainingRun) -> AuditRow | None:
    """The last snapshot that could not be measured, where that has not been made up for."""
    row = AuditRow.objects.filter(subject=f"training run:{run}", action="snapshot not measured").first()
    return row if row and not run.measurements.filter(images_shown=row.detail["images_shown"]).exists() else None


def _named(phase: Phase) -> str:
    words = gettext("%(side)d², fading in") if phase.fading else gettext("%(side)d²")
    return words % {"side": phase.resolution}


def _time_left(run: TrainingRun, config: TrainingConfig) -> str:
    """Until the end of the present resolution at the present speed: the ones after it are slower."""
    if not run.images_per_second:
        return ""
    end, resolution = 0.0, phase_at(run.images_shown, config).resolution
    for side, fade, stable in spans(config):
        if side <= resolution:
            end += fade + stable
    seconds = max(0.0, end - run.images_shown) / run.images_per_second
    now = timezone.now()
    left = timesince(now, now + timedelta(seconds=seconds)) if seconds >= 60 else gettext("less than a minute")
    if resolution == config.resolution:
        return left
    return gettext("%(left)s at %(side)d², then larger films, which take longer") % {"left": left, "side": resolution}


def _jobs(run: TrainingRun) -> JobQuerySet:
    begun = Q(task=tasks.train.module_path, arguments__name=run.name)
    resumed = Q(task=tasks.resume.module_path, arguments__run=run.pk)
    return Job.objects.filter(begun | resumed)
