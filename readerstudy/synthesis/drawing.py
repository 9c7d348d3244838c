"""Drawing films from a registered generator into the archive."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from gan.drawing import Drawer
from gan.hardware import choose_hardware
from gan.pixels import Film
from readerstudy.archive.models import Collection, Truth
from readerstudy.archive.services import create_collection, store_film
from readerstudy.audit.models import record
from readerstudy.progress import Progress, Silent
from readerstudy.synthesis.models import Batch, DrawnFilm, Generator


def generate_radiographs(
    *,
    generator: Generator,
    collection: str,
    count: int,
    first_seed: int,
    actor: str,
    truncation: float = 1.0,
    device: str = "cpu",
    progress: Progress | None = None,
) -> Batch:
    """Draw `count` films with the seeds first_seed, first_seed + 1, … into a collection of synthetic films.

    The collection is made where there is none. A batch that was interrupted goes on when it is asked for again: films
    that are there stay. Raises ValidationError where seeds overlap with another batch or the weights have changed.
    """
    drawer = drawer_of(generator, device)
    batch = _batch(generator, collection, count, first_seed, truncation, actor)
    drawn = set(batch.films.values_list("seed", flat=True))
    missing = [seed for seed in range(first_seed, first_seed + count) if seed not in drawn]
    progress = progress or Silent()
    progress.start(count, _("Drawing films"))
    progress.advance(len(drawn))
    for seed, film in zip(missing, _films(batch, drawer, missing), strict=True):
        _store(batch, seed, film)
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


def drawer_of(generator: Generator, device: str = "cpu") -> Drawer:
    """A registered generator, ready to draw. Raises ValidationError where its file is not what it was."""
    try:
        drawer = Drawer(generator.file, choose_hardware(device).device)
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


def _films(batch: Batch, drawer: Drawer, seeds: list[int]) -> Iterator[Film]:
    try:
        yield from drawer.stream(seeds, batch.truncation)
    except ValueError as error:
        raise ValidationError(
            _("Generator “%(generator)s” cannot draw: %(reason)s") % {"generator": batch.generator, "reason": error}
        ) from error


def _store(batch: Batch, seed: int, film: Film) -> None:
    with transaction.atomic():
        radiograph = store_film(
            collection=batch.collection,
            film=film,
            source_path=f"{batch.generator.name}/{seed}",
            levels=batch.generator.levels,
        )
        DrawnFilm.objects.create(radiograph=radiograph, batch=batch, seed=seed)
