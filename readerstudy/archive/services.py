"""Every write to the archive: collections, films."""

from __future__ import annotations

from collections.abc import Iterable

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from gan.pixels import Film, film_hash, write_film
from readerstudy.archive.models import Collection, Radiograph, RadiographFinding, Split
from readerstudy.audit.models import record


class AlreadyPresent(ValidationError):
    """The collection holds a film from this place in its source already."""


class ExactDuplicate(ValidationError):
    """The collection holds a film of the same canonical pixels already."""


def create_collection(*, name: str, truth: str, origin: str, actor: str, licence: str = "") -> Collection:
    """Begin a collection."""
    collection = Collection(name=name, truth=truth, origin=origin, licence=licence)
    collection.full_clean()
    with transaction.atomic():
        collection.save()
        record(
            actor=actor,
            action="collection created",
            subject=f"collection:{collection}",
            truth=truth,
            origin=origin,
            licence=licence,
        )
    return collection


def store_film(
    *,
    collection: Collection,
    film: Film,
    source_path: str,
    levels: int,
    native_shape: tuple[int, int] | None = None,
    patient: str = "",
    phantom_seed: int | None = None,
    age: int | None = None,
    sex: str = "",
    view: str = "",
    split: str = Split.UNKNOWN,
    findings: Iterable[str] = (),
) -> Radiograph:
    """Store one film in canonical form with what is known of it; all of it or nothing.

    `film` comes from `gan.pixels.canonical`; `source_path` says where it came from, once in its collection. `levels` is
    how many greys the source can hold, `native_shape` its rows and columns where they differ from the film's, `patient`
    the pseudonym (`gan.provenance.patient_hash`). No findings means that they are not known.

    Raises AlreadyPresent or ExactDuplicate, and ValidationError for values that no film can have. Writes no audit row:
    the caller records the whole act of which this film is a part.
    """
    rows, columns = native_shape or film.shape
    hashed = film_hash(film)
    radiograph = Radiograph(
        collection=collection,
        source_path=source_path,
        film=_place(collection, hashed),
        film_hash=hashed,
        side=len(film),
        native_rows=rows,
        native_columns=columns,
        levels=levels,
        patient=patient,
        phantom_seed=phantom_seed,
        age=age,
        sex=sex,
        view=view,
        split=split,
    )
    _refuse_what_is_there(radiograph)
    radiograph.full_clean()
    # The pixels come first: a row without its film would be a lie, a film without a row is written over next time.
    radiograph.path.parent.mkdir(parents=True, exist_ok=True)
    write_film(radiograph.path, film)
    with transaction.atomic():
        radiograph.save()
        _write_findings(radiograph, findings)
    return radiograph


def _place(collection: Collection, hashed: str) -> str:
    """Folders of some hundred films each, so that a file manager can open them."""
    return f"{collection.name}/{hashed[:2]}/{hashed}.png"


def _refuse_what_is_there(radiograph: Radiograph) -> None:
    there = Radiograph.objects.filter(collection=radiograph.collection)
    names = {"path": radiograph.source_path, "collection": radiograph.collection}
    if there.filter(source_path=radiograph.source_path).exists():
        raise AlreadyPresent(_("Collection “%(collection)s” holds %(path)s already.") % names)
    twin = there.filter(film_hash=radiograph.film_hash).values_list("source_path", flat=True).first()
    if twin is not None:
        raise ExactDuplicate(
            _("%(path)s has the same pixels as %(twin)s in collection “%(collection)s”.") % {**names, "twin": twin}
        )


def _write_findings(radiograph: Radiograph, findings: Iterable[str]) -> None:
    rows = [RadiographFinding(radiograph=radiograph, finding=finding) for finding in dict.fromkeys(findings)]
    for row in rows:
        row.full_clean(validate_unique=False, validate_constraints=False)
    RadiographFinding.objects.bulk_create(rows)
