"""What films are steered to: findings to show and findings not to show."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from gan.findings import FINDINGS
from readerstudy.steering.models import Goal

APART = "|"


@dataclass(frozen=True)
class Wanted:
    """A goal: findings to show and findings not to show, both in the order of ChestX-ray14."""

    present: tuple[str, ...]
    absent: tuple[str, ...] = ()

    @property
    def stored(self) -> tuple[str, str]:
        """As the two fields of a goal hold it."""
        return APART.join(self.present), APART.join(self.absent)

    def __str__(self) -> str:
        """As `combination` reads it."""
        return "+".join(self.present) + "".join(f"-{finding}" for finding in self.absent)

    def in_words(self) -> str:
        """In plain ASCII."""
        return " with ".join(self.present) + "".join(f" without {finding}" for finding in self.absent)


def wanted_of(goal: Goal) -> Wanted:
    """What a stored goal wants."""
    return Wanted(*(tuple(filter(None, names.split(APART))) for names in (goal.present, goal.absent)))


def combination(text: str) -> Wanted:
    """The goal that “Cardiomegaly+Effusion” or “Effusion-Cardiomegaly” means: a plus to show, a minus not to.

    Raises ValidationError where it means none.
    """
    words = re.findall(r"([+-]?)([^+-]+)", text)
    names = [name.strip() for _sign, name in words]
    present = {name for (sign, _name), name in zip(words, names, strict=True) if sign != "-"}
    absent = set(names) - present
    if not present or len(names) != len(present | absent) or "".join(map("".join, words)) != text or "" in names:
        raise ValidationError(
            _(
                "“%(text)s” is no combination of findings; write one like Cardiomegaly+Effusion, or "
                "Effusion-Cardiomegaly for an effusion without the second, each finding once."
            )
            % {"text": text}
        )
    return Wanted(in_order(present), in_order(absent))


def in_order(findings: Iterable[str]) -> tuple[str, ...]:
    """Findings in the order of ChestX-ray14, and strange ones behind them."""
    return tuple(sorted(findings, key=lambda name: (FINDINGS.index(name) if name in FINDINGS else len(FINDINGS), name)))
