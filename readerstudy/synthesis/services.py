"""Every write to synthesis: training runs, generators, drawn batches."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from collections.abc import Generator as Closable
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Min
from django.utils import timezone
from django.utils.translation import gettext as _

from gan.cache import FilmCache, build
from gan.checkpoint import checkpoints
from gan.config import TrainingConfig
from gan.drawing import Drawer, describe_generator
from gan.pixels import Film, film_hash, read_film
from gan.provenance import FilmProvenance, key_fingerprint
from gan.stopping import TrainingStopped, until_stopped
from gan.training import Figures, TrainingDiverged, train
from readerstudy.archive.models import Collection, Radiograph, RadiographQuerySet, Split, Truth
from readerstudy.archive.services import create_collection, store_film
from readerstudy.audit.models import record
from readerstudy.names import find_by_name
from readerstudy.progress import Progress, Silent
from readerstudy.synthesis.models import Batch, DrawnFilm, Generator, TrainingRun


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


def register_generator(*, name: str, path: Path, actor: str, run: TrainingRun | None = None) -> Generator:
    """Make a generator's file known; one that lies outside `settings.HOME` is copied there, with its .json.

    Raises ValidationError where it is no generator's, or is registered already.
    """
    try:
        description = describe_generator(path)
        config = TrainingConfig.from_json(description["config"])
    except (OSError, ValueError, KeyError) as error:
        raise ValidationError(_("%(path)s is not a generator: %(reason)s") % {"path": path, "reason": error}) from error
    generator = Generator(
        name=name,
        run=run,
        path=_place_at_home(path, description["sha256"]).as_posix(),
        sha256=description["sha256"],
        resolution=config.resolution,
        levels=description["levels"],
        images_shown=description["images"],
    )
    generator.full_clean()
    if not generator.file.exists():
        _copy(path, generator.file)
    with transaction.atomic():
        generator.save()
        record(
            actor=actor,
            action="generator registered",
            subject=f"generator:{generator}",
            sha256=generator.sha256,
            images_shown=generator.images_shown,
        )
    return generator


def generate_radiographs(
    *,
    generator: Generator,
    collection: str,
    count: int,
    first_seed: int,
    actor: str,
    truncation: float = 1.0,
    progress: Progress | None = None,
) -> Batch:
    """Draw `count` films with the seeds first_seed, first_seed + 1, … into a collection of synthetic films.

    The collection is made where there is none. A batch that was interrupted goes on when it is asked for again: films
    that are there stay. Raises ValidationError where seeds overlap with another batch or the weights have changed.
    """
    drawer = _drawer(generator)
    batch = _batch(generator, collection, count, first_seed, truncation, actor)
    drawn = set(batch.films.values_list("seed", flat=True))
    missing = [seed for seed in range(first_seed, first_seed + count) if seed not in drawn]
    progress = progress or Silent()
    progress.start(count, _("Drawing films"))
    progress.advance(len(drawn))
    for seed in missing:
        _draw(batch, drawer, seed)
        progress.advance()
    if missing:
        record(
            actor=actor,
            action="films drawn",
            subject=f"collection:{batch.collection}",
            generator=generator.name,
            first_seed=first_seed,
            count=count,
            drawn=len(missing),
            truncation=truncation,
        )
    return batch


def find_generator(name: str) -> Generator:
    """A generator by name. Raises ValidationError that lists the names there are."""
    return find_by_name(Generator.objects.all(), name, _("There is no generator “%(name)s”; there are: %(names)s."))


# Training


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


# Weights


def _place_at_home(path: Path, sha256: str) -> Path:
    """Where a generator's file lies, or will lie, below `settings.HOME`."""
    home = settings.HOME.resolve()
    if path.resolve().is_relative_to(home):
        return path.resolve().relative_to(home)
    return Path("generators") / f"{sha256}.safetensors"


def _copy(path: Path, to: Path) -> None:
    """Copy weights with their .json, each whole or not at all, the weights last."""
    to.parent.mkdir(parents=True, exist_ok=True)
    for suffix in (".json", ".safetensors"):
        partial = to.with_suffix(f"{suffix}.partial")
        shutil.copyfile(path.with_suffix(suffix), partial)
        partial.replace(to.with_suffix(suffix))


# Drawing


def _drawer(generator: Generator) -> Drawer:
    try:
        drawer = Drawer(generator.file)
    except (OSError, ValueError) as error:
        raise ValidationError(
            _("Generator “%(generator)s” cannot draw: %(reason)s") % {"generator": generator, "reason": error}
        ) from error
    if drawer.sha256 != generator.sha256:
        raise ValidationError(
            _("%(path)s no longer holds the weights of generator “%(generator)s”; register the file again.")
            % {"path": generator.file, "generator": generator}
        )
    return drawer


def _batch(generator: Generator, collection: str, count: int, first_seed: int, truncation: float, actor: str) -> Batch:
    """The batch that this call begins or, where it is the same call again, goes on with."""
    with transaction.atomic():
        into = Collection.objects.filter(name=collection).first() or create_collection(
            name=collection, truth=Truth.SYNTHETIC, origin=f"generator {generator}", actor=actor
        )
        if into.truth != Truth.SYNTHETIC:
            raise ValidationError(
                _("Collection “%(collection)s” holds real films; choose another name for the drawn ones.")
                % {"collection": into}
            )
        of: dict[str, Any] = {"generator": generator, "collection": into}
        asked: dict[str, Any] = {"first_seed": first_seed, "count": count, "truncation": truncation}
        same = Batch.objects.filter(**of, **asked).first()
        if same:
            return same
        batch = Batch(**of, **asked)
        batch.full_clean()
        _refuse_overlap(batch)
        batch.save()
    return batch


def _refuse_overlap(batch: Batch) -> None:
    for other in Batch.objects.filter(generator=batch.generator, collection=batch.collection):
        if other.first_seed < batch.first_seed + batch.count and batch.first_seed < other.first_seed + other.count:
            raise ValidationError(
                _("Collection “%(collection)s” has a batch with the seeds %(first)d to %(last)d; begin elsewhere.")
                % {
                    "collection": batch.collection,
                    "first": other.first_seed,
                    "last": other.first_seed + other.count - 1,
                }
            )


def _draw(batch: Batch, drawer: Drawer, seed: int) -> None:
    try:
        (film,) = drawer.films([seed], batch.truncation)
    except ValueError as error:
        raise ValidationError(
            _("Generator “%(generator)s” cannot draw the film of seed %(seed)d: %(reason)s")
            % {"generator": batch.generator, "seed": seed, "reason": error}
        ) from error
    with transaction.atomic():
        radiograph = store_film(
            collection=batch.collection,
            film=film,
            source_path=f"{batch.generator.name}/{seed}",
            levels=batch.generator.levels,
        )
        DrawnFilm.objects.create(radiograph=radiograph, batch=batch, seed=seed)
