"""The classifiers of an archive, each with its network and its part."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from evaluation.classifiers.network import Classifier as Network
from readerstudy.steering.classifiers import loaded
from readerstudy.steering.goals import in_order, wanted_of
from readerstudy.steering.models import Classifier, Goal, LabelledArchive, Part

Scores = Mapping[str, float]


@dataclass(frozen=True)
class Member:
    """A classifier's row, its network and its part in an archive."""

    row: Classifier
    network: Network
    part: Part

    @property
    def thresholds(self) -> dict[str, float]:
        """By finding, the calibrated logit from which on the classifier says that it is there."""
        return dict(zip(self.network.findings, self.network.about.threshold, strict=True))

    def shown(self, scores: Scores) -> tuple[str, ...]:
        """The findings of calibrated logits that say they are there, in the order of ChestX-ray14."""
        thresholds = self.thresholds
        return in_order(name for name, score in scores.items() if score >= thresholds[name])


def members_of(archive: LabelledArchive) -> list[Member]:
    """An archive's classifiers: those that steer, the one that accepts, and the one that judges where there is one.

    Raises ValidationError where the files of one are not what they were.
    """
    rows = archive.parts.select_related("classifier").order_by("id")
    parts = {row.classifier: Part(row.part) for row in rows}
    order = list(Part)
    return sorted(
        (Member(row, loaded(row), part) for row, part in parts.items()), key=lambda member: order.index(member.part)
    )


def in_part(members: Sequence[Member], part: Part) -> Member | None:
    """The one member that has this part, or None."""
    return next((member for member in members if member.part == part), None)


def seen_by(judging: Member, goal: Goal) -> tuple[int, int]:
    """In how many of a goal's films the judging classifier sees all that was wanted, and how many it has scored."""
    wanted = wanted_of(goal)
    scores = goal.films.exclude(judging_scores=None).values_list("judging_scores", flat=True)
    shown = [set(judging.shown(of_film)) for of_film in scores if of_film is not None]
    seen = sum(shows.issuperset(wanted.present) and shows.isdisjoint(wanted.absent) for shows in shown)
    return seen, len(shown)
