"""`python -m evaluation classify train` and `judge`: a classifier of findings from a folder of films, and its word."""

from __future__ import annotations

import argparse
import csv
import io
import os
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tqdm import tqdm

from evaluation.classifiers.films import LabelledFilms, films_of_folder
from evaluation.classifiers.held_out import Floats, measured, scores
from evaluation.classifiers.network import DEFAULT_NETWORK, NETWORKS, Classifier, load_classifier, save_classifier
from evaluation.classifiers.splits import (
    CALIBRATION_SHARE,
    HELD_OUT_SHARE,
    in_part,
    official,
    require_apart,
    seen,
    set_aside,
)
from evaluation.classifiers.training import ClassifierConfig, refuse_what_is_there, train
from gan.findings import FINDINGS
from gan.hardware import DEVICES, choose_hardware
from gan.state import TrainingDiverged
from gan.stopping import StopOnSignal, TrainingStopped
from gan.train_command import KEY
from gan.whole_file import whole_file

EPOCHS = 12
INTERVALS = (("delong", "DeLong"), ("bootstrap", "patients drawn"))


def add_classify(commands: Any) -> None:
    """Add the subcommand to the subparsers of `python -m evaluation`."""
    classify = commands.add_parser("classify", help="train a classifier of findings, or let it judge films")
    kinds = classify.add_subparsers(required=True, metavar="train|judge")
    _add_train(kinds)
    _add_judge(kinds)


def add_configuration(parser: argparse.ArgumentParser) -> None:
    """What a training of a classifier can be told, here and in the application."""
    default = ClassifierConfig()
    parser.add_argument(
        "--part", type=part_of, default=(1, 1), metavar="1/3", help="train on this part of the patients"
    )
    parser.add_argument("--network", choices=sorted(NETWORKS), default=DEFAULT_NETWORK)
    parser.add_argument("--side", type=int, default=default.side, help="films are brought to this many pixels a side")
    length = parser.add_mutually_exclusive_group()
    length.add_argument("--images", type=int, help="films shown in all")
    length.add_argument("--epochs", type=float, help=f"or how often each film is shown; {EPOCHS} unless given")
    parser.add_argument("--batch", type=int, default=default.batch)
    parser.add_argument("--rate", type=float, default=default.rate, help="the highest rate of the one cycle")
    parser.add_argument("--augmentation", type=float, default=default.augmentation, help="0 none … 1 all of it")
    parser.add_argument("--seed", type=int, default=0, help="of weights and order; no patient changes sides")
    parser.add_argument("--device", choices=DEVICES, default="auto")
    parser.add_argument("--threads", type=int, default=0, help="of the processor; all of them unless given")


def configuration(options: argparse.Namespace) -> ClassifierConfig:
    """The configuration asked for, but for `options.epochs`. Raises ValueError where it makes no sense."""
    asked = ("network", "side", "images", "batch", "rate", "augmentation", "seed")
    return ClassifierConfig(**{name: getattr(options, name) for name in asked if getattr(options, name) is not None})


def epochs_of(options: argparse.Namespace) -> float | None:
    """How often each film is to be shown; None where the number of films shown was given."""
    return None if options.images else options.epochs or EPOCHS


def part_of(text: str) -> tuple[int, int]:
    """“1/3” as (1, 3)."""
    part, _, parts = text.partition("/")
    if not (part.isdecimal() and parts.isdecimal() and 1 <= int(part) <= int(parts)):
        raise argparse.ArgumentTypeError(f"“{text}” is no part; the first of three is written 1/3, the last 3/3")
    return int(part), int(parts)


class TrainingBar:
    """A progress bar over the films shown, with the loss."""

    def __init__(self, total: int) -> None:
        self._bar = tqdm(total=total, unit="film", desc="Training", smoothing=0.05)

    def __call__(self, images: int, loss: float) -> None:
        self._bar.update(images - self._bar.n)
        self._bar.set_postfix_str(f"loss {loss:.4f}", refresh=False)


def _add_train(kinds: Any) -> None:
    command = kinds.add_parser("train", help="train on a folder of films, and measure on patients held out")
    command.add_argument("--films", type=Path, required=True, help="folder of PNG or JPEG with labels.csv")
    command.add_argument("--out", type=Path, required=True, help=".safetensors; a .json goes beside it")
    held_out = command.add_mutually_exclusive_group()
    held_out.add_argument(
        "--split-lists",
        type=Path,
        nargs=2,
        metavar=("TRAIN_VAL_LIST", "TEST_LIST"),
        help="NIH's own lists: train on the films of the first, measure on those of the second",
    )
    held_out.add_argument(
        "--held-out", type=Path, help="folder of films of other patients to measure on; else a fifth of the patients"
    )
    command.add_argument("--origin", default="", help=f"name patients as of this origin, hashed with {KEY}")
    add_configuration(command)
    command.add_argument(
        "--resume", action="store_true", help="go on where a training of --out was stopped; begins where there is none"
    )
    command.set_defaults(run=train_on_folder, json=None)


def _add_judge(kinds: Any) -> None:
    command = kinds.add_parser("judge", help="what a classifier says of each film of a folder")
    command.add_argument("films", type=Path, help="folder of films; with labels.csv the AUC is printed as well")
    command.add_argument("--classifier", type=Path, required=True, help=".safetensors with its .json beside it")
    command.add_argument("--json", type=Path, help="where everything goes")
    command.add_argument("--csv", type=Path, help="where a table of the films goes")
    command.add_argument("--origin", default="", help=f"name patients as of this origin, hashed with {KEY}")
    command.add_argument(
        "--allow-training-films",
        action="store_true",
        help="judge films although the classifier was trained on them or their patients",
    )
    command.add_argument("--device", choices=DEVICES, default="auto")
    command.set_defaults(run=judge_folder)


def train_on_folder(options: argparse.Namespace) -> dict[str, Any]:
    """Train, calibrate, measure and write a classifier; its headline."""
    if options.threads:
        torch.set_num_threads(options.threads)
    stop = StopOnSignal()
    refuse_what_is_there(options.out, resume=options.resume)
    config, hardware = configuration(options), choose_hardware(options.device)
    try:
        trained, held_out = _sides(options, stop)
        rest, calibration = set_aside(trained, CALIBRATION_SHARE)
        config = config.over(epochs, len(rest)) if (epochs := epochs_of(options)) else config
        classifier = train(
            config,
            rest,
            calibration,
            options.out,
            resume=options.resume,
            hardware=hardware,
            progress=TrainingBar(config.steps * config.batch),
            should_stop=stop,
        )
    except TrainingStopped as stopped:
        print(stopped, file=sys.stderr)
        raise SystemExit(stop.exit_status) from None
    except TrainingDiverged as diverged:
        raise ValueError(str(diverged)) from diverged
    table = measured(classifier, held_out)
    about = save_classifier(options.out, classifier.network, replace(classifier.about, held_out=table))
    return {
        "n": {"trained": len(rest), "calibrated": len(calibration), "held_out": len(held_out)},
        "overall": _in_words(table),
        "warnings": warnings_of(replace(classifier, about=about), FINDINGS),
    }


def judge_folder(options: argparse.Namespace) -> dict[str, Any]:
    """The scores of all films of a folder, and how well they go with its labels where it has some."""
    classifier = load_classifier(options.classifier, choose_hardware(options.device).device)
    films = _films(options.films, options, classifier.findings, classifier.side)
    known = seen(classifier.about, films)
    if known and not options.allow_training_films:
        raise ValueError(
            f"The classifier {classifier.name} was trained or calibrated on {len(known)} of the {len(films)} films, or "
            f"on their patients, such as {films.names[known[0]]}. Its word on them says nothing of other films; take "
            "them away or give --allow-training-films."
        )
    said = scores(classifier, films)
    if options.csv:
        _write_csv(options.csv, classifier, films, said)
    result: dict[str, Any] = {
        "classifier": {
            "name": classifier.name,
            "sha256": classifier.sha256,
            "temperature": classifier.about.temperature,
        },
        "threshold": dict(zip(classifier.findings, classifier.about.threshold, strict=True)),
        "n": {"films": len(films), "trained_on": len(known)},
        "films": [
            {"file": name, "logits": dict(zip(classifier.findings, row.tolist(), strict=True))}
            for name, row in zip(films.names, said, strict=True)
        ],
    }
    if np.isnan(films.labels).all():
        return result | {"overall": {"shown": _shares(classifier, said)}}
    table = measured(classifier, films, said)
    return result | {"overall": _in_words(table), "table": table}


def warnings_of(classifier: Classifier, findings: tuple[str, ...]) -> list[str]:
    """What to know before a classifier is used: findings that it did not learn, and rough calibrations."""
    missing = [finding for finding in findings if finding not in classifier.findings]
    notes = [f"Not learnt, for want of films that show it: {', '.join(missing)}."] if missing else []
    of_findings = classifier.about.trained["calibration"].items()
    return notes + [f"{finding}: {note}." for finding, about in of_findings for note in about["notes"]]


def area_in_words(row: dict[str, Any]) -> str:
    """One finding's AUC with both intervals, or why there is none."""
    if row["auc"] is None:
        return f"AUC not defined, {row['reason']}"
    intervals = [f"{row[kind][0]:.3f} to {row[kind][1]:.3f} ({name})" for kind, name in INTERVALS if row.get(kind)]
    known = f", {row['positives']} of {row['n']} films" if "positives" in row else ""
    return f"AUC {row['auc']:.3f}, {' and '.join(intervals) or 'no interval'}{known}"


def _in_words(table: dict[str, Any]) -> dict[str, str]:
    rows = table["findings"] | {f"mean of {table['macro']['findings']}": table["macro"]}
    return {name: area_in_words(row) for name, row in rows.items()}


def _sides(options: argparse.Namespace, stop: StopOnSignal) -> tuple[LabelledFilms, LabelledFilms]:
    """The films to train and calibrate on, and those to measure on."""
    films = _films(options.films, options, FINDINGS, options.side, stop)
    if options.held_out:
        trained, held_out = films, _films(options.held_out, options, FINDINGS, options.side, stop)
        require_apart(trained, held_out)
    elif options.split_lists:
        trained, held_out = official(options.films, films, *options.split_lists)
    else:
        trained, held_out = set_aside(films, HELD_OUT_SHARE)
    part, parts = options.part
    return trained.of_patients(in_part(trained.patients, part, parts)), held_out


def _films(
    folder: Path,
    options: argparse.Namespace,
    findings: tuple[str, ...],
    side: int,
    should_stop: Callable[[], bool] = lambda: False,
) -> LabelledFilms:
    key = os.environ.get(KEY, "").encode() if options.origin else None
    if options.origin and not key:
        raise ValueError(f"--origin needs the key of the patients' pseudonyms in {KEY}.")
    with tqdm(desc=f"Reading films of {folder.name}", unit="film") as bar:

        def progress(done: int, count: int) -> None:
            bar.total = count
            bar.update(done - bar.n)
            if should_stop():
                raise TrainingStopped("Stopped while films were read; nothing was trained yet.")

        return films_of_folder(folder, findings, side, key=key, origin=options.origin, progress=progress)


def _shares(classifier: Classifier, said: Floats) -> dict[str, float]:
    """The share of films that show each finding, by the classifier's own threshold."""
    shown = said >= np.array(classifier.about.threshold)
    return dict(zip(classifier.findings, shown.mean(0).tolist(), strict=True))


def _write_csv(path: Path, classifier: Classifier, films: LabelledFilms, said: Floats) -> None:
    """One row for each film: the calibrated logit of each finding, and 1 where it counts as shown."""
    text = io.StringIO(newline="")
    table = csv.writer(text)
    table.writerow(["file", *classifier.findings, *(f"{finding} shown" for finding in classifier.findings)])
    shown = (said >= np.array(classifier.about.threshold)).astype(int)
    for name, logits, verdicts in zip(films.names, said, shown, strict=True):
        table.writerow([name, *(f"{logit:.6g}" for logit in logits), *verdicts])
    with whole_file(path) as file:
        file.write(text.getvalue().encode())
