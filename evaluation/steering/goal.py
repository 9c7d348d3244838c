"""What is wanted of a film: findings to show and findings not to show."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from gan.findings import FINDINGS

_TERM = re.compile(r"([+-]?)([^+-]+)")


@dataclass(frozen=True)
class Goal:
    """Findings of ChestX-ray14, each in their order there."""

    present: tuple[str, ...]
    absent: tuple[str, ...] = ()

    @classmethod
    def parse(cls, text: str) -> Goal:
        """From words such as `Effusion`, `Cardiomegaly+Effusion` or `Effusion-Pneumonia`: plus to show, minus not to.

        Raises ValueError for a word that is no finding, one that stands there twice, and where none is to be shown.
        """
        terms = _TERM.findall(text)
        names = [name.strip() for _sign, name in terms]
        if "".join(sign + name for sign, name in terms) != text or "" in names:
            raise ValueError(f"“{text}” is no goal; write findings with + and -, such as Cardiomegaly+Effusion.")
        present = {name for (sign, _name), name in zip(terms, names, strict=True) if sign != "-"}
        absent = set(names) - present
        strange = sorted((present | absent) - set(FINDINGS))
        if strange:
            raise ValueError(f"{', '.join(strange)} in “{text}” is no finding; there are {', '.join(FINDINGS)}.")
        if not present or len(names) != len(present | absent):
            raise ValueError(f"“{text}” asks for nothing that a film can show; name each finding once, one to show.")
        return cls(*(tuple(name for name in FINDINGS if name in names) for names in (present, absent)))

    def __str__(self) -> str:
        return "+".join(self.present) + "".join(f"-{name}" for name in self.absent)

    @property
    def findings(self) -> tuple[str, ...]:
        return self.present + self.absent

    def wanted(self, findings: Sequence[str]) -> Tensor:
        """1, -1 or 0 for each of `findings`, as `gan.latent.steer` takes it.

        Raises ValueError for a finding of the goal that is not among them.
        """
        missing = [name for name in self.findings if name not in findings]
        if missing:
            raise ValueError(f"The goal {self} names {', '.join(missing)}, which the classifiers do not know.")
        signs = dict.fromkeys(self.present, 1.0) | dict.fromkeys(self.absent, -1.0)
        return torch.tensor([signs.get(name, 0.0) for name in findings])
