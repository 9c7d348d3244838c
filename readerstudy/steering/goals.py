"""Goals between the command line, where `evaluation` reads them, and the database, where two fields hold one."""

from __future__ import annotations

from collections.abc import Iterable

from django.core.exceptions import ValidationError

from evaluation.steering.goal import Goal as Wanted
from gan.findings import FINDINGS
from readerstudy.steering.models import Goal

APART = "|"


def combination(text: str) -> Wanted:
    """The goal that a text such as “Cardiomegaly+Effusion” means. Raises ValidationError where it means none."""
    try:
        return Wanted.parse(text)
    except ValueError as error:
        raise ValidationError(str(error)) from error


def stored(wanted: Wanted) -> tuple[str, str]:
    """As the two fields of a goal hold it."""
    return APART.join(wanted.present), APART.join(wanted.absent)


def wanted_of(goal: Goal) -> Wanted:
    """What a stored goal wants."""
    return Wanted(*(tuple(filter(None, names.split(APART))) for names in (goal.present, goal.absent)))


def in_words(wanted: Wanted) -> str:
    """In plain ASCII."""
    return " with ".join(wanted.present) + "".join(f" without {finding}" for finding in wanted.absent)


def in_order(findings: Iterable[str]) -> tuple[str, ...]:
    """Findings in the order of ChestX-ray14, and strange ones behind them."""
    return tuple(sorted(findings, key=lambda name: (FINDINGS.index(name) if name in FINDINGS else len(FINDINGS), name)))
