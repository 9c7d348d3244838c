"""The pairs of a study that shows a real and a synthetic film side by side: each has a partner with its findings."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from random import Random, SystemRandom

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from readerstudy.studies.models import Arm, Study
from readerstudy.studies.selection import Candidate, Profile, largest_remainders


@dataclass(frozen=True)
class Matching:
    """How many pairs there are, and what is known of their findings."""

    pairs: int
    matched: int
    """Both films have the same findings."""
    not_known: int
    """The findings of one of the films are not known. What is left has known findings that differ."""


def refuse_what_makes_no_pairs(study: Study, arms: Sequence[Arm]) -> None:
    """Raise ValidationError where the films of a design do not go into pairs of a real and a synthetic one."""
    for arm in arms:
        if arm.role == Arm.Role.CONTROL_REAL:
            raise ValidationError(
                _("In a study of pairs one film of each is synthetic, so the real control “%(arm)s” has no place.")
                % {"arm": arm.name}
            )
        if arm.is_real and arm.mix_of:
            raise ValidationError(
                _(
                    "In a study of pairs real films are drawn to the findings of their partners; take the finding mix "
                    "of arm “%(arm)s” away, or give it to a synthetic arm."
                )
                % {"arm": arm.name}
            )
    real = sum(arm.films for arm in arms if arm.is_real)
    synthetic = sum(arm.films for arm in arms if not arm.is_real)
    if real != synthetic:
        raise ValidationError(
            _(
                "A study of pairs needs as many real films as synthetic ones, those of a degraded control included; it "
                "has %(real)d real and %(synthetic)d synthetic films."
            )
            % {"real": real, "synthetic": synthetic}
        )
    if study.practice_films % 2:
        raise ValidationError(
            _("Practice films make pairs too, so their number is even; it is %(films)d.")
            % {"films": study.practice_films}
        )
    if study.primary_end_point != Study.EndPoint.AUC:
        raise ValidationError(
            _(
                "Choices between two films have no deception rate; let the primary end point be the AUC, which the "
                "proportion of correct choices estimates."
            )
        )


def wanted_of(synthetic: Iterable[Candidate], taken: Iterable[Candidate], films: int, left: int) -> dict[Profile, int]:
    """How many real films of each profile an arm of `films` should give, `left` being still to be drawn with it.

    It is its share of the profiles of the synthetic films that the films `taken` do not fit yet.
    """
    open_profiles = Counter(candidate.profile for candidate in synthetic if candidate.profile)
    open_profiles.subtract(candidate.profile for candidate in taken)
    wanted = {profile: count for profile, count in open_profiles.items() if count > 0}
    return largest_remainders(wanted, round(sum(wanted.values()) * films / left)) if wanted else {}


def partners(
    synthetic: Sequence[Candidate], real: Sequence[Candidate], random: Random
) -> list[tuple[Candidate, Candidate]]:
    """Each synthetic film with a real one: of the same findings for as many as can be, else any, at random."""
    free: dict[Profile, list[Candidate]] = {}
    for candidate in random.sample(real, len(real)):
        free.setdefault(candidate.profile, []).append(candidate)
    matched, others = [], []
    for film in random.sample(synthetic, len(synthetic)):
        if film.profile and free.get(film.profile):
            matched.append((film, free[film.profile].pop()))
        else:
            others.append(film)
    left = [candidate for of_profile in free.values() for candidate in of_profile]
    return matched + list(zip(others, random.sample(left, len(left)), strict=True))


def matching_of(pairs: Iterable[tuple[Candidate, Candidate]]) -> Matching:
    """Count which pairs are matched."""
    profiles = [(film.profile, partner.profile) for film, partner in pairs]
    known = [both for both in profiles if all(both)]
    return Matching(len(profiles), sum(one == other for one, other in known), len(profiles) - len(known))


def what_is_not_known(matching: Matching) -> list[str]:
    """A sentence where pairs could not be matched for want of findings; else nothing."""
    if not matching.not_known:
        return []
    return [
        ngettext(
            "%(count)d of %(pairs)d pairs is not matched, because the findings of one of its films are not known.",
            "%(count)d of %(pairs)d pairs are not matched, because the findings of one of their films are not known.",
            matching.not_known,
        )
        % {"count": matching.not_known, "pairs": matching.pairs}
    ]


def pair_numbers(pairs: int) -> list[int]:
    """Numbers for pairs, in an order that no seed brings back."""
    return SystemRandom().sample(range(1, pairs + 1), pairs)
