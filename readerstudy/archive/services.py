"""Every write to the archive: collections, films."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from gan import phantom
from gan.phantom.film import DETECTOR_LEVELS
from gan.pixels import Film, film_hash, write_film
from gan.provenance import patient_hash
from readerstudy.archive.importing import sources
from readerstudy.archive.importing.found import FoundFilm, Known, Pixels, Refused, Source
from readerstudy.archive.importing.polarity import looks_negative
from readerstudy.archive.importing.summary import ImportSummary
from readerstudy.archive.models import Collection, Radiograph, RadiographFinding, RadiographQuerySet, Split, Truth
from readerstudy.audit.models import record
from readerstudy.names import find_by_name
from readerstudy.progress import Progress, Silent

# All phantoms come from one origin: two with one seed are the same patient in any collection.
PHANTOMS = "phantoms"
PHANTOMS_LICENCE = "Drawn by this software; shows no person."
PROCESSES = 2


class AlreadyPresent(ValidationError):
    """The collection holds a film from this place in its source already."""


class ExactDuplicate(ValidationError):
    """The collection holds a film of the same canonical pixels already."""


def find_collection(name: str) -> Collection:
    """A collection by name. Raises ValidationError that lists the names there are."""
    return find_by_name(Collection.objects.all(), name, _("There is no collection “%(name)s”; there are: %(names)s."))


def create_collection(*, name: str, truth: str, origin: str, actor: str, licence: str = "") -> Collection:
    """Begin a collection."""
    collection = Collection(name=name, truth=truth, origin=origin, licence=licence)
    collection.full_clean()
    try:
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
    except IntegrityError:
        # Another import may have begun it since its name was looked for.
        collection.validate_unique()
        raise
    return collection


def require_the_same(name: str, *, truth: str, origin: str, licence: str) -> Collection | None:
    """The collection of that name, if it is what is asked for; empty means whatever is there.

    None where there is none and it could be begun. Raises ValidationError where it is another one, or could not.
    """
    collection = Collection.objects.filter(name=name).first()
    if collection is None:
        Collection(name=name, truth=truth, origin=origin or name, licence=licence).clean_fields()
        return None
    for asked, there, what in (
        (truth, collection.truth, _("truth")),
        (origin, collection.origin, _("origin")),
        (licence, collection.licence, _("licence")),
    ):
        if asked and asked != there:
            raise ValidationError(
                _("Collection “%(collection)s” has the %(what)s “%(there)s”, not “%(asked)s”; name another one.")
                % {"collection": collection, "what": what, "there": there, "asked": asked}
            )
    return collection


def import_radiographs(
    *,
    path: Path,
    collection: str,
    truth: str,
    actor: str,
    form: str = "",
    origin: str = "",
    licence: str = "",
    progress: Progress | None = None,
) -> ImportSummary:
    """Bring all films below a folder into a collection, which is begun if there is none of that name.

    `form` is chestxray14, dicom or folder, and is recognised where it is not given. `origin` says within what patient
    ids are unique: unless given, what the form says, else the collection's name. A film that cannot come in is named in
    the summary and the rest come in; the same call again takes up where the last one stopped.

    Raises ValidationError, and changes nothing, where there is nothing to import or the collection is another one.
    """
    source = sources.find(path, form)
    target = _collection_for(source, collection, truth=truth, origin=origin, licence=licence, actor=actor)
    with transaction.atomic():
        record(
            actor=actor,
            action="import begun",
            subject=f"collection:{target}",
            path=str(path),
            form=source.form,
            found=len(source.films),
        )
    summary = _Import(target, source).run(progress or Silent())
    with transaction.atomic():
        record(actor=actor, action="import ended", subject=f"collection:{target}", path=str(path), **summary.counts())
    return summary


def require_for_phantoms(collection: str) -> None:
    """Raises ValidationError where the collection of that name holds other films, or could not be begun."""
    require_the_same(collection, truth=Truth.REAL, origin=PHANTOMS, licence=PHANTOMS_LICENCE)


def draw_phantoms(
    *,
    collection: str,
    count: int,
    seed: int,
    actor: str,
    side: int = 256,
    findings: Sequence[str] | None = None,
    progress: Progress | None = None,
) -> ImportSummary:
    """Draw the phantoms with seeds `seed` … `seed` + `count` - 1 into a collection, where they stand for real films.

    `findings` gives every phantom just these; None draws them at random. The same call again draws what is missing, and
    does nothing where nothing is. Raises ValidationError where that cannot be drawn, or the collection holds other
    films than phantoms.
    """
    progress = progress or Silent()
    require_for_phantoms(collection)
    _refuse_other_sides(collection, range(seed, seed + count), side)
    asked = f"{side}-{'-'.join(findings) if findings is not None else 'random'}-{seed}-{count}"
    folder = settings.FILMS / f".phantoms-{collection}-{asked}"
    present = _phantoms_present(collection, range(seed, seed + count))
    if present and len(present) == count:
        return ImportSummary(found=count, already_present=count)
    progress.start(count - len(present), _("Drawing"))
    drawn = 0

    def advance(done: int, _count: int) -> None:
        nonlocal drawn
        progress.advance(done - drawn)
        drawn = done

    try:
        phantom.draw_phantoms(folder, count, seed, side, findings, advance, PROCESSES, present)
    except ValueError as error:
        shutil.rmtree(folder, ignore_errors=True)
        raise ValidationError(str(error)) from error
    summary = import_radiographs(
        path=folder,
        collection=collection,
        truth=Truth.REAL,
        form="folder",
        origin=PHANTOMS,
        licence=PHANTOMS_LICENCE,
        actor=actor,
        progress=progress,
    )
    shutil.rmtree(folder)
    # Those that were there were not drawn again, so the import did not come across them.
    summary.already_present += count - summary.found
    summary.found = count
    return summary


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
    labels = [RadiographFinding(radiograph=radiograph, finding=finding) for finding in dict.fromkeys(findings)]
    for label in labels:
        label.clean_fields(exclude=["radiograph"])
    # The pixels come first: a row without its film would be a lie, a film without a row is written over next time.
    radiograph.path.parent.mkdir(parents=True, exist_ok=True)
    write_film(radiograph.path, film)
    try:
        with transaction.atomic():
            radiograph.save()
            RadiographFinding.objects.bulk_create(labels)
    except IntegrityError:
        # Another import may have stored the same film since it was looked for.
        _refuse_what_is_there(radiograph)
        raise
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


def _collection_for(source: Source, name: str, *, truth: str, origin: str, licence: str, actor: str) -> Collection:
    """The collection of that name, begun if need be. Raises ValidationError where it differs from what is asked for."""
    collection = require_the_same(name, truth=truth, origin=origin, licence=licence)
    if collection is None:
        origin = origin or source.origin or name
        return create_collection(name=name, truth=truth, origin=origin, licence=licence, actor=actor)
    return collection


def _phantoms(collection: str, seeds: range) -> RadiographQuerySet:
    return Radiograph.objects.filter(
        collection__name=collection, phantom_seed__gte=seeds.start, phantom_seed__lt=seeds.stop
    )


def _phantoms_present(collection: str, seeds: range) -> set[int]:
    return {seed for seed in _phantoms(collection, seeds).values_list("phantom_seed", flat=True) if seed is not None}


def _refuse_other_sides(collection: str, seeds: range, side: int) -> None:
    """A phantom that is there with another side would be counted as present, though it is not what was asked for."""
    other = _phantoms(collection, seeds).exclude(side=side).first()
    if other is not None:
        raise ValidationError(
            _("Collection “%(collection)s” holds phantom %(seed)d with a side of %(side)d; name another one.")
            % {"collection": collection, "seed": other.phantom_seed, "side": other.side}
        )


class _Import:
    """One source on its way into one collection."""

    def __init__(self, collection: Collection, source: Source) -> None:
        self._collection = collection
        self._source = source
        self._summary = ImportSummary(found=len(source.films), notes=list(source.notes))
        films = Radiograph.objects.filter(collection=collection)
        self._present = set(films.values_list("source_path", flat=True))
        self._sides = _sides_of_patients(films)
        self._two_sided = self._patients_on_both_sides()
        self._instances: dict[str, str] = {}

    def run(self, progress: Progress) -> ImportSummary:
        progress.start(len(self._source.films), _("Importing"))
        for found in self._source.films:
            try:
                self._bring_in(found)
            # Files that cannot be read are refused before; what is left is a disk that cannot be written.
            except OSError as error:
                raise ValidationError(
                    _("The import stopped at %(path)s: %(reason)s. Mend that and give the same command again.")
                    % {"path": found.source_path, "reason": error.strerror}
                ) from error
            progress.advance()
        return self._summary

    def _bring_in(self, found: FoundFilm) -> None:
        summary, place = self._summary, found.source_path
        if place in self._present:
            summary.already_present += 1
            self._remember(found)
            return
        try:
            self._refuse_synthetic_among_real(found.known)
            patient = self._patient(found.known)
            self._refuse_both_sides(patient, found.known.split)
            pixels = found.read()
            self._store(found, pixels, patient)
        except Refused as error:
            summary.refused[place] = str(error)
        except AlreadyPresent:
            summary.already_present += 1
            self._remember(found)
        except ExactDuplicate:
            summary.duplicates += 1
        else:
            summary.imported += 1
            self._remember(found)
            self._note_doubts(found, pixels)

    def _refuse_synthetic_among_real(self, known: Known) -> None:
        if known.is_synthetic and self._collection.truth == Truth.REAL:
            raise Refused(_("Its header says that it is synthetic; bring it into a collection of synthetic films."))

    def _store(self, found: FoundFilm, pixels: Pixels, patient: str) -> None:
        known = found.known
        twin = self._instances.get(found.instance)
        if twin is not None and not self._is_there(pixels.film):
            raise Refused(_("It has the SOP Instance UID of %(twin)s, but other pixels.") % {"twin": twin})
        try:
            store_film(
                collection=self._collection,
                film=pixels.film,
                source_path=found.source_path,
                # A phantom lies on its detector's steps, whatever its file could hold.
                levels=pixels.levels if known.phantom_seed is None else min(pixels.levels, DETECTOR_LEVELS),
                native_shape=pixels.native_shape,
                patient=patient,
                phantom_seed=known.phantom_seed,
                age=known.age,
                sex=known.sex,
                view=known.view,
                split=known.split,
                findings=known.findings,
            )
        except (AlreadyPresent, ExactDuplicate):
            raise
        except ValidationError as error:
            raise Refused(" ".join(error.messages)) from error

    def _is_there(self, film: Film) -> bool:
        return Radiograph.objects.filter(collection=self._collection, film_hash=film_hash(film)).exists()

    def _remember(self, found: FoundFilm) -> None:
        if found.instance:
            self._instances.setdefault(found.instance, found.source_path)

    def _note_doubts(self, found: FoundFilm, pixels: Pixels) -> None:
        doubts = [*found.doubts, *pixels.doubts]
        if looks_negative(pixels.film):
            doubts.append(_("The chest is darker than what surrounds it: a negative, or a white border."))
        if doubts:
            self._summary.doubts[found.source_path] = " ".join(doubts)

    def _patient(self, known: Known) -> str:
        if not known.patient_id:
            return ""
        return patient_hash(settings.PSEUDONYM_KEY, self._collection.origin, known.patient_id)

    def _patients_on_both_sides(self) -> set[str]:
        """Patients of whom this source has, or this source and the collection have, films on both sides."""
        sides = {patient: set(there) for patient, there in self._sides.items()}
        for film in self._source.films:
            patient = self._patient(film.known)
            if patient and film.known.split:
                sides.setdefault(patient, set()).add(film.known.split)
        return {patient for patient, there in sides.items() if len(there) > 1}

    def _refuse_both_sides(self, patient: str, split: str) -> None:
        """A generator must not have seen a patient who is held out, so such a patient's films stay outside."""
        if split and patient in self._two_sided and self._sides.get(patient) != {split}:
            raise Refused(_("Its patient has films on both sides of the split."))


def _sides_of_patients(films: RadiographQuerySet) -> dict[str, set[str]]:
    sides: dict[str, set[str]] = {}
    for patient, split in films.exclude(patient="").exclude(split="").values_list("patient", "split").distinct():
        sides.setdefault(patient, set()).add(split)
    return sides
