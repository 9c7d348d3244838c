"""Training a classifier of findings: a loop that reads from top to bottom, and what it starts and ends with."""

from __future__ import annotations

import hashlib
import json
import math
import shutil
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits

from evaluation.classifiers.augmentation import augmented
from evaluation.classifiers.calibration import calibrated
from evaluation.classifiers.calibration import to_json as calibration_to_json
from evaluation.classifiers.films import LabelledFilms, as_values
from evaluation.classifiers.network import (
    DEFAULT_NETWORK,
    NETWORKS,
    Classifier,
    Description,
    load_classifier,
    network_of,
    save_classifier,
)
from evaluation.classifiers.splits import require_apart
from gan.checkpoint import STATE, WEIGHTS, checkpoints, read_tensors, save_checkpoint, sha256
from gan.hardware import PROCESSOR, Hardware
from gan.seeds import seed_for
from gan.state import TrainingDiverged
from gan.stopping import TrainingStopped
from gan.training import SECONDS_BETWEEN_CHECKPOINTS, STEPS_BETWEEN_LOOKS

Progress = Callable[[int, float], None]
"""Called with the films shown so far and the loss of the last batch."""

SMALLEST_SIDE, LARGEST_SIDE = 32, 1024
FILMS_AT_ONCE = 64
WARM_UP, START, END = 0.3, 1 / 25, 1e-5
"""One cycle: the share of the steps in which the rate rises, and the parts of `rate` at which it starts and ends."""


@dataclass(frozen=True)
class ClassifierConfig:
    """All that decides, with the films, what a training makes; `images` counts films shown, however often each."""

    network: str = DEFAULT_NETWORK
    side: int = 224
    images: int = 100_000
    batch: int = 32
    rate: float = 3e-3
    weight_decay: float = 1e-4
    seed: int = 0
    augmentation: float = 1.0
    """0 shows films as they are; 1 is all that `evaluation.classifiers.augmentation` says."""

    def __post_init__(self) -> None:
        if self.network not in NETWORKS:
            raise ValueError(f"There is no network {self.network}; there are {', '.join(NETWORKS)}.")
        if not SMALLEST_SIDE <= self.side <= LARGEST_SIDE:
            raise ValueError(f"A side lies between {SMALLEST_SIDE} and {LARGEST_SIDE} pixels, not at {self.side}.")
        if self.batch < 2 or self.images < self.batch:
            raise ValueError(
                f"A batch has 2 films or more, and a training one batch or more; not {self.batch} of {self.images}."
            )
        if not (0 < self.rate < 1 and 0 <= self.weight_decay < 1 and 0 <= self.augmentation <= 1):
            raise ValueError(
                "Rate and weight decay lie between 0 and 1 and augmentation from 0 to 1, not at "
                f"{self.rate}, {self.weight_decay} and {self.augmentation}."
            )
        if self.seed < 0:
            raise ValueError(f"A seed is 0 or more, not {self.seed}.")

    @property
    def steps(self) -> int:
        return self.images // self.batch

    def over(self, epochs: float, films: int) -> ClassifierConfig:
        """The same, but showing each of so many films so often."""
        return replace(self, images=max(self.batch, round(epochs * films)))

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, said: dict[str, Any]) -> ClassifierConfig:
        """Raises ValueError where that is no configuration of this version."""
        if set(said) != {field.name for field in fields(cls)}:
            raise ValueError(f"This is no configuration of a classifier: {', '.join(sorted(said))}.")
        return cls(**said)


def train(
    config: ClassifierConfig,
    films: LabelledFilms,
    calibration: LabelledFilms,
    out: Path,
    *,
    resume: bool = False,
    hardware: Hardware | None = None,
    progress: Progress | None = None,
    should_stop: Callable[[], bool] = lambda: False,
) -> Classifier:
    """Train on `films`, calibrate on films of other patients, and write `out` (.safetensors) with its .json beside it.

    Findings of which the training films show no case, or nothing else, are left out; the description says so. The
    state is saved every five minutes and where `should_stop` says so, beside `out`, and goes once that is written; with
    `resume` the training goes on from there and ends with the very weights that it would have had without a break (on
    the processor, with the same number of threads).

    Raises FileExistsError where `out`, or the state of a training that was not asked to resume, is there already;
    ValueError where films cannot be used or the state is of another training; TrainingStopped and TrainingDiverged as
    they say.
    """
    state_folder = state_of(out)
    refuse_what_is_there(out, resume=resume)
    _refuse_unusable(config, films, calibration)
    findings = learnable(films)
    films, calibration = films.about(findings), calibration.about(findings)
    hardware = hardware or PROCESSOR
    training = _Training(config, films, hardware, _fingerprint(films, calibration))
    if resume and checkpoints(state_folder):
        training.restore(checkpoints(state_folder)[-1])
    saved_at = time.monotonic()
    while training.step < config.steps:
        loss = training.advance()
        if hardware.is_cuda and training.step % STEPS_BETWEEN_LOOKS and training.step < config.steps:
            continue
        if not math.isfinite(shown_loss := loss.item()):
            raise TrainingDiverged.after(training.images)
        if progress:
            progress(training.images, shown_loss)
        stopping = should_stop() and training.step < config.steps
        if stopping or time.monotonic() - saved_at > SECONDS_BETWEEN_CHECKPOINTS:
            folder = training.save(state_folder)
            saved_at = time.monotonic()
        if stopping:
            raise TrainingStopped(f"Stopped after {training.images} images; saved in {folder}.")
    classifier = _finished(config, training, films, calibration, out)
    shutil.rmtree(state_folder, ignore_errors=True)
    return classifier


def learnable(films: LabelledFilms) -> tuple[str, ...]:
    """The findings that films show both with and without. Raises ValueError where there is none."""
    both = (films.labels == 1).any(0) & (films.labels == 0).any(0)
    findings = tuple(name for name, there in zip(films.findings, both, strict=True) if there)
    if not findings:
        raise ValueError("No finding is shown by some training films and not by others; look at their labels.")
    return findings


def class_weights(labels: Tensor) -> Tensor:
    """√(negatives / positives) for each finding: half-way, on the scale of log-odds, to as many of both."""
    positives, negatives = (labels == 1).sum(0), (labels == 0).sum(0)
    return (negatives / positives).sqrt()


def masked_loss(logits: Tensor, labels: Tensor, weights: Tensor) -> Tensor:
    """Binary cross-entropy with positives weighted, averaged over the labels that are known; 0 where none is."""
    known = ~labels.isnan()
    each = binary_cross_entropy_with_logits(logits, labels.nan_to_num(), pos_weight=weights, reduction="none")
    return torch.where(known, each, 0).sum() / known.sum().clamp(min=1)


def rate_at(share: float, rate: float) -> float:
    """The rate after a share (0 … 1) of the steps: one cycle between cosines (Smith and Topin, 2019)."""
    if share < WARM_UP:
        return rate * (START + (1 - START) * (1 - math.cos(math.pi * share / WARM_UP)) / 2)
    return rate * (END + (1 - END) * (1 + math.cos(math.pi * (share - WARM_UP) / (1 - WARM_UP))) / 2)


def state_of(out: Path) -> Path:
    """The folder where a training that is under way keeps its state."""
    return out.with_suffix(".training")


def refuse_what_is_there(out: Path, *, resume: bool) -> None:
    """Raises FileExistsError where a training would write over a classifier or forget another one's state."""
    if out.suffix != ".safetensors":
        raise ValueError(f"A classifier is a .safetensors file, not {out.name}.")
    if out.exists():
        raise FileExistsError(f"{out} is there already; name another file.")
    if not resume and checkpoints(state_of(out)):
        raise FileExistsError(f"{state_of(out)} holds a training that was stopped; continue it with --resume.")


class _Training:
    """Network, optimiser and the count of steps; all that is random follows from seed and step."""

    def __init__(self, config: ClassifierConfig, films: LabelledFilms, hardware: Hardware, fingerprint: str) -> None:
        self.config, self.films, self.hardware, self.fingerprint = config, films, hardware, fingerprint
        torch.manual_seed(seed_for(config.seed, "weights"))
        network = network_of(config.network, len(films.findings))
        self.network: nn.Module = network.to(hardware.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.labels = torch.from_numpy(films.labels)
        self.weights = class_weights(self.labels).to(hardware.device)
        self.optimiser = torch.optim.AdamW(
            self.network.parameters(), config.rate, betas=(0.9, 0.99), weight_decay=config.weight_decay
        )
        self.step = 0

    @property
    def images(self) -> int:
        return self.step * self.config.batch

    def advance(self) -> Tensor:
        """Show one batch; the loss, still on the device."""
        config, device = self.config, self.hardware.device
        rows = _shown_in(self.step, config.batch, len(self.films), config.seed)
        random = torch.Generator(device).manual_seed(seed_for(config.seed, f"augmentation {self.step}"))
        shown = as_values(self.hardware.send(torch.from_numpy(self.films.carried(rows))))
        shown = augmented(shown, config.augmentation, random).contiguous(memory_format=torch.channels_last)
        for group in self.optimiser.param_groups:
            group["lr"] = rate_at(self.step / config.steps, config.rate)
        self.network.train()
        with torch.autocast(device.type, torch.bfloat16, enabled=self.hardware.is_cuda):
            logits = self.network(shown)
        loss = masked_loss(logits.float(), self.hardware.send(self.labels[rows]), self.weights)
        self.optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        self.optimiser.step()
        self.step += 1
        return loss.detach()

    def save(self, folder: Path) -> Path:
        """Write the state, whole or not at all. Raises TrainingDiverged, and writes nothing, where it is not finite."""
        tensors = {f"network.{name}": value for name, value in self.network.state_dict().items()}
        for index, moments in self.optimiser.state_dict()["state"].items():
            tensors |= {f"optimiser.{index}.{name}": value for name, value in moments.items()}
        if not all(bool(value.isfinite().all()) for value in tensors.values()):
            raise TrainingDiverged.after(self.images)
        said = {"config": self.config.to_json(), "fingerprint": self.fingerprint, "images": self.images}
        return save_checkpoint(folder, tensors, said)

    def restore(self, folder: Path) -> None:
        """Go on from a saved state. Raises ValueError where it is of another configuration or of other films."""
        said = json.loads((folder / STATE).read_text(encoding="utf-8"))
        if ClassifierConfig.from_json(said["config"]) != self.config:
            raise ValueError(f"{folder} was trained with another configuration; resume it with the same one.")
        if said["fingerprint"] != self.fingerprint:
            raise ValueError(f"{folder} was trained or is to be calibrated on other films; resume it with the same.")
        if sha256(folder / WEIGHTS) != said["sha256"]:
            raise ValueError(
                f"The weights in {folder} are not those that were saved; delete it to resume from the one before."
            )
        tensors = read_tensors(folder / WEIGHTS)
        self.network.load_state_dict(_below(tensors, "network"))
        moments: dict[int, dict[str, Tensor]] = {}
        for name, value in _below(tensors, "optimiser").items():
            index, what = name.split(".")
            moments.setdefault(int(index), {})[what] = value
        self.optimiser.load_state_dict(self.optimiser.state_dict() | {"state": moments})
        self.step = said["images"] // self.config.batch


def _below(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(f"{prefix}."): value for name, value in tensors.items() if name.startswith(f"{prefix}.")}


def _shown_in(step: int, batch: int, films: int, seed: int) -> np.ndarray:
    """The rows of one batch: each epoch shows every film once, in an order of its own."""
    epochs, places = np.divmod(np.arange(step * batch, (step + 1) * batch), films)
    return np.array([_order(seed, int(epoch), films)[place] for epoch, place in zip(epochs, places, strict=True)])


@lru_cache(maxsize=4)
def _order(seed: int, epoch: int, films: int) -> np.ndarray:
    return np.random.default_rng(seed_for(seed, f"epoch {epoch}")).permutation(films)


def _refuse_unusable(config: ClassifierConfig, films: LabelledFilms, calibration: LabelledFilms) -> None:
    for part, what in ((films, "train"), (calibration, "calibrate")):
        if not len(part):
            raise ValueError(f"There are no films to {what} on.")
        if part.side != config.side:
            raise ValueError(f"The films to {what} on are of {part.side}², but the training asks for {config.side}².")
    if films.findings != calibration.findings:
        raise ValueError("The films to train on and to calibrate on have different columns of findings.")
    require_apart(films, calibration)


def _fingerprint(*parts: LabelledFilms) -> str:
    """Names films, their order and their labels."""
    digest = hashlib.sha256()
    for films in parts:
        digest.update(json.dumps([films.hashes, films.patients, films.findings]).encode())
        digest.update(films.labels.astype("<f4").tobytes())
    return digest.hexdigest()


@torch.no_grad()
def _finished(
    config: ClassifierConfig, training: _Training, films: LabelledFilms, calibration: LabelledFilms, out: Path
) -> Classifier:
    network = training.network.eval()
    # Weighting positives by w adds log w to the log-odds that the network learns; that is taken out again.
    network.get_submodule("class_layers.out").bias -= training.weights.log()  # type: ignore[operator]
    logits = raw_logits(network, calibration)
    if not np.isfinite(logits).all():
        raise TrainingDiverged.after(training.images)
    fitted = [calibrated(*columns) for columns in zip(logits.T, calibration.labels.T, strict=True)]
    about = Description(
        network=config.network,
        side=config.side,
        findings=films.findings,
        temperature=tuple(one.temperature for one in fitted),
        threshold=tuple(one.threshold for one in fitted),
        patients=tuple(sorted(_named(films) | _named(calibration))),
        films=tuple(sorted({*films.hashes, *calibration.hashes})),
        trained={
            "config": config.to_json(),
            "films": len(films),
            "calibration": calibration_to_json(films.findings, fitted, calibration.labels),
        },
        held_out={},
    )
    save_classifier(out, network, about)
    return load_classifier(out, training.hardware.device)


@torch.no_grad()
def raw_logits(network: nn.Module, films: LabelledFilms) -> np.ndarray:
    """What a network says of films of its side, uncalibrated: shape (n, findings), single precision."""
    device = next(network.parameters()).device
    parts = []
    for first in range(0, len(films), FILMS_AT_ONCE):
        rows = np.arange(first, min(first + FILMS_AT_ONCE, len(films)))
        shown = as_values(torch.from_numpy(films.carried(rows)).to(device))
        parts.append(network(shown.contiguous(memory_format=torch.channels_last)).float().cpu())
    return torch.cat(parts).numpy()


def _named(films: LabelledFilms) -> set[str]:
    """Patients by name; one who goes by the hash of the only film known is named there already."""
    return set(films.patients) - set(films.hashes)
