"""Which films a study gets: drawn from its arms by its seed, after all that a design can get wrong was refused."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from random import Random

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from readerstudy.archive.models import Collection, Radiograph, RadiographFinding
from readerstudy.studies import held_out, pairing
from readerstudy.studies.models import Arm, Case, Study, opaque_code
from readerstudy.studies.ordering import most_repeats
from readerstudy.studies.pairing import Matching
from readerstudy.studies.purpose_blind import refuse_what_cannot_be_blind
from readerstudy.studies.selection import Candidate, Draw, Profile, TooFewFilms, profile_shares
from readerstudy.synthesis.models import Batch, Generator


@dataclass(frozen=True)
class Source:
    """What one arm draws from."""

    arm: Arm
    candidates: list[Candidate]
    batches: dict[int, Batch] = field(default_factory=dict)
    """The batch of every synthetic film that a registered generator drew, by radiograph."""

    @property
    def generators(self) -> dict[int, Generator]:
        return {batch.generator_id: batch.generator for batch in self.batches.values()}


@dataclass(frozen=True)
class DrawnCase:
    """A film that was drawn into a study, under the code that its case will carry."""

    arm: Arm
    kind: Case.Kind
    candidate: Candidate
    code: str = field(default_factory=opaque_code)
    pair: int | None = None
    """The number that two films share which are shown side by side."""


@dataclass(frozen=True)
class Selection:
    """The films of a study, before they are rendered."""

    sources: list[Source]
    cases: list[DrawnCase]
    gaps: list[str]
    """What is not known of patients, generators and findings; sentences."""
    matching: Matching | None = None
    """Of a study of pairs: how far its main pairs are matched."""


def draw_films(study: Study) -> Selection:
    """Draw the films of every arm, of the practice and of a purpose-blind phase by the study's seed; main films first.

    No patient comes twice. In a study of pairs, main and practice films come as pairs of a synthetic and a real one.

    Raises ValidationError where the design does not allow it.
    """
    sources = [_source(arm) for arm in study.arms.select_related("collection", "mix_of").order_by("pk")]
    _check_design(study, sources)
    gaps = _check_held_out(sources)
    draw = _Drawing(study)
    main = [(source, source.arm.films) for source in sources]
    practice = _in_turn(sources, study.practice_films)
    matching = None
    if study.of_pairs:
        main_pairs = draw.pairs(Case.Kind.MAIN, main)
        cases = _numbered([*main_pairs, *draw.pairs(Case.Kind.PRACTICE, practice)])
        matching = pairing.matching_of((one.candidate, other.candidate) for one, other in main_pairs)
        gaps += pairing.what_is_not_known(matching)
    else:
        cases = [*draw.singly(Case.Kind.MAIN, main), *draw.singly(Case.Kind.PRACTICE, practice)]
    cases += draw.singly(Case.Kind.PURPOSE_BLIND, _in_turn(sources, study.purpose_blind_films))
    _refuse_gaps(study, gaps)
    return Selection(sources, cases, gaps, matching)


class _Drawing:
    """Draws the films of one study, kind after kind."""

    def __init__(self, study: Study) -> None:
        self._study = study
        self._draw = Draw()

    def singly(self, kind: Case.Kind, counts: list[tuple[Source, int]]) -> list[DrawnCase]:
        """So many films of each arm."""
        return [case for source, count in counts for case in self._of_arm(kind, source, count)]

    def pairs(self, kind: Case.Kind, counts: list[tuple[Source, int]]) -> list[tuple[DrawnCase, DrawnCase]]:
        """The synthetic films of the arms, each with a real one that was drawn to fit it."""
        synthetic = self.singly(kind, [(source, count) for source, count in counts if not source.arm.is_real])
        shown = [case.candidate for case in synthetic]
        real: list[DrawnCase] = []
        for source, count in counts:
            if source.arm.is_real:
                taken = [case.candidate for case in real]
                wanted = pairing.wanted_of(shown, taken, count, left=len(synthetic) - len(real))
                real += self._of_arm(kind, source, count, wanted)
        by_film = {case.candidate: case for case in (*synthetic, *real)}
        both = pairing.partners(shown, [case.candidate for case in real], self._random(kind, "pairs"))
        return [(by_film[film], by_film[partner]) for film, partner in both]

    def _of_arm(
        self, kind: Case.Kind, source: Source, count: int, wanted: Mapping[Profile, int] | None = None
    ) -> list[DrawnCase]:
        random = self._random(kind, source.arm.name)
        drawn = _draw(source, self._draw, count, random, beside=kind != Case.Kind.MAIN, wanted=wanted)
        return [DrawnCase(source.arm, kind, candidate) for candidate in drawn]

    def _random(self, kind: Case.Kind, what: str) -> Random:
        return Random(":".join([str(self._study.seed), what, *([] if kind == Case.Kind.MAIN else [kind])]))


def _numbered(pairs: list[tuple[DrawnCase, DrawnCase]]) -> list[DrawnCase]:
    numbers = pairing.pair_numbers(len(pairs))
    return [replace(case, pair=number) for both, number in zip(pairs, numbers, strict=True) for case in both]


def _source(arm: Arm) -> Source:
    films = Radiograph.objects.filter(collection=arm.collection).in_split(arm.split)
    profiles = profiles_of(arm.collection, arm.split)
    rows = films.values_list("pk", "film_hash", "patient", "phantom_seed")
    candidates = [Candidate(*row, profile=profiles.get(row[0], ())) for row in rows]
    return Source(arm, candidates, {} if arm.is_real else _batches(arm.collection))


def _batches(collection: Collection) -> dict[int, Batch]:
    batches = {batch.pk: batch for batch in collection.batches.select_related("generator")}
    drawn = Radiograph.objects.filter(collection=collection, drawn__batch__in=batches)
    return {radiograph: batches[batch] for radiograph, batch in drawn.values_list("pk", "drawn__batch")}


def profiles_of(collection: Collection, split: str) -> dict[int, Profile]:
    """The findings of each film of a collection, by radiograph, where they are known."""
    films = Radiograph.objects.filter(collection=collection).in_split(split)
    rows = RadiographFinding.objects.filter(radiograph__in=films).order_by("finding")
    profiles: dict[int, list[str]] = defaultdict(list)
    for radiograph, finding in rows.values_list("radiograph", "finding"):
        profiles[radiograph].append(finding)
    return {radiograph: tuple(findings) for radiograph, findings in profiles.items()}


def _check_design(study: Study, sources: list[Source]) -> None:
    arms = [source.arm for source in sources]
    for role in (Arm.Role.REAL, Arm.Role.GENERATOR):
        if role not in {arm.role for arm in arms}:
            raise ValidationError(
                _("The study has no arm with the role “%(role)s”; add one before freezing.") % {"role": role.label}
            )
    if study.of_pairs:
        pairing.refuse_what_makes_no_pairs(study, arms)
    _check_repeats(study, sum(arm.films for arm in arms))
    for source in sources:
        _check_truncation(source)
    refuse_what_cannot_be_blind(study)


def _check_repeats(study: Study, films: int) -> None:
    shown = films // 2 if study.of_pairs else films
    most = most_repeats(shown, study.repeat_lag)
    if study.repeats > most:
        refusal = (
            _("At most %(most)d of the %(shown)d pairs can be repeated with pairs between, not %(repeats)d.")
            if study.of_pairs
            else _("At most %(most)d of the %(shown)d films can be repeated with films between, not %(repeats)d.")
        )
        raise ValidationError(refusal % {"most": most, "shown": shown, "repeats": study.repeats})


def _check_truncation(source: Source) -> None:
    """Films that were drawn with truncation are not a plain random draw, and the other way round."""
    truncated = Counter(batch.truncation < 1 for batch in source.batches.values())
    if source.arm.selection == Arm.Selection.RANDOM and truncated[True]:
        raise ValidationError(
            _(
                "%(count)d films of arm “%(arm)s” were drawn with truncation; choose the selection rule “truncation” "
                "or another collection."
            )
            % {"count": truncated[True], "arm": source.arm.name}
        )
    if source.arm.selection == Arm.Selection.TRUNCATION and truncated[False]:
        raise ValidationError(
            _(
                "%(count)d films of arm “%(arm)s” were drawn without truncation; choose the selection rule “random” "
                "or another collection."
            )
            % {"count": truncated[False], "arm": source.arm.name}
        )


def _check_held_out(sources: list[Source]) -> list[str]:
    """Refuse what a generator has seen; return what is not known."""
    generators = {pk: generator for source in sources for pk, generator in source.generators.items()}
    training = [held_out.training_films(generator) for generator in generators.values()]
    real = [source for source in sources if source.arm.is_real]
    for source in real:
        held_out.require_held_out(source.arm, source.candidates, training)
    return held_out.what_is_not_known(
        [(source.arm, source.candidates) for source in real],
        training,
        [(s.arm, len(s.candidates) - len(s.batches)) for s in sources if not s.arm.is_real],
        [source.arm for source in sources if source.arm.selection == Arm.Selection.CLASSIFIER],
    )


def _refuse_gaps(study: Study, gaps: list[str]) -> None:
    if gaps and not study.override_reason:
        raise ValidationError(
            _("Not all is known that a sound study rests on. %(gaps)s Give a reason for freezing all the same.")
            % {"gaps": " ".join(gaps)}
        )


def _in_turn(sources: list[Source], films: int) -> list[tuple[Source, int]]:
    """How many films beside the main ones each arm gives: real and synthetic in turn, arms of one kind in turn.

    Controls give none.
    """
    kinds = [[source for source in sources if source.arm.role == role] for role in (Arm.Role.REAL, Arm.Role.GENERATOR)]
    counts: Counter[str] = Counter()
    for number in range(films):
        arms = kinds[number % 2]
        counts[arms[number // 2 % len(arms)].arm.name] += 1
    return [(source, counts[source.arm.name]) for source in sources if counts[source.arm.name]]


def _draw(
    source: Source, draw: Draw, count: int, random: Random, *, beside: bool, wanted: Mapping[Profile, int] | None
) -> list[Candidate]:
    arm = source.arm
    try:
        if wanted is not None:
            return draw.to_fit(source.candidates, count, wanted, random)
        if arm.mix_of is None or beside:
            return draw.plainly(source.candidates, count, random)
        mix = profile_shares(profiles_of(arm.mix_of, arm.mix_split).values())
        return draw.to_mix(source.candidates, count, mix, random)
    except TooFewFilms as error:
        raise ValidationError(
            _(
                "Arm “%(arm)s” needs %(count)d films of patients that are not yet in the study, but of the %(films)s "
                "in collection “%(collection)s” only %(available)d are left; ask for fewer or for others."
            )
            % {
                "arm": arm.name,
                "count": count,
                "films": _("films with the split “%(split)s”") % {"split": arm.get_split_display()}
                if arm.split
                else _("films"),
                "collection": arm.collection,
                "available": error.available,
            }
        ) from error
