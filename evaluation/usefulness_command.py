"""`python -m evaluation usefulness`: are classifiers better for synthetic films among those that they learn from?"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from tqdm import tqdm

from evaluation.classifiers.archive_folder import is_archive, synthetic_films
from evaluation.classifiers.films import LabelledFilms, films_of_folder
from evaluation.classifiers.network import DEFAULT_NETWORK, NETWORKS
from evaluation.classifiers.splits import require_apart, set_aside
from evaluation.classifiers.training import ClassifierConfig
from evaluation.classifiers.usefulness import ARMS, Progress, Trainings, learned_from, usefulness
from evaluation.classifiers.usefulness_areas import DRAWS
from evaluation.classify_command import EPOCHS
from evaluation.readers.mrmc import VERY_FEW_READERS
from evaluation.usefulness_figure import draw_usefulness
from evaluation.usefulness_table import usefulness_table
from gan.findings import FINDINGS
from gan.hardware import DEVICES, choose_hardware
from gan.state import TrainingDiverged
from gan.stopping import StopOnSignal, TrainingStopped
from gan.train_command import KEY

CALIBRATION_SHARE = 0.1
FILL_TO = 0.05
SEEDS = 5

NO_NEW_PATIENTS = (
    "The generator learned from real films, so synthetic films add no patient: they show again, and otherwise, what it "
    "made of these."
)
NO_SAMENESS = (
    "“Not shown to differ” is no proof of sameness: the interval says how large a difference these patients and "
    "networks leave open."
)
TARGETS = (
    "The labels of the synthetic films are what they were steered to and what the accepting classifier did not see in "
    "them; nobody has read them."
)
NOT_CHECKED = (
    "It was not checked whether the generator and the classifiers that made the synthetic films had seen the held-out "
    "ones; name their weights with --made-with."
)

Json = dict[str, Any]


def add_usefulness(commands: Any) -> None:
    """Add the subcommand to the subparsers of `python -m evaluation`."""
    default = ClassifierConfig()
    command = commands.add_parser("usefulness", help="what synthetic films are worth to a classifier")
    command.add_argument("--real", type=Path, required=True, help="folder of real films to train on, with labels.csv")
    command.add_argument("--synthetic", type=Path, required=True, help="exported archive, or folder with labels.csv")
    command.add_argument("--held-out", type=Path, required=True, help="folder of films of other real patients")
    command.add_argument("--json", type=Path, required=True, help="where the figures go")
    command.add_argument("--table", type=Path, help="where they go as a table, in Markdown")
    command.add_argument("--figure", type=Path, help="where a forest plot goes: .svg or .png")
    command.add_argument("--work", type=Path, help="folder that keeps the networks; beside --json unless given")
    command.add_argument(
        "--made-with",
        type=Path,
        action="append",
        default=[],
        metavar="WEIGHTS",
        help="generator or classifier behind the synthetic films, by whose .json held-out films are refused that it "
        "has seen; may be given again",
    )
    command.add_argument("--fill-to", type=float, default=FILL_TO, help="films of a rare finding, or their share")
    command.add_argument("--seeds", type=int, default=SEEDS, help="networks in each arm")
    command.add_argument("--network", choices=sorted(NETWORKS), default=DEFAULT_NETWORK)
    command.add_argument("--side", type=int, default=default.side, help="films are brought to this many pixels a side")
    command.add_argument(
        "--images", type=int, help=f"films shown in every arm; {EPOCHS} times the real ones if not given"
    )
    command.add_argument("--batch", type=int, default=default.batch)
    command.add_argument("--rate", type=float, default=default.rate, help="the highest rate of the one cycle")
    command.add_argument("--augmentation", type=float, default=default.augmentation, help="0 none … 1 all of it")
    command.add_argument("--draws", type=int, default=DRAWS, help="of patients and seeds, for the bootstrap")
    command.add_argument("--origin", default="", help=f"name patients as of this origin, hashed with {KEY}")
    command.add_argument("--device", choices=DEVICES, default="auto")
    command.add_argument("--threads", type=int, default=0, help="of the processor; all of them unless given")
    command.set_defaults(run=study_usefulness)


def study_usefulness(options: argparse.Namespace) -> Json:
    """All figures of the four arms; the table and the figure are written where they are asked for."""
    if options.seeds < 1 or options.draws < 2:
        raise ValueError("A comparison takes one seed or more, and two draws or more.")
    if options.threads:
        torch.set_num_threads(options.threads)
    hardware, stop = choose_hardware(options.device), StopOnSignal()
    try:
        real, synthetic, held_out = (_read(folder, options, stop) for folder in _folders(options))
        _refuse_shared(real, synthetic, held_out)
        strangers = {path.stem: _strangers(path, real, held_out) for path in options.made_with}
        trained, calibration = set_aside(real, CALIBRATION_SHARE)
        config = ClassifierConfig(
            images=options.images or EPOCHS * len(trained),
            **{name: getattr(options, name) for name in ("network", "side", "batch", "rate", "augmentation")},
        )
        with _training_bar(config, len(ARMS) * options.seeds) as progress:
            trainings = Trainings(
                config, options.seeds, options.work or _beside(options.json), hardware, progress, stop
            )
            measured = usefulness(
                trained, calibration, synthetic, held_out, trainings, fill_to=options.fill_to, draws=options.draws
            )
    except TrainingStopped as stopped:
        print(stopped, "The same command goes on.", file=sys.stderr)
        raise SystemExit(stop.exit_status) from None
    except TrainingDiverged as diverged:
        raise ValueError(str(diverged)) from diverged
    sets = {"trained": trained, "calibration": calibration, "synthetic": synthetic, "held_out": held_out}
    result = {
        "n": {name: {"films": len(films), "patients": len(set(films.patients))} for name, films in sets.items()},
        "config": config.to_json() | {"seed": list(range(options.seeds))},
        **measured,
        "protocol": _protocol(config, options),
        "warnings": [
            *_about_seeds(options.seeds),
            *_about_films(options, strangers),
            *_about_arms(measured),
            NO_SAMENESS,
        ],
    }
    if options.table:
        options.table.write_text(usefulness_table(result), encoding="utf-8")
    if options.figure:
        draw_usefulness(result, options.figure)
    return result


def _beside(json: Path) -> Path:
    return json.with_suffix(".work")


def _folders(options: argparse.Namespace) -> tuple[Path, Path, Path]:
    return options.real, options.synthetic, options.held_out


def _read(folder: Path, options: argparse.Namespace, should_stop: Callable[[], bool]) -> LabelledFilms:
    key = os.environ.get(KEY, "").encode() if options.origin else None
    if options.origin and not key:
        raise ValueError(f"--origin needs the key of the patients' pseudonyms in {KEY}.")
    with tqdm(desc=f"Reading films of {folder.name}", unit="film", disable=None) as bar:

        def progress(done: int, count: int) -> None:
            bar.total = count
            bar.update(done - bar.n)
            if should_stop():
                raise TrainingStopped("Stopped while films were read; nothing was trained.")

        if folder == options.synthetic:
            return synthetic_films(folder, FINDINGS, options.side, progress=progress)
        return films_of_folder(folder, FINDINGS, options.side, key=key, origin=options.origin, progress=progress)


def _refuse_shared(real: LabelledFilms, synthetic: LabelledFilms, held_out: LabelledFilms) -> None:
    """Raises ValueError where held-out films or patients are trained on, or a synthetic film is a real one."""
    require_apart(real, held_out)
    require_apart(synthetic, held_out)
    both = set(real.hashes) & set(synthetic.hashes)
    if both:
        raise ValueError(f"{len(both)} films are among the real and among the synthetic ones, such as {min(both)}.")


def _strangers(weights: Path, real: LabelledFilms, held_out: LabelledFilms) -> int:
    """How many films a network learned from that are not among the real ones.

    Raises ValueError where it has seen held-out films or, as far as names tell, their patients.
    """
    films, patients = learned_from(weights)
    seen = films & set(held_out.hashes), patients & set(held_out.patients)
    if any(seen):
        raise ValueError(
            f"{weights} learned from {len(seen[0])} held-out films and {len(seen[1])} of their patients, so that "
            "the synthetic films are not strangers to them; hold others out."
        )
    return len(films - set(real.hashes))


@contextmanager
def _training_bar(config: ClassifierConfig, trainings: int) -> Iterator[Progress]:
    shown: dict[str, int] = {}
    with tqdm(total=trainings * config.images, unit="film", desc="Training", smoothing=0.05, disable=None) as bar:

        def show(name: str, images: int) -> None:
            shown[name] = images
            bar.set_description(f"Training ({name})", refresh=False)
            bar.update(sum(shown.values()) - bar.n)

        yield show


def _protocol(config: ClassifierConfig, options: argparse.Namespace) -> str:
    return (
        f"{config.network} at {config.side} × {config.side}, {config.steps * config.batch:,} films shown in every arm, "
        f"{options.seeds} seeds, the same in every arm; {CALIBRATION_SHARE:.0%} of the real patients set aside for "
        "calibration in all arms; limits and p of one network's AUC are for other patients and other seeds (Obuchowski "
        "and Rockette's model, seeds as readers), those of an ensemble for other patients (DeLong), in both films of a "
        "patient together; p adjusted by Holm over the arms for the mean, over findings and arms for single findings; "
        f"bootstrap of {options.draws:,} draws"
    )


def _about_seeds(seeds: int) -> list[str]:
    if seeds == 1:
        return [
            "With one seed nothing is known of how networks of one arm differ; limits and p are for patients alone."
        ]
    if seeds <= VERY_FEW_READERS:
        return [f"{seeds} seeds tell little of how networks differ; limits and p are widened for it."]
    return []


def _about_films(options: argparse.Namespace, strangers: dict[str, int]) -> list[str]:
    said = [NO_NEW_PATIENTS]
    if is_archive(options.synthetic):
        said.append(TARGETS)
    if not strangers:
        said.append(NOT_CHECKED)
    return said + [
        f"{name} learned from {count} films that are not in {options.real}: what they showed reaches the arms with "
        "synthetic films and not the real one."
        for name, count in strangers.items()
        if count
    ]


def _about_arms(measured: Json) -> list[str]:
    short = [
        f"{finding} ({one['real'] + one['added']} of {one['wanted']})"
        for finding, one in measured["filled"]["findings"].items()
        if one["real"] + one["added"] < one["wanted"]
    ]
    said = [f"There are too few synthetic films to fill up {', '.join(short)}."] if short else []
    for name, arm in measured["arms"].items():
        one_sided = [
            finding
            for finding, count in (arm["findings"].items() if arm["films"] else ())
            if count["synthetic_with"] and not count["synthetic_without"] and count["real_without"]
        ]
        if one_sided:
            said.append(
                f"In the arm “{name}” no synthetic film is known to be without {', '.join(one_sided)}: the network can "
                "learn to tell synthetic films instead."
            )
    return said
