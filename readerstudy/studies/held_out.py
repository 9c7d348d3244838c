"""What the generators of a study were trained on, and whether its real films were kept from them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from gan.drawing import describe_generator
from gan.provenance import FilmProvenance, key_fingerprint
from readerstudy.studies.models import Arm
from readerstudy.studies.selection import Candidate
from readerstudy.synthesis.models import Generator


@dataclass(frozen=True)
class TrainingFilms:
    """Everything by which a film can be found to have been seen by one generator."""

    generator: Generator
    films: frozenset[str]
    patients: frozenset[str]
    phantom_seeds: frozenset[int]
    of_unknown_patient: int
    """Training films that can only be compared by their pixels."""

    def saw(self, candidate: Candidate) -> bool:
        return (
            candidate.film_hash in self.films
            or candidate.patient in self.patients
            or candidate.phantom_seed in self.phantom_seeds
        )


def training_films(generator: Generator) -> TrainingFilms:
    """Read what the file beside a generator's weights says. Raises ValidationError where it cannot be relied on."""
    try:
        description = describe_generator(generator.file)
    except (OSError, ValueError) as error:
        raise ValidationError(
            _("Generator “%(generator)s” cannot say what it was trained on: %(reason)s")
            % {"generator": generator, "reason": error}
        ) from error
    if description["sha256"] != generator.sha256:
        raise ValidationError(
            _("%(path)s no longer holds the weights of generator “%(generator)s”; register the file again.")
            % {"path": generator.file, "generator": generator}
        )
    films = [FilmProvenance(**row) for row in description["films"]]
    # A hash made under another key names the same patient differently, so it cannot be compared.
    comparable = description["patient_key"] == key_fingerprint(settings.PSEUDONYM_KEY)
    patients = frozenset(film.patient_hash for film in films if film.patient_hash and comparable)
    seeds = frozenset(film.phantom_seed for film in films if film.phantom_seed is not None)
    unknown = [film for film in films if film.phantom_seed is None and not (film.patient_hash and comparable)]
    return TrainingFilms(generator, frozenset(film.film_hash for film in films), patients, seeds, len(unknown))


def require_held_out(arm: Arm, candidates: Iterable[Candidate], training: Iterable[TrainingFilms]) -> None:
    """Refuse an arm of real films that could draw a film, patient or phantom that a generator was trained on."""
    for trained in training:
        seen = sum(trained.saw(candidate) for candidate in candidates)
        if seen:
            raise ValidationError(
                ngettext(
                    "%(seen)d of the films that arm “%(arm)s” may draw belongs to a patient or phantom that generator "
                    "“%(generator)s” was trained on; give the arm the held-out split or another collection.",
                    "%(seen)d of the films that arm “%(arm)s” may draw belong to patients or phantoms that generator "
                    "“%(generator)s” was trained on; give the arm the held-out split or another collection.",
                    seen,
                )
                % {"seen": seen, "arm": arm.name, "generator": trained.generator}
            )


def what_is_not_known(
    real: Iterable[tuple[Arm, list[Candidate]]],
    training: Iterable[TrainingFilms],
    without_generator: Iterable[tuple[Arm, int]],
    by_classifier: Iterable[Arm],
) -> list[str]:
    """A sentence for each gap that keeps anybody from knowing that real films were held out; empty is best.

    `without_generator` gives, for an arm of synthetic films, how many of them were drawn by no registered generator;
    `by_classifier` the arms whose films a classifier accepted, of which nothing but its name is known here.
    """
    gaps = []
    for arm, candidates in real:
        unknown = sum(not candidate.patient and candidate.phantom_seed is None for candidate in candidates)
        if unknown:
            gaps.append(
                _("Arm “%(arm)s”: %(unknown)d films have no known patient.") % {"arm": arm.name, "unknown": unknown}
            )
    for trained in training:
        if trained.of_unknown_patient:
            gaps.append(
                _(
                    "Generator “%(generator)s”: %(unknown)d training films have no patient known under this "
                    "installation's key; their pixels alone were compared."
                )
                % {"generator": trained.generator, "unknown": trained.of_unknown_patient}
            )
    for arm, count in without_generator:
        if count:
            gaps.append(
                _("Arm “%(arm)s”: %(count)d films come from a generator that is not registered.")
                % {"arm": arm.name, "count": count}
            )
    gaps += [
        _("Arm “%(arm)s”: it is not known which films the classifier was trained on (%(detail)s).")
        % {"arm": arm.name, "detail": arm.selection_detail}
        for arm in by_classifier
    ]
    return gaps
