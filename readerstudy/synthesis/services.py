"""Every write to synthesis: training runs here, generators and drawn batches in the modules beside."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from collections.abc import Generator as Closable
from contextlib import closing, contextmanager
from pathlib import Path

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Min
from django.utils import timezone
from django.utils.translation import gettext as _

from gan.cache import FilmCache, build
from gan.checkpoint import checkpoints
from gan.config import TrainingConfig
from gan.hardware import Hardware, choose_hardware
from gan.pixels import Film, film_hash, read_film
from gan.provenance import FilmProvenance, key_fingerprint
from gan.state import TrainingDiverged
from gan.stopping import TrainingStopped, until_stopped
from gan.training import FILMS_OF_GAP, train
from readerstudy.archive.models import Collection, Radiograph, RadiographQuerySet, Split, Truth
from readerstudy.audit.models import record
from readerstudy.names import find_by_name
from readerstudy.progress import Progress, Silent
from readerstudy.synthesis.drawing import generate_radiographs
from readerstudy.synthesis.generators import find_generator, register_generator
from readerstudy.synthesis.measuring import MEASURED_FILMS, Meter
from readerstudy.synthesis.models import Generator, TrainingRun
from readerstudy.synthesis.running import is_trained_now, training_of
from readerstudy.synthesis.watching import Watch, reason_of

__all__ = [
    "find_generator",
    "generate_radiographs",
    "register_generator",
    "require_resumable",
    "require_trainable",
    "side_to_train_on",
    "stop_training",
    "train_gan",
]


def train_gan(
    *,
    name: str,
    collection: Collection,
    config: TrainingConfig,
    actor: str,
    split: str = Split.UNKNOWN,
    hardware: Hardware | None = None,
    measured_films: int = MEASURED_FILMS,
    resume: bool = False,
    progress: Progress | None = None,
    should_stop: Callable[[], bool] = lambda: False,
) -> Generator:
    """Train a generator on the films of a collection, on one side of its split, and register it under the run's name.

    What its snapshots draw is set against real films, `measured_films` a side and of the other side of the split where
    there is one; 0 measures nothing. With `resume` the run of that name goes on where it was saved, if it was begun
    with the same films and configuration. Raises ValidationError where it cannot begin or diverges, TrainingStopped
    where it was asked to stop. What ends before anything was saved leaves neither row nor folder, so its name is free
    again.
    """
    run = _continued(name, collection, split, config) if resume else _begun(name, collection, split, config, actor)
    watch = Watch(run, progress or Silent(), should_stop, actor)
    with training_of(run), _kept_once_saved(run, actor), closing(watch):
        TrainingRun.objects.filter(pk=run.pk).update(stop_requested=False)
        try:
            path = _trained(run, watch, hardware, measured_films, resume=resume)
        except TrainingStopped:
            if watch.images:
                _note_images(run, watch.images, actor, "training stopped")
            # What stopped it may have been the job's own cancellation, which ends the job in its own way.
            if watch.interruption:
                raise watch.interruption from None
            raise
        except (OSError, ValueError, TrainingDiverged) as error:
            raise ValidationError(_("Training “%(run)s”: %(reason)s") % {"run": run, "reason": error}) from error
    with transaction.atomic():
        _note_images(run, watch.images, actor, "training finished")
        TrainingRun.objects.filter(pk=run.pk).update(finished_at=timezone.now())
        return register_generator(name=name, path=path, run=run, actor=actor)


def stop_training(*, run: TrainingRun, actor: str) -> None:
    """Ask a run that is being trained, by a job or by a command, to save itself and stop."""
    if not is_trained_now(run):
        raise ValidationError(
            _("Training run “%(run)s” is not being trained now, so there is nothing to stop.") % {"run": run}
        )
    with transaction.atomic():
        TrainingRun.objects.filter(pk=run.pk).update(stop_requested=True)
        record(actor=actor, action="training asked to stop", subject=f"training run:{run}")


def require_resumable(run: TrainingRun) -> TrainingConfig:
    """The configuration that a run goes on with. Raises ValidationError where it is under way, or cannot go on."""
    if is_trained_now(run):
        raise ValidationError(_("Training run “%(run)s” is being trained already.") % {"run": run})
    try:
        config = TrainingConfig.from_json(run.config)
    except (TypeError, ValueError) as error:
        raise ValidationError(_("Training run “%(run)s”: %(reason)s") % {"run": run, "reason": error}) from error
    _continued(run.name, run.collection, run.split, config)
    return config


def side_to_train_on(collection: Collection, asked: str) -> str:
    """The side of the split for “train”, “test” or “all”; for an empty word the training side wherever there is one."""
    if asked:
        return Split.UNKNOWN if asked == "all" else asked
    is_split = Radiograph.objects.filter(collection=collection, split=Split.TRAIN).exists()
    return Split.TRAIN if is_split else Split.UNKNOWN


def require_trainable(*, name: str, collection: Collection, split: str, config: TrainingConfig) -> None:
    """Refuse a training that could not be begun, or gone on with, under this name. Raises ValidationError."""
    if TrainingRun.objects.filter(name=name).exists():
        _continued(name, collection, split, config)
    else:
        _refuse_a_generators_name(name)
    if not Radiograph.objects.filter(collection=collection).in_split(split).exists():
        raise ValidationError(_no_films())


def _no_films() -> str:
    return _("There are no such films to train on; look at the collection and its split.")


def _begun(name: str, collection: Collection, split: str, config: TrainingConfig, actor: str) -> TrainingRun:
    if collection.truth != Truth.REAL:
        raise ValidationError(
            _("Collection “%(collection)s” holds synthetic films; a generator is trained on real ones.")
            % {"collection": collection}
        )
    if TrainingRun.objects.filter(name=name).exists():
        raise ValidationError(
            _("There is a training run “%(name)s” already; resume it or choose another name.") % {"name": name}
        )
    _refuse_a_generators_name(name)
    run = TrainingRun(name=name, collection=collection, split=split, config=config.to_json())
    run.full_clean()
    if checkpoints(run.folder):
        raise ValidationError(
            _("%(folder)s holds checkpoints of a run that is not known here; move it away or choose another name.")
            % {"folder": run.folder}
        )
    with transaction.atomic():
        run.save()
        record(
            actor=actor,
            action="training begun",
            subject=f"training run:{run}",
            collection=collection.name,
            split=split,
            config=run.config,
        )
    return run


def _continued(name: str, collection: Collection, split: str, config: TrainingConfig) -> TrainingRun:
    refusal = _("There is no training run “%(name)s” to resume; there are: %(names)s.")
    run = find_by_name(TrainingRun.objects.all(), name, refusal)
    if run.finished_at:
        raise ValidationError(_("Training run “%(name)s” is finished; begin another one.") % {"name": name})
    if (run.collection, run.split) != (collection, split) or TrainingConfig.from_json(run.config) != config:
        raise ValidationError(
            _(
                "Training run “%(name)s” was begun on other films or with another configuration; go on with it as it "
                "was begun, or choose another name."
            )
            % {"name": name}
        )
    _refuse_a_generators_name(name)
    return run


def _refuse_a_generators_name(name: str) -> None:
    """The generator takes the run's name at its end, which may be weeks away."""
    if Generator.objects.filter(name=name).exists():
        raise ValidationError(
            _("There is a generator “%(name)s” already; choose another name for the training.") % {"name": name}
        )


@contextmanager
def _kept_once_saved(run: TrainingRun, actor: str) -> Iterator[None]:
    """Take a run away again, with its folder, that ends in whatever way before its first checkpoint."""
    try:
        yield
    except BaseException as error:
        if not (checkpoints(run.folder) or run.measurements.exists() or run.generators.exists()):
            subject = f"training run:{run}"
            with transaction.atomic():
                run.delete()
                record(actor=actor, action="untrained run removed", subject=subject, reason=reason_of(error))
            shutil.rmtree(run.folder, ignore_errors=True)
        raise


def _trained(run: TrainingRun, watch: Watch, hardware: Hardware | None, measured_films: int, *, resume: bool) -> Path:
    config = TrainingConfig.from_json(run.config)
    cache = _cache(run, run.split, run.folder / "cache", watch, resume=resume)
    held_out = _held_out(run, max(2 * measured_films, FILMS_OF_GAP), watch, resume=resume)
    hardware = hardware or choose_hardware()
    watch.begin(Meter(run, cache, held_out, measured_films, hardware.device) if measured_films else None)
    path = train(
        config,
        cache,
        run.folder,
        resume=resume,
        held_out=held_out,
        hardware=hardware,
        progress=watch.figures,
        on_snapshot=watch.snapshot,
        should_stop=watch.stop_asked,
    )
    # Of the last snapshot: there was nothing left to stop.
    if watch.interruption:
        raise watch.interruption
    return path


def _held_out(run: TrainingRun, films: int, watch: Watch, *, resume: bool) -> FilmCache | None:
    """Some films of the side that the run does not train on; None where there is no such side."""
    if run.split == Split.UNKNOWN:
        return None
    other = Split.TEST if run.split == Split.TRAIN else Split.TRAIN
    if not Radiograph.objects.filter(collection=run.collection, split=other).exists():
        return None
    return _cache(run, other, run.folder / "held-out-cache", watch, films, resume=resume)


def _cache(
    run: TrainingRun, split: str, folder: Path, watch: Watch, most: int | None = None, *, resume: bool
) -> FilmCache:
    """The films of one side, `most` of them, read once: a run that is continued takes what it began with."""
    if resume and folder.exists():
        return FilmCache(folder)
    films = Radiograph.objects.filter(collection=run.collection).in_split(split).order_by("film_hash")[:most]
    count = films.count()
    if not count:
        raise ValueError(_no_films())
    watch.progress.start(count, _("Reading films"))
    # Closed at once where reading ends early, while there still is a connection to close the query on.
    with closing(_films(films, watch.progress)) as read:
        return build(
            until_stopped(read, watch.stop_asked),
            count,
            folder,
            resolution=run.config["resolution"],
            levels=films.aggregate(coarsest=Min("levels"))["coarsest"],
            patient_key=key_fingerprint(settings.PSEUDONYM_KEY),
        )


def _films(films: RadiographQuerySet, progress: Progress) -> Closable[tuple[Film, FilmProvenance], None, None]:
    with closing(films.iterator()) as rows:  # type: ignore[type-var]
        for radiograph in rows:
            film = read_film(radiograph.path)
            if film_hash(film) != radiograph.film_hash:
                raise ValueError(
                    _("%(path)s has changed since it came into the archive; import it again.")
                    % {"path": radiograph.path}
                )
            yield film, FilmProvenance(radiograph.film_hash, radiograph.patient or None, radiograph.phantom_seed)
            progress.advance()


def _note_images(run: TrainingRun, images: int, actor: str, action: str) -> None:
    with transaction.atomic():
        TrainingRun.objects.filter(pk=run.pk).update(images_shown=images)
        record(actor=actor, action=action, subject=f"training run:{run}", images_shown=images)
