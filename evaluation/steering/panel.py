"""Three kinds of classifiers, from different patients: some steer, one accepts, one judges and does nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import torch
from torch import Tensor

from evaluation.classifiers.judge import judge_of, thresholds_of
from evaluation.classifiers.network import Classifier
from gan.latent import Judge

BATCH = 32


@dataclass(frozen=True)
class Panel:
    """Raises ValueError where two of them have seen the same patient or film, or have no finding in common."""

    steering: tuple[Classifier, ...]
    acceptor: Classifier
    judge: Classifier

    def __post_init__(self) -> None:
        for first, second in combinations([*self.steering, self.acceptor, self.judge], 2):
            require_apart(first, second)
        if not self.findings:
            raise ValueError("The classifiers have no finding in common.")

    @property
    def findings(self) -> tuple[str, ...]:
        """Those that all of them know."""
        others = [*self.steering[1:], self.acceptor, self.judge]
        return tuple(name for name in self.steering[0].findings if all(name in other.findings for other in others))

    def judges(self) -> list[Judge]:
        """Those that steer."""
        return [judge_of(classifier, self.findings) for classifier in self.steering]

    def thresholds(self) -> Tensor:
        """Of the steering classifiers, averaged as their logits are."""
        return torch.stack([self.thresholds_of(classifier) for classifier in self.steering]).mean(0)

    def thresholds_of(self, classifier: Classifier) -> Tensor:
        return thresholds_of(classifier, self.findings)


def logits_of(classifier: Classifier, films: Tensor, findings: Sequence[str]) -> Tensor:
    """Calibrated logits (n, findings) of films in canonical form."""
    judge = judge_of(classifier, findings)
    with torch.inference_mode():
        return torch.cat([judge(batch) for batch in torch.split(films, BATCH)])


def require_apart(first: Classifier, second: Classifier) -> None:
    """Raises ValueError where two classifiers are one, or were trained on a patient or a film in common."""
    if first.sha256 == second.sha256:
        raise ValueError(f"The classifiers {first.name} and {second.name} are the same one.")
    for what in ("patients", "films"):
        common = set(getattr(first.about, what)) & set(getattr(second.about, what))
        if common:
            raise ValueError(
                f"The classifiers {first.name} and {second.name} have {len(common)} {what} in common; one that accepts "
                "or judges must come from other patients."
            )
