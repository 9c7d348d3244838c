"""`python -m evaluation distances`: from arrays of features to distances."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np

from evaluation.images.by_finding import by_finding
from evaluation.images.distances import DEFAULT_K, REFERENCE, distances, protocol
from evaluation.images.memorisation import nearest_real
from evaluation.images.parts import parts
from evaluation.readers.ratings import Floats

TRAINING, HELD_OUT = "training", "held-out"
FINDINGS_APART = "|"


def add_distances(commands: Any) -> None:
    """Add the subcommand to the subparsers of `python -m evaluation`."""
    command = commands.add_parser("distances", help="distances of two arrays of features, each of shape (n, d)")
    command.add_argument("real", type=Path, help=".npy of the real films' features")
    command.add_argument("fake", type=Path, help=".npy of the synthetic films' features")
    command.add_argument("--patients", type=Path, help="text file with the patient of each real row, one a line")
    command.add_argument(
        "--held-out", type=Path, help=".npy of real films that the generator was not trained on, where REAL were"
    )
    command.add_argument("--held-out-patients", type=Path, help="text file with the patient of each of its rows")
    command.add_argument(
        "--findings",
        type=Path,
        nargs=2,
        metavar=("REAL", "FAKE"),
        help="text files with the findings of each row, joined by |, for distances by finding at one n",
    )
    command.add_argument("--json", type=Path, required=True, help="where the figures go")
    command.add_argument("--k", type=int, default=DEFAULT_K, help="neighbours of precision, recall, density, coverage")
    command.add_argument("--seed", type=int, default=0)
    command.set_defaults(run=distances_of_arrays)


def distances_of_arrays(options: argparse.Namespace) -> dict[str, Any]:
    """All figures of two arrays; against held-out films as well, and what was memorised, where they are given."""
    real, fake = load(options.real), load(options.fake)
    patients = lines_of(options.patients, len(real), "patients", "real")
    figures = _figures(options, real, fake, patients, TRAINING if options.held_out else REFERENCE)
    if options.findings:
        ours, theirs = (
            [
                set(filter(None, line.split(FINDINGS_APART)))
                for line in lines_of(path, len(side), "findings", name) or ()
            ]
            for path, side, name in zip(options.findings, (real, fake), ("real", "synthetic"), strict=True)
        )
        figures["by_finding"] = by_finding(real, fake, ours, theirs, seed=options.seed, patients=patients)
    if options.held_out:
        held_out = load(options.held_out)
        their_patients = lines_of(options.held_out_patients, len(held_out), "patients", "held-out")
        figures["held_out"] = _figures(options, held_out, fake, their_patients, HELD_OUT)
        figures["memorisation"] = nearest_real(
            real, fake, held_out=held_out, patients=patients, held_out_patients=their_patients
        )
    return figures


def _figures(
    options: argparse.Namespace, real: Floats, fake: Floats, patients: list[str] | None, reference: str
) -> dict[str, Any]:
    figures = distances(real, fake, k=options.k, seed=options.seed, patients=patients, reference=reference)
    return figures | {"protocol": protocol(figures)}


def lines_of(path: Path | None, rows: int, what: str, side: str) -> list[str] | None:
    """The lines of a text file, one for each row of features. Raises ValueError where there are more or fewer."""
    if path is None:
        return None
    lines = path.read_text(encoding="utf-8").splitlines()
    if len(lines) != rows:
        raise ValueError(f"{path} names {len(lines)} {what} for {rows} {side} rows.")
    return lines


def load(path: Path) -> Floats:
    """An array of features, mapped from its file. Raises ValueError that names the file at fault."""
    try:
        features = np.load(path, mmap_mode="r", allow_pickle=False)
    except (ValueError, EOFError) as error:
        raise ValueError(f"{path} is not an array of numbers as NumPy saves it ({error}).") from error
    if not isinstance(features, np.ndarray) or features.dtype.kind not in "fiu" or features.ndim != 2:
        raise ValueError(f"{path} is not an array of numbers of shape (films, features).")
    if not all(np.isfinite(part).all() for _, part in parts(features)):
        raise ValueError(f"{path} holds values that are not finite numbers.")
    return features
