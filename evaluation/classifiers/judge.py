"""A classifier as the one function that steering asks: films in, calibrated logits of the wanted findings out."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from evaluation.classifiers.network import Classifier

Judge = Callable[[Tensor], Tensor]
"""Films (n, 1, R, R) of −1 … 1 to logits (n, findings); differentiable."""


def judge_of(classifier: Classifier, findings: Sequence[str]) -> Judge:
    """The calibrated logits of some findings, in their order. Raises ValueError naming what it does not know."""
    columns = _columns(classifier, findings)
    return lambda films: classifier.logits(films)[:, columns]


def thresholds_of(classifier: Classifier, findings: Sequence[str]) -> Tensor:
    """The calibrated logits (findings,) from which on the classifier says that a finding is there."""
    return torch.tensor([classifier.about.threshold[column] for column in _columns(classifier, findings)])


def _columns(classifier: Classifier, findings: Sequence[str]) -> list[int]:
    return [classifier.column(finding) for finding in findings]
