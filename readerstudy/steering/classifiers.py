"""Classifiers of findings: training them on a collection, and making known what was trained here or elsewhere."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from evaluation.classifiers.films import LabelledFilms, labels_of, phantom_name, read_films
from evaluation.classifiers.held_out import measured
from evaluation.classifiers.network import Classifier as Weights
from evaluation.classifiers.network import load_classifier, save_classifier
from evaluation.classifiers.splits import CALIBRATION_SHARE, HELD_OUT_SHARE, in_part, require_apart, set_aside
from evaluation.classifiers.training import ClassifierConfig, refuse_what_is_there, state_of, train
from gan.checkpoint import checkpoints
from gan.findings import FINDINGS
from gan.hardware import Hardware
from gan.pixels import read_film
from gan.provenance import key_fingerprint
from gan.state import TrainingDiverged
from gan.stopping import TrainingStopped
from readerstudy.archive.models import Collection, Radiograph, RadiographQuerySet, Split
from readerstudy.audit.models import record
from readerstudy.names import find_by_name
from readerstudy.progress import Progress, Silent
from readerstudy.steering.models import Classifier

KEPT, IN_TRAINING = "classifiers", "in-training"


def find_classifier(name: str) -> Classifier:
    """A classifier by name. Raises ValidationError that lists the names there are."""
    return find_by_name(Classifier.objects.all(), name, _("There is no classifier “%(name)s”; there are: %(names)s."))


def loaded(classifier: Classifier, device: torch.device | None = None) -> Weights:
    """A classifier ready to judge. Raises ValidationError where its file no longer holds the weights that it had."""
    try:
        weights = load_classifier(classifier.file, device)
    except (OSError, ValueError) as error:
        raise ValidationError(
            _("Classifier “%(classifier)s” cannot be used: %(reason)s") % {"classifier": classifier, "reason": error}
        ) from error
    if weights.sha256 != classifier.sha256:
        raise ValidationError(
            _("%(path)s no longer holds the weights of classifier “%(classifier)s”; put the right file back.")
            % {"path": classifier.file, "classifier": classifier}
        )
    return replace(weights, name=classifier.name)


def register_classifier(*, name: str, path: Path, actor: str) -> Classifier:
    """Make a classifier known: its .safetensors, with the .json beside it, is kept in a place of its own.

    Raises ValidationError where there is no classifier at `path`, or it is registered already.
    """
    try:
        weights = load_classifier(path)
    except (OSError, ValueError) as error:
        raise ValidationError(
            _("%(path)s is not a classifier: %(reason)s") % {"path": path, "reason": error}
        ) from error
    classifier = Classifier(
        name=name,
        path=f"{KEPT}/{weights.sha256}.safetensors",
        sha256=weights.sha256,
        network=weights.about.network,
        side=weights.side,
        findings=list(weights.findings),
    )
    classifier.full_clean()
    _copy(path, classifier.file)
    with transaction.atomic():
        classifier.save()
        record(
            actor=actor,
            action="classifier registered",
            subject=f"classifier:{classifier}",
            sha256=classifier.sha256,
            findings=classifier.findings,
        )
    return classifier


def train_classifier(
    *,
    name: str,
    collection: Collection,
    config: ClassifierConfig,
    actor: str,
    split: str = Split.UNKNOWN,
    part: int = 1,
    parts: int = 1,
    epochs: float | None = None,
    hardware: Hardware | None = None,
    resume: bool = False,
    progress: Progress | None = None,
    should_stop: Callable[[], bool] = lambda: False,
) -> Classifier:
    """Train a classifier on films of a collection whose findings are known, measure it on other patients, register it.

    `split` is the side to train on, of whose patients it takes one of `parts`; it is measured on the other side where
    there is one, else on patients set aside. `epochs`, where given, says how often each film is shown, instead of
    `config.images`. With `resume` a training of that name goes on where it was stopped, if all is as it was then.
    Raises ValidationError where it cannot begin or diverges, and TrainingStopped where it was asked to stop.
    """
    progress = progress or Silent()
    out = settings.HOME / KEPT / IN_TRAINING / f"{name}.safetensors"
    _refuse_unusable_name(name)
    try:
        refuse_what_is_there(out, resume=resume)
        trained, held_out = _sides(collection, split, config, progress, should_stop)
        trained = trained.of_patients(in_part(trained.patients, part, parts))
        films, calibration = set_aside(trained, CALIBRATION_SHARE)
        config = config.over(epochs, len(films)) if epochs else config
        how: dict[str, Any] = {"collection": collection.name, "split": split, "part": f"{part}/{parts}"}
        action = "classifier training resumed" if resume else "classifier training begun"
        begin = partial(_note, actor, action, name, **how, config=config.to_json(), films=len(films))
        weights = train(
            config,
            films,
            calibration,
            out,
            resume=resume,
            hardware=hardware,
            progress=_steps(progress, config, begin),
            should_stop=should_stop,
        )
        about = replace(
            weights.about,
            trained={**weights.about.trained, **how, "patient_key": key_fingerprint(settings.PSEUDONYM_KEY)},
            held_out=measured(weights, held_out),
        )
        save_classifier(out, weights.network, about)
    except TrainingStopped:
        if checkpoints(state_of(out)):
            _note(actor, "classifier training stopped", name)
        raise
    except (OSError, ValueError, TrainingDiverged) as error:
        raise ValidationError(
            _("Training of classifier “%(name)s”: %(reason)s") % {"name": name, "reason": error}
        ) from error
    classifier = register_classifier(name=name, path=out, actor=actor)
    for file in (out, out.with_suffix(".json")):
        file.unlink()
    return classifier


def _refuse_unusable_name(name: str) -> None:
    """The classifier takes the name at the end of its training, which may be days away."""
    Classifier(name=name).clean_fields(exclude={"path", "sha256", "network", "side", "findings"})
    if Classifier.objects.filter(name=name).exists():
        raise ValidationError(_("There is a classifier “%(name)s” already; choose another name.") % {"name": name})


def _sides(
    collection: Collection, split: str, config: ClassifierConfig, progress: Progress, should_stop: Callable[[], bool]
) -> tuple[LabelledFilms, LabelledFilms]:
    """The films to train and calibrate on, and those of other patients to measure on."""
    rows = Radiograph.objects.filter(collection=collection, findings__isnull=False).distinct().order_by("film_hash")
    trained, other = rows.in_split(split), rows.in_split(Split.TEST if split == Split.TRAIN else Split.TRAIN)
    if not trained.exists():
        raise ValueError(
            _("No film of collection “%(collection)s” on this side of its split has known findings.")
            % {"collection": collection}
        )
    films = _films(trained, config.side, progress, should_stop)
    if split == Split.UNKNOWN or not other.exists():
        return set_aside(films, HELD_OUT_SHARE)
    held_out = _films(other, config.side, progress, should_stop)
    require_apart(films, held_out)
    return films, held_out


def _films(rows: RadiographQuerySet, side: int, progress: Progress, should_stop: Callable[[], bool]) -> LabelledFilms:
    radiographs = list(rows.prefetch_related("findings"))
    progress.start(len(radiographs), _("Reading films"))
    read = 0

    def advance(done: int, _count: int) -> None:
        nonlocal read
        progress.advance(done - read)
        read = done
        if should_stop():
            raise TrainingStopped(_("Stopped while films were read; nothing was trained yet."))

    greys, hashes = read_films([radiograph.path for radiograph in radiographs], side, advance, read_film)
    for radiograph, hashed in zip(radiographs, hashes, strict=True):
        if hashed != radiograph.film_hash:
            raise ValueError(
                _("%(path)s has changed since it came into the archive; import it again.") % {"path": radiograph.path}
            )
    said = [labels_of([label.finding for label in radiograph.findings.all()], FINDINGS) for radiograph in radiographs]
    return LabelledFilms(
        greys=greys,
        names=[radiograph.source_path for radiograph in radiographs],
        labels=np.array(said, dtype=np.float32),
        patients=tuple(map(_patient, radiographs)),
        hashes=hashes,
        findings=FINDINGS,
        side=side,
    )


def _patient(radiograph: Radiograph) -> str:
    if radiograph.phantom_seed is not None:
        return phantom_name(radiograph.phantom_seed)
    return radiograph.patient or radiograph.film_hash


def _steps(progress: Progress, config: ClassifierConfig, begin: Callable[[], None]) -> Callable[[int, float], None]:
    """A training's progress as that of a service; it has begun once nothing was found to refuse and a film is shown."""
    progress.start(config.steps * config.batch, _("Training"))
    shown = 0

    def advance(images: int, _loss: float) -> None:
        nonlocal shown
        if not shown:
            begin()
        progress.advance(images - shown)
        shown = images

    return advance


def _note(actor: str, action: str, name: str, **detail: Any) -> None:
    with transaction.atomic():
        record(actor=actor, action=action, subject=f"classifier:{name}", **detail)


def _copy(weights: Path, to: Path) -> None:
    """Both files, the weights last and under their name only when whole: the .json alone is no classifier."""
    to.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=to.parent) as folder:
        for suffix in (".json", ".safetensors"):
            copied = shutil.copyfile(weights.with_suffix(suffix), Path(folder) / f"classifier{suffix}")
            copied.replace(to.with_suffix(suffix))
