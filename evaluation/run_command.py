"""`python -m evaluation run`: the course of a training, from the snapshots that `python -m gan train` left."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from evaluation.images.course import distance_at_equal_n
from evaluation.images.extractors import CHOICES, Extractor, Texture, describe, extractor_of
from evaluation.plain_json import write_json
from evaluation.run_figure import course_figure
from gan.drawing import Drawer
from gan.folder import LABELS, film_paths, read_canonical, read_labels
from gan.snapshot import Snapshot, snapshots

FILMS = 400
FIRST_SEED = 2**62


def add_run(commands: Any) -> None:
    """Add the subcommand to the subparsers of `python -m evaluation`."""
    run = commands.add_parser("run", help="the Fréchet distance of a training's snapshots by images shown")
    run.add_argument("run_folder", type=Path, metavar="run", help="folder of a training, with its snapshots")
    run.add_argument("--real", type=Path, required=True, help="folder of held-out films; labels.csv names patients")
    run.add_argument("--out", type=Path, required=True, help="folder for course.json and course.svg")
    run.add_argument("--films", type=int, default=FILMS, help="drawn from each snapshot")
    run.add_argument("--seed", type=int, default=0)
    run.add_argument("--extractor", default=Texture.name, help=CHOICES)
    run.set_defaults(run=course_of_run, json=None)


def course_of_run(options: argparse.Namespace) -> dict[str, Any]:
    """Draw from every snapshot that has its weights, measure, and write figure and figures."""
    kept = [snapshot for snapshot in snapshots(options.run_folder) if snapshot.generator.exists()]
    if not kept:
        raise ValueError(f"{options.run_folder} has no snapshots with weights; name the folder of a training.")
    extractor = extractor_of(options.extractor)
    paths = film_paths(options.real)
    labels = read_labels(options.real / LABELS)
    patients = [labels.get(path.relative_to(options.real).as_posix(), {}).get("patient_id") or "" for path in paths]
    real = extractor.features(read_canonical(path) for path in tqdm(paths, desc="Real films", disable=None))
    measured = [
        _measure(snapshot, extractor, real, patients, options)
        for snapshot in tqdm(kept, desc="Snapshots", unit="snapshot", disable=None)
    ]
    about = describe(extractor, real.shape[1])
    result = {
        "snapshots": measured,
        "rises": _rises(measured),
        "extractor": about,
        "protocol": _protocol(measured, about),
    }
    options.out.mkdir(parents=True, exist_ok=True)
    write_json(options.out / "course.json", result)
    (options.out / "course.svg").write_text(course_figure(measured), encoding="utf-8")
    return result


def _measure(
    snapshot: Snapshot, extractor: Extractor, real: np.ndarray, patients: list[str], options: argparse.Namespace
) -> dict[str, Any]:
    # The same for all snapshots, and far from those that studies draw.
    seeds = range(FIRST_SEED, FIRST_SEED + options.films)
    fake = extractor.features(Drawer(snapshot.generator).films(seeds))
    found = distance_at_equal_n(real, fake, seed=options.seed, patients=patients)
    return {
        "images": snapshot.images,
        "resolution": snapshot.phase.resolution,
        "phase": str(snapshot.phase),
        "n": found.n,
        "frechet": asdict(found.distance),
        "floor": asdict(found.floor),
        "overfitting": snapshot.gap.overfitting if snapshot.gap else None,
    }


def _rises(measured: list[dict[str, Any]]) -> list[str]:
    """A sentence for every snapshot that is further from the real films than the one before it."""
    return [
        f"From {before['frechet']['estimate']:.2f} after {before['images']} images ({before['phase']}) to "
        f"{after['frechet']['estimate']:.2f} after {after['images']} ({after['phase']})"
        + (", within the intervals." if after["frechet"]["low"] <= before["frechet"]["high"] else ", beyond them.")
        for before, after in pairwise(measured)
        if after["frechet"]["estimate"] > before["frechet"]["estimate"]
    ]


def _protocol(measured: list[dict[str, Any]], about: dict[str, Any]) -> str:
    weights = f", SHA-256 {about['sha256'][:12]}" if about["sha256"] else ", no weights"
    return (
        f"extractor {about['name']} {about['version']}{weights}; {about['resize']}, films of every resolution alike; "
        f"n = {measured[0]['n']} a side, mean over splits; covariance n-1; 95 % intervals by a jackknife over tenths "
        "of the patients and of the drawn films"
    )
