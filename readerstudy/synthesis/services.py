"""Every write to synthesis: training runs here, generators and drawn batches in the modules beside."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from collections.abc import Generator as Closable
from contextlib import closing, contextmanager

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Min
from django.utils import timezone
from django.utils.translation import gettext as _

from gan.cache import FilmCache, build
from gan.checkpoint import checkpoints
from gan.config import TrainingConfig
from gan.pixels import Film, film_hash, read_film
from gan.provenance import FilmProvenance, key_fingerprint
from gan.stopping import TrainingStopped, until_stopped
from gan.training import Figures, TrainingDiverged, train
from readerstudy.archive.models import Collection, Radiograph, RadiographQuerySet, Split, Truth
from readerstudy.audit.models import record
from readerstudy.names import find_by_name
from readerstudy.progress import Progress, Silent
from readerstudy.synthesis.drawing import generate_radiographs
from readerstudy.synthesis.generators import find_generator, register_generator
from readerstudy.synthesis.models import Generator, TrainingRun

__all__ = [
    "find_generator",
    "generate_radiographs",
    "register_generator",
    "require_trainable",
    "side_to_train_on",
    "train_gan",
]


def train_gan(
    *,
    name: str,
    collection: Collection,
    config: TrainingConfig,
    actor: str,
    split: str = Split.UNKNOWN,
    resume: bool = False,
    progress: Progress | None = None,
    should_stop: Callable[[], bool] = lambda: False,
) -> Generator:
    """Train a generator on the films of a collection, on one side of its split, and register it under the run's name.

    With `resume` the run of that name goes on where it was saved, if it was begun with the same films and
    configuration. Raises ValidationError where it cannot begin or diverges, TrainingStopped where it was asked to stop.
    What ends before anything was saved leaves neither row nor folder, so its name is free again.
    """
    progress = progress or Silent()
    run = _continued(name, collection, split, config) if resume else _begun(name, collection, split, config, actor)
    reporter = _Reporter(config, progress, should_stop)
    with _kept_once_saved(run, actor):
        try:
            cache = _cache(run, config, progress, should_stop, resume=resume)
            reporter.begin()
            path = train(config, cache, run.folder, resume=resume, progress=reporter, should_stop=reporter.stop_asked)
        except TrainingStopped:
            if reporter.images:
                _note_images(run, reporter.images, actor, "training stopped")
            # What stopped it may have been the job's own cancellation, which ends the job in its own way.
            if reporter.interruption:
                raise reporter.interruption from None
            raise
        except (OSError, ValueError, TrainingDiverged) as error:
            raise ValidationError(_("Training “%(run)s”: %(reason)s") % {"run": run, "reason": error}) from error
    with transaction.atomic():
        _note_images(run, reporter.images, actor, "training finished")
        TrainingRun.objects.filter(pk=run.pk).update(finished_at=timezone.now())
        return register_generator(name=name, path=path, run=run, actor=actor)


class _Reporter:
    """Carries the figures of training to a progress, and the wish to stop back."""

    def __init__(self, config: TrainingConfig, progress: Progress, should_stop: Callable[[], bool]) -> None:
        self._total = round(config.kimg * 1000)
        self._progress, self._should_stop = progress, should_stop
        self.images = 0
        self.interruption: Exception | None = None

    def begin(self) -> None:
        self._progress.start(self._total, _("Training, images shown"))

    def __call__(self, figures: Figures) -> None:
        steps = min(figures.images, self._total) - min(self.images, self._total)
        self.images = figures.images
        try:
            self._progress.advance(steps)
        except Exception as interruption:
            # A progress may raise to end the work, but training has to save itself first.
            self.interruption = interruption

    def stop_asked(self) -> bool:
        return self.interruption is not None or self._should_stop()


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
        if not checkpoints(run.folder):
            subject = f"training run:{run}"
            with transaction.atomic():
                run.delete()
                record(actor=actor, action="untrained run removed", subject=subject, reason=_reason(error))
            shutil.rmtree(run.folder, ignore_errors=True)
        raise


def _reason(error: BaseException) -> str:
    return " ".join(error.messages) if isinstance(error, ValidationError) else str(error) or type(error).__name__


def _cache(
    run: TrainingRun, config: TrainingConfig, progress: Progress, should_stop: Callable[[], bool], *, resume: bool
) -> FilmCache:
    """The films of the run, read once: a run that is continued takes the cache that it began with."""
    folder = run.folder / "cache"
    if resume and folder.exists():
        return FilmCache(folder)
    films = Radiograph.objects.filter(collection=run.collection).in_split(run.split)
    count = films.count()
    if not count:
        raise ValueError(_no_films())
    progress.start(count, _("Reading films"))
    # Closed at once where reading ends early, while there still is a connection to close the query on.
    with closing(_films(films, progress)) as read:
        return build(
            until_stopped(read, should_stop),
            count,
            folder,
            resolution=config.resolution,
            levels=films.aggregate(coarsest=Min("levels"))["coarsest"],
            patient_key=key_fingerprint(settings.PSEUDONYM_KEY),
        )


def _films(films: RadiographQuerySet, progress: Progress) -> Closable[tuple[Film, FilmProvenance], None, None]:
    with closing(films.order_by("film_hash").iterator()) as rows:  # type: ignore[type-var]
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
