"""Building a labelled archive: attempt by attempt towards each goal, so that being interrupted leaves no mark."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Sum
from django.utils import timezone
from django.utils.translation import gettext as _

from readerstudy.archive.models import Truth
from readerstudy.archive.services import ExactDuplicate, create_collection, store_film
from readerstudy.audit.models import record
from readerstudy.progress import Progress, Silent
from readerstudy.steering.attempts import BLOCK, Accepted, Attempts, Outcome, Work, code_version, workers
from readerstudy.steering.goals import wanted_of
from readerstudy.steering.members import in_part, members_of, seen_by
from readerstudy.steering.models import ArchiveClassifier, Block, Goal, LabelledArchive, Part, SteeredFilm
from readerstudy.steering.planning import ATTEMPTS_PER_FILM, PER_FINDING, Plan, plan_archive

_COUNTED = ("attempts", "accepted", "rejected", "surplus", "forward_equivalents")


@dataclass(frozen=True)
class Reached:
    """How far a goal is. Every attempt is accepted, rejected or left over; `films` are the accepted ones."""

    goal: Goal
    attempts: int
    films: int
    rejected: int
    surplus: int
    forward_equivalents: int

    @property
    def cost_per_film(self) -> float | None:
        """Forward equivalents for each accepted film; None where there is none."""
        return self.forward_equivalents / self.films if self.films else None

    @property
    def has_ended(self) -> bool:
        """Whether it has its films, or its attempts are used up."""
        return self.films >= self.goal.films_wanted or self.attempts >= self.goal.attempts_allowed


def build_archive(
    *,
    name: str,
    generator: str,
    classifiers: Sequence[str],
    acceptor: str = "",
    judge: str = "",
    per_finding: int = PER_FINDING,
    findings: Sequence[str] = (),
    combinations: Sequence[str] = (),
    seed: int = 0,
    attempts_per_film: int = ATTEMPTS_PER_FILM,
    steering: Mapping[str, Any] | None = None,
    licence: str = "",
    processes: int = 1,
    actor: str,
    progress: Progress | None = None,
) -> LabelledArchive:
    """Steer films to findings until every goal has its films, or its attempts are used up, into a collection `name`.

    `classifiers` (by their names) steer, `acceptor` alone decides which films are taken, `judge` only scores those.
    `findings` are goals of their own and `combinations` are read by `goals.combination`; without either there is a
    goal for each finding that all classifiers know. `steering` are settings of `gan.latent.Steering`.

    Which films the archive holds follows from these arguments but `processes`: the same call again goes on where it was
    interrupted, however that happened. Raises ValidationError, before any work, where it cannot be built as asked for.
    """
    plan = plan_archive(
        name=name,
        generator=generator,
        classifiers=classifiers,
        acceptor=acceptor,
        judge=judge,
        per_finding=per_finding,
        findings=findings,
        combinations=combinations,
        seed=seed,
        attempts_per_film=attempts_per_film,
        steering=steering,
        licence=licence,
    )
    if processes < 1:
        raise ValidationError(_("Building takes at least one process."))
    archive = plan.begun or _begun(plan, actor)
    with _alone_with(archive):
        _go_on(archive, plan, processes, actor, progress or Silent())
    archive.refresh_from_db()
    return archive


def reached(archive: LabelledArchive) -> list[Reached]:
    """How far each goal of an archive is, in their order."""
    sums = {field: Sum(f"blocks__{field}", default=0) for field in _COUNTED}
    goals = archive.goals.order_by("position").annotate(**{f"all_{field}": value for field, value in sums.items()})
    return [Reached(goal, *(getattr(goal, f"all_{field}") for field in _COUNTED)) for goal in goals]


def in_words(archive: LabelledArchive) -> str:
    """A table of how far each goal is, and in how many of its films the judging classifier sees what was wanted."""
    judging = in_part(members_of(archive), Part.JUDGES)
    head = (
        *(_("goal"), _("attempts"), _("accepted"), _("rejected"), _("left over")),
        *(_("forward equivalents a film"), _("seen by the judge")),
    )
    rows = [
        (
            str(row.goal),
            *map(str, (row.attempts, f"{row.films} / {row.goal.films_wanted}", row.rejected, row.surplus)),
            "–" if row.cost_per_film is None else f"{row.cost_per_film:.0f}",
            "{} / {}".format(*seen_by(judging, row.goal)) if judging else "–",
        )
        for row in reached(archive)
    ]
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    return "\n".join(
        "  ".join([row[0].ljust(widths[0]), *(c.rjust(w) for c, w in zip(row[1:], widths[1:], strict=True))])
        for row in (head, *rows)
    )


def _begun(plan: Plan, actor: str) -> LabelledArchive:
    with transaction.atomic():
        collection = create_collection(
            name=plan.name,
            truth=Truth.SYNTHETIC,
            origin=f"labelled archive {plan.name}",
            licence=plan.licence,
            actor=actor,
        )
        archive = LabelledArchive(
            collection=collection,
            generator=plan.generator,
            settings=plan.settings,
            seed=plan.seed,
            code_version=code_version(),
        )
        archive.full_clean()
        archive.save()
        for member in plan.members:
            ArchiveClassifier.objects.create(archive=archive, classifier=member.row, part=member.part)
        for position, (present, absent, films, attempts) in enumerate(plan.stored_goals):
            goal = Goal(
                archive=archive,
                position=position,
                present=present,
                absent=absent,
                films_wanted=films,
                attempts_allowed=attempts,
            )
            goal.full_clean()
            goal.save()
        record(
            actor=actor,
            action="archive begun",
            subject=f"archive:{archive}",
            generator=plan.generator.name,
            classifiers={member.row.name: member.part for member in plan.members},
            goals=plan.stored_goals,
            seed=plan.seed,
            settings=plan.settings,
            code_version=archive.code_version,
        )
    return archive


@contextmanager
def _alone_with(archive: LabelledArchive) -> Iterator[None]:
    """Hold the archive; the system lets go of it however this ends. Raises ValidationError where another holds it."""
    folder = settings.HOME / "archives"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / f"{archive}.lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise ValidationError(
                _("Archive “%(archive)s” is being built already; wait for that to end.") % {"archive": archive}
            ) from error
        yield


def _go_on(archive: LabelledArchive, plan: Plan, processes: int, actor: str, progress: Progress) -> None:
    before = reached(archive)
    progress.start(sum(row.goal.films_wanted for row in before), _("Steering films"))
    for row in before:
        progress.advance(row.goal.films_wanted if row.has_ended else row.films)
    missing = [row for row in before if not row.has_ended]
    if missing:
        try:
            with workers(plan.networks, processes) as work:
                for row in missing:
                    _reach(archive, row, work, progress)
        except BrokenProcessPool as error:
            raise ValidationError(
                _("A process that steered films was ended from outside; give the same command again to go on.")
            ) from error
    if archive.finished_at is None:
        _finish(archive, actor)


def _reach(archive: LabelledArchive, row: Reached, work: Work, progress: Progress) -> None:
    """Go on with one goal until it ends, storing block after block in their order."""
    goal, films = row.goal, row.films
    blocks = _blocks(archive, goal, begun=goal.blocks.count())
    with closing(work(blocks)) as outcomes:
        for outcome in outcomes:
            stored = _store(goal, outcome, left=goal.films_wanted - films)
            films += stored
            progress.advance(stored)
            if films == goal.films_wanted:
                return
    progress.advance(goal.films_wanted - films)


def _blocks(archive: LabelledArchive, goal: Goal, begun: int) -> Iterator[Attempts]:
    """The blocks that a goal may still take, its attempts shared out among them."""
    wanted = wanted_of(goal)
    for first in range(begun * BLOCK, goal.attempts_allowed, BLOCK):
        yield Attempts(
            seed=archive.seed,
            present=wanted.present,
            absent=wanted.absent,
            number=first // BLOCK,
            first=first,
            last=min(first + BLOCK, goal.attempts_allowed),
        )


def _store(goal: Goal, outcome: Outcome, left: int) -> int:
    """Store a block and its films, `left` of them at most. Returns how many there were."""
    attempts = outcome.attempts
    count, stored, surplus = attempts.last - attempts.first, 0, 0
    with transaction.atomic():
        for accepted in outcome.accepted:
            if stored == left:
                surplus += 1
            else:
                stored += _store_film(goal, accepted)
        Block.objects.create(
            goal=goal,
            number=attempts.number,
            attempts=count,
            accepted=stored,
            rejected=count - stored - surplus,
            surplus=surplus,
            forward_equivalents=outcome.forward_equivalents,
        )
    return stored


def _store_film(goal: Goal, accepted: Accepted) -> bool:
    """Store one film, without findings: a target is none. False for the twin of a film that is there."""
    try:
        radiograph = store_film(
            collection=goal.archive.collection,
            film=accepted.film,
            source_path=f"{wanted_of(goal)}/{accepted.seed}",
            levels=goal.archive.generator.levels,
        )
    except ExactDuplicate:
        return False
    SteeredFilm.objects.create(
        radiograph=radiograph,
        goal=goal,
        seed=accepted.seed,
        latent=accepted.latent,
        steps=accepted.steps,
        distance=accepted.distance,
        steering_scores=accepted.steering_scores,
        accepting_scores=accepted.accepting_scores,
        judging_scores=accepted.judging_scores,
    )
    return True


def _finish(archive: LabelledArchive, actor: str) -> None:
    with transaction.atomic():
        LabelledArchive.objects.filter(pk=archive.pk).update(finished_at=timezone.now())
        record(
            actor=actor,
            action="archive built",
            subject=f"archive:{archive}",
            goals=[
                {
                    "goal": str(row.goal),
                    "attempts": row.attempts,
                    "accepted": row.films,
                    "rejected": row.rejected,
                    "surplus": row.surplus,
                    "forward_equivalents": row.forward_equivalents,
                }
                for row in reached(archive)
            ],
        )
