"""A classifier as a judge of the findings that are asked for."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from evaluation.classifiers.judge import judge_of, thresholds_of
from evaluation.classifiers.network import Classifier, load_classifier, network_of, save_classifier
from tests.evaluation.classifiers.test_training import description

FINDINGS = ("Mass", "Nodule", "Effusion")


@pytest.fixture
def classifier(tmp_path: Path) -> Classifier:
    torch.manual_seed(0)
    about = description(findings=FINDINGS, temperature=(1.0, 2.0, 4.0), threshold=(0.1, 0.2, 0.3))
    save_classifier(tmp_path / "c.safetensors", network_of("densenet-narrow", 3), about)
    return load_classifier(tmp_path / "c.safetensors")


def test_a_judge_gives_calibrated_logits_in_the_order_asked_for_with_a_gradient(classifier: Classifier) -> None:
    films = torch.rand(2, 1, 48, 48) * 2 - 1
    films.requires_grad_()
    judge = judge_of(classifier, ["Effusion", "Mass"])
    raw = classifier.network(classifier.at_side(films))
    assert torch.allclose(judge(films), torch.stack([raw[:, 2] / 4, raw[:, 0]], 1))
    judge(films).sum().backward()
    assert films.grad is not None
    assert films.grad.abs().sum() > 0
    assert thresholds_of(classifier, ["Effusion", "Mass"]).tolist() == pytest.approx([0.3, 0.1])


def test_a_finding_that_the_classifier_does_not_know_is_named(classifier: Classifier) -> None:
    for ask in (judge_of, thresholds_of):
        with pytest.raises(ValueError, match="The classifier c does not know Hernia; it knows Mass, Nodule, Effusion"):
            ask(classifier, ["Mass", "Hernia"])
