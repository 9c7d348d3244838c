"""Training: its loss, its rate, what it leaves out, and that a break changes nothing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn.functional import binary_cross_entropy_with_logits

from evaluation.classifiers import training
from evaluation.classifiers.augmentation import augmented
from evaluation.classifiers.films import LabelledFilms
from evaluation.classifiers.held_out import measured
from evaluation.classifiers.network import Classifier, Description, load_classifier
from evaluation.classifiers.training import ClassifierConfig, class_weights, masked_loss, rate_at, state_of, train
from gan.checkpoint import read_tensors
from gan.state import TrainingDiverged
from gan.stopping import TrainingStopped
from tests.evaluation.classifiers.made import small_config, small_films


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


def description(**changes: Any) -> Description:
    nothing: dict[str, Any] = {
        "network": "densenet-narrow",
        "side": 32,
        "findings": ("Mass",),
        "temperature": (1.0,),
        "threshold": (0.0,),
        "patients": (),
        "films": (),
        "trained": {},
        "held_out": {},
    }
    return Description(**nothing | changes)


def trained(out: Path, config: ClassifierConfig | None = None, **options: Any) -> Classifier:
    films: LabelledFilms = options.pop("films", small_films(24))
    calibration = options.pop("calibration", small_films(24, seed=1, prefix="aside"))
    return train(config or small_config(), films, calibration, out, **options)


def test_the_loss_is_that_of_the_labels_that_are_known() -> None:
    random = torch.Generator().manual_seed(0)
    logits, weights = torch.randn(6, 3, generator=random), torch.tensor([1.0, 2.0, 0.5])
    labels = (torch.rand(6, 3, generator=random) < 0.5).float()
    labels[1, 2] = labels[4, 0] = labels[5, 1] = torch.nan
    known = ~labels.isnan()
    expected = binary_cross_entropy_with_logits(logits[known], labels[known], pos_weight=weights.expand(6, 3)[known])
    assert masked_loss(logits, labels, weights).item() == pytest.approx(expected.item(), rel=1e-6)

    logits.requires_grad_()
    masked_loss(logits, labels, weights).backward()
    assert logits.grad is not None
    assert torch.equal(logits.grad != 0, known)
    assert masked_loss(logits, torch.full((6, 3), torch.nan), weights) == 0


def test_positives_weigh_the_root_of_negatives_to_each() -> None:
    labels = torch.tensor([[1.0, 1], [0, 0], [0, torch.nan], [0, 1], [0, torch.nan]])
    assert torch.allclose(class_weights(labels), torch.tensor([2.0, 0.5**0.5]))


def test_the_rate_goes_through_one_cycle_as_torch_has_it() -> None:
    steps, rate = 10_000, 3e-3
    parameter = torch.nn.Parameter(torch.zeros(1))
    optimiser = torch.optim.SGD([parameter], rate)
    cycle = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, rate, total_steps=steps, cycle_momentum=False, final_div_factor=4000
    )
    for step in range(steps):
        if step % 500 == 0:
            assert rate_at(step / steps, rate) == pytest.approx(cycle.get_last_lr()[0], abs=1e-3 * rate)
        optimiser.step()
        cycle.step()
    assert rate_at(1.0, rate) == pytest.approx(rate * 1e-5)


def test_augmentation_moves_films_a_little_alike_for_one_seed_and_never_mirrors_them() -> None:
    films = -torch.ones(64, 1, 32, 32)
    films[:, :, 4:8, 4:8] = 1
    once, again, other = (augmented(films, 1.0, torch.Generator().manual_seed(seed)) for seed in (0, 0, 1))
    assert torch.equal(once, again)
    assert not torch.equal(once, other)
    brightest = once.flatten(1).argmax(1)
    assert (brightest // 32).max() < 12
    assert (brightest % 32).max() < 12
    assert augmented(films, 0.0, torch.Generator()) is films


def test_a_classifier_learns_what_is_to_be_seen_and_says_on_whom(tmp_path: Path) -> None:
    films, calibration = small_films(96), small_films(60, seed=1, prefix="aside")
    classifier = trained(
        tmp_path / "c.safetensors", small_config(images=384, batch=16), films=films, calibration=calibration
    )
    table = measured(classifier, small_films(60, seed=2, prefix="held out"))
    assert all(row["auc"] > 0.95 for row in table["findings"].values()), table
    about = load_classifier(tmp_path / "c.safetensors").about
    assert about.patients == tuple(sorted({*films.patients, *calibration.patients}))
    assert about.films == tuple(sorted({*films.hashes, *calibration.hashes}))
    assert ClassifierConfig.from_json(dict(about.trained["config"])) == small_config(images=384, batch=16)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["c.json", "c.safetensors"]


def test_the_weight_of_positives_does_not_move_probabilities(tmp_path: Path) -> None:
    """A network that sees nothing but noise can only say how common a finding is."""
    films, calibration = (small_films(200, seed=seed, prefix=f"noise {seed}") for seed in (0, 1))
    random = np.random.default_rng(0)
    for some in (films, calibration):
        some.labels[:] = random.random(some.labels.shape) < 0.1
    classifier = trained(
        tmp_path / "c.safetensors", small_config(images=480, batch=16, rate=1e-3), films=films, calibration=calibration
    )
    said = classifier.logits(calibration.tensor(range(200))).sigmoid().mean(0)
    # Weighted, it would be said to be √9 as likely: one in four.
    assert torch.allclose(said, torch.tensor(0.1), atol=0.06)


def test_findings_without_a_case_are_left_out_and_films_of_unknown_patients_named_by_hash(tmp_path: Path) -> None:
    films = small_films(24)
    films.labels[:, 1] = 0
    films = replace(films, patients=films.hashes)
    classifier = trained(tmp_path / "c.safetensors", small_config(images=8), films=films)
    assert classifier.findings == ("Mass",)
    assert set(classifier.about.patients) == {f"aside-{number}" for number in range(24)}
    films.labels[:] = np.nan
    with pytest.raises(ValueError, match="No finding is shown by some training films"):
        trained(tmp_path / "other.safetensors", films=films)


class StopAfter:
    """Asks to stop once so many films were shown."""

    def __init__(self, images: int) -> None:
        self.images, self.shown = images, 0

    def progress(self, images: int, _loss: float) -> None:
        self.shown = images

    def __call__(self) -> bool:
        return self.shown >= self.images


def stopped(out: Path, images: int = 16, **options: Any) -> None:
    stop = StopAfter(images)
    with pytest.raises(TrainingStopped, match=f"Stopped after {images} images; saved in "):
        trained(out, progress=stop.progress, should_stop=stop, **options)


def test_a_training_that_is_stopped_and_continued_ends_with_the_same_weights(tmp_path: Path) -> None:
    whole, broken = tmp_path / "whole.safetensors", tmp_path / "broken.safetensors"
    films = small_films(24)
    films.labels[3, 0] = np.nan
    expected = trained(whole, films=films)
    stopped(broken, films=films)
    assert not broken.exists()
    stopped(broken, 32, films=films, resume=True)
    classifier = trained(broken, films=films, resume=True)
    assert classifier.about == expected.about
    assert all(torch.equal(value, read_tensors(whole)[name]) for name, value in read_tensors(broken).items())
    assert not state_of(broken).exists()


def test_a_stopped_training_goes_on_only_when_asked_and_only_as_it_was(tmp_path: Path) -> None:
    out = tmp_path / "c.safetensors"
    stopped(out)
    with pytest.raises(FileExistsError, match="holds a training that was stopped; continue it with --resume"):
        trained(out)
    with pytest.raises(ValueError, match="another configuration"):
        trained(out, small_config(seed=1), resume=True)
    with pytest.raises(ValueError, match="other films"):
        trained(out, films=small_films(24, seed=5), resume=True)
    masked = small_films(24)
    masked.labels[0, 0] = np.nan
    with pytest.raises(ValueError, match="other films"):
        trained(out, films=masked, resume=True)
    trained(out, resume=True)
    with pytest.raises(FileExistsError, match="is there already"):
        trained(out, resume=True)


def test_a_training_that_diverges_ends_and_leaves_no_classifier(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "c.safetensors"
    stopped(out)
    monkeypatch.setattr(training, "as_values", lambda carried: torch.full((len(carried), 1, 32, 32), torch.nan))
    with pytest.raises(TrainingDiverged, match="no longer finite after 24 images"):
        trained(out, resume=True)
    assert not out.exists()
    assert len(list(state_of(out).iterdir())) == 1


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"network": "resnet"}, "There is no network resnet; there are densenet121"),
        ({"side": 16}, "A side lies between 32 and 1024 pixels, not at 16"),
        ({"images": 4}, "not 8 of 4"),
        ({"rate": 0.0}, "Rate and weight decay"),
        ({"seed": -1}, "A seed is 0 or more"),
    ],
)
def test_a_configuration_that_makes_no_sense_is_refused(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        small_config(**changes)


def test_films_that_cannot_be_trained_on_are_refused_before_any_work(tmp_path: Path) -> None:
    out = tmp_path / "c.safetensors"
    with pytest.raises(ValueError, match="There are no films to calibrate on"):
        trained(out, calibration=small_films(4).chosen([]))
    with pytest.raises(ValueError, match="are of 32², but the training asks for 64²"):
        trained(out, small_config(side=64))
    with pytest.raises(ValueError, match="4 patients and 0 films to measure on are among those"):
        trained(out, calibration=small_films(4, seed=1))
    with pytest.raises(ValueError, match=r"a \.safetensors file, not c\.pt"):
        trained(tmp_path / "c.pt")
    assert not list(tmp_path.iterdir())
