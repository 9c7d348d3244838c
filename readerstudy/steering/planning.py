"""What an archive is to hold and by which networks; all that can be refused is refused here, before any work."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from evaluation.classifiers.network import Classifier as Network
from evaluation.steering.goal import Goal as Wanted
from gan.drawing import Drawer
from gan.latent import Steering
from readerstudy.archive.models import Collection, Truth
from readerstudy.archive.services import require_the_same
from readerstudy.steering.attempts import BLOCK, Networks, code_version
from readerstudy.steering.classifiers import find_classifier, loaded
from readerstudy.steering.goals import combination, in_order, stored
from readerstudy.steering.members import Member
from readerstudy.steering.models import Classifier, LabelledArchive, Part
from readerstudy.synthesis.drawing import drawer_of
from readerstudy.synthesis.generators import find_generator
from readerstudy.synthesis.models import Generator

PER_FINDING, ATTEMPTS_PER_FILM = 500, 40


@dataclass(frozen=True)
class Plan:
    """An archive that can be built. `begun` is its row where it was begun before, with this very plan."""

    name: str
    licence: str
    generator: Generator
    members: tuple[Member, ...]
    goals: tuple[Wanted, ...]
    films: int
    attempts: int
    seed: int
    networks: Networks
    begun: LabelledArchive | None = None

    @property
    def settings(self) -> dict[str, Any]:
        """What the archive's row keeps beside its generator, classifiers, goals and seed."""
        return self.networks.steering.to_json() | {"findings": list(self.networks.findings), "block": BLOCK}

    @property
    def parts(self) -> set[tuple[int, str]]:
        return {(member.row.pk, member.part.value) for member in self.members}

    @property
    def stored_goals(self) -> list[tuple[str, str, int, int]]:
        return [(*stored(goal), self.films, self.attempts) for goal in self.goals]


def plan_archive(
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
) -> Plan:
    """What `build_archive` does when it is asked for the same. Changes nothing.

    `classifiers` steer, `acceptor` accepts and `judge` judges, all by their names. Without `findings` and
    `combinations` there is a goal for each finding that all of them know. Raises ValidationError where it cannot be
    built as it is asked for, or the archive was begun otherwise.
    """
    if per_finding < 1 or attempts_per_film < 1 or seed < 0:
        raise ValidationError(
            _("An archive takes at least one film a goal, one attempt a film, and a seed that is not negative.")
        )
    moved = _steering(steering or {})
    combined = [combination(text) for text in combinations]
    row = find_generator(generator)
    drawer = drawer_of(row)
    members = _members(classifiers, acceptor, judge)
    known = _known_to_all(members)
    goals = _goals(findings, combined, members, known)
    for member in members:
        _require_side(member, row, drawer)
    if not acceptor:
        raise ValidationError(_who_could_accept(members, goals, drawer))
    for one, other in itertools.combinations(members, 2):
        _require_apart(one, other)
    plan = Plan(
        name=name,
        licence=licence,
        generator=row,
        members=members,
        goals=goals,
        films=per_finding,
        attempts=per_finding * attempts_per_film,
        seed=seed,
        networks=_networks(row, members, known, moved),
        begun=LabelledArchive.objects.filter(collection__name=name).first(),
    )
    _require_its_own(plan)
    return plan


def _steering(values: Mapping[str, Any]) -> Steering:
    try:
        return Steering.from_json(dict(values))
    except (TypeError, ValueError) as error:
        raise ValidationError(str(error)) from error


# Classifiers


def _members(classifiers: Sequence[str], acceptor: str, judge: str) -> tuple[Member, ...]:
    if not classifiers:
        raise ValidationError(_("An archive needs a classifier that steers."))
    asked = [(name, Part.STEERS) for name in dict.fromkeys(classifiers)]
    asked += [(name, part) for name, part in ((acceptor, Part.ACCEPTS), (judge, Part.JUDGES)) if name]
    rows = [(find_classifier(name), part) for name, part in asked]
    return tuple(Member(row, loaded(row), part) for row, part in rows)


def _known_to_all(members: Sequence[Member]) -> tuple[str, ...]:
    """The findings that all classifiers know, in the order of ChestX-ray14."""
    known = set.intersection(*(set(member.network.findings) for member in members))
    return in_order(known)


def _require_side(member: Member, row: Generator, drawer: Drawer) -> None:
    """A classifier has only ever seen films with all the detail of its side, which a smaller film cannot have.

    The other way round is sound: a classifier's own films were made smaller just as a larger generator's are.
    """
    if member.network.side > drawer.resolution:
        raise ValidationError(
            _(
                "Classifier “%(classifier)s” was trained on films of %(side)d × %(side)d pixels and generator "
                "“%(generator)s” draws %(resolution)d × %(resolution)d: enlarged, they are unlike any film that it "
                "knows. Train a classifier with a side of at most %(resolution)d."
            )
            % {
                "classifier": member.row,
                "side": member.network.side,
                "generator": row,
                "resolution": drawer.resolution,
            }
        )


def _require_apart(one: Member, other: Member) -> None:
    if one.part == other.part:
        return
    shared = _shared(one.network, other.network)
    if one.row == other.row or shared != (0, 0):
        raise ValidationError(
            _(
                "“%(one)s” (%(part)s) and “%(other)s” (%(others_part)s) were trained on %(patients)d of the same "
                "patients and %(films)d of the same films; whoever accepts or judges must know none of them."
            )
            % {
                "one": one.row,
                "part": one.part.label,
                "other": other.row,
                "others_part": other.part.label,
                "patients": shared[0],
                "films": shared[1],
            }
        )


def _shared(one: Network, other: Network) -> tuple[int, int]:
    """How many patients, and how many films, both were trained or calibrated on."""
    return (
        len(set(one.about.patients) & set(other.about.patients)),
        len(set(one.about.films) & set(other.about.films)),
    )


def _who_could_accept(members: Sequence[Member], goals: Sequence[Wanted], drawer: Drawer) -> str:
    wanted = {finding for goal in goals for finding in goal.findings}
    fitting = [
        row.name
        for row in Classifier.objects.filter(side__lte=drawer.resolution).order_by("name")
        if wanted <= set(row.findings) and _knows_none_of(row, members)
    ]
    return _(
        "Name by --acceptor the classifier that decides which films are taken. It must be trained on none of the same "
        "patients as those that steer; of the registered classifiers these fit: %(names)s."
    ) % {"names": ", ".join(fitting) or _("none")}


def _knows_none_of(row: Classifier, members: Sequence[Member]) -> bool:
    try:
        network = loaded(row)
    # Its files are gone or changed, so it fits nowhere.
    except ValidationError:
        return False
    return all(member.row != row and _shared(network, member.network) == (0, 0) for member in members)


def _networks(
    generator: Generator, members: Sequence[Member], findings: tuple[str, ...], steering: Steering
) -> Networks:
    files = {part: [member.row.file for member in members if member.part == part] for part in Part}
    return Networks(
        generator=generator.file,
        steer=tuple(files[Part.STEERS]),
        accept=files[Part.ACCEPTS][0],
        judge=next(iter(files[Part.JUDGES]), None),
        findings=findings,
        steering=steering,
    )


# Goals


def _goals(
    findings: Sequence[str], combined: Sequence[Wanted], members: Sequence[Member], known: tuple[str, ...]
) -> tuple[Wanted, ...]:
    alone = findings or (() if combined else known)
    goals = [*(Wanted((finding,)) for finding in alone), *combined]
    for finding in dict.fromkeys(name for goal in goals for name in goal.findings):
        _require_known(finding, members)
    if not goals:
        raise ValidationError(_("There is no finding that all of these classifiers know."))
    return tuple(dict.fromkeys(goals))


def _require_known(finding: str, members: Sequence[Member]) -> None:
    for member in members:
        if finding not in member.network.findings:
            raise ValidationError(
                _("Classifier “%(classifier)s” does not know %(finding)s; it knows %(findings)s.")
                % {"classifier": member.row, "finding": finding, "findings": ", ".join(member.network.findings)}
            )


# What is there under this name


def _require_its_own(plan: Plan) -> None:
    """The name is free, or is that of this very archive. Raises ValidationError."""
    if plan.begun is None:
        if Collection.objects.filter(name=plan.name).exists():
            raise ValidationError(
                _("There is a collection “%(name)s” already, and it is no labelled archive; choose another name.")
                % {"name": plan.name}
            )
        require_the_same(plan.name, truth=Truth.SYNTHETIC, origin="", licence=plan.licence)
        return
    differences = [what for what, asked, there in _compared(plan, plan.begun) if asked != there]
    if differences:
        raise ValidationError(
            _(
                "Archive “%(name)s” was begun with another %(differences)s; go on with it as it was begun, or choose "
                "another name."
            )
            % {"name": plan.name, "differences": ", ".join(differences)}
        )


def _compared(plan: Plan, archive: LabelledArchive) -> list[tuple[str, Any, Any]]:
    goals = archive.goals.order_by("position")
    # To a finished archive a new version of the program does nothing.
    version = archive.code_version if archive.finished_at else code_version()
    return [
        (_("generator"), plan.generator.pk, archive.generator_id),
        (_("set of classifiers"), plan.parts, set(archive.parts.values_list("classifier", "part"))),
        (_("seed"), plan.seed, archive.seed),
        (_("setting of the steering"), plan.settings, archive.settings),
        (
            _("set of goals"),
            plan.stored_goals,
            list(goals.values_list("present", "absent", "films_wanted", "attempts_allowed")),
        ),
        (_("licence"), plan.licence, archive.collection.licence),
        (_("version of the program"), version, archive.code_version),
    ]
