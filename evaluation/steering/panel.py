"""Three kinds of classifiers, from different patients: some steer, one accepts, one judges and does nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from evaluation.classifiers.judge import judge_of, thresholds_of
from evaluation.classifiers.network import Classifier
from gan.latent import Judge

BATCH = 32


@dataclass(frozen=True)
class Panel:
    """Raises ValueError where one that steers, the acceptor and the judge have seen the same patient or film, or where
    they have no finding in common. Those that steer together may share what they have seen."""

    steering: tuple[Classifier, ...]
    acceptor: Classifier
    judge: Classifier

    def __post_init__(self) -> None:
        for classifier in self.steering:
            require_apart(classifier, self.acceptor)
            require_apart(classifier, self.judge)
        require_apart(self.acceptor, self.judge)
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

    def steering_logits(self, films: Tensor) -> Tensor:
        """The mean of what the steering classifiers say of films (n, 1, R, R): logits (n, findings)."""
        return torch.stack([logits_of(classifier, films, self.findings) for classifier in self.steering]).mean(0)

    def thresholds(self) -> Tensor:
        """Of the steering classifiers, averaged as their logits are."""
        return torch.stack([self.thresholds_of(classifier) for classifier in self.steering]).mean(0)

    def thresholds_of(self, classifier: Classifier) -> Tensor:
        return thresholds_of(classifier, self.findings)


def logits_of(classifier: Classifier, films: Tensor, findings: Sequence[str]) -> Tensor:
    """Calibrated logits (n, findings) of films, on the processor, wherever the classifier is."""
    judge = judge_of(classifier, findings)
    with torch.inference_mode():
        return torch.cat([judge(batch.to(classifier.device)).cpu() for batch in torch.split(films, BATCH)])


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
