"""`python -m evaluation bias`: the Fréchet distance and its floor over n, as numbers and as a figure."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tqdm import tqdm

from evaluation.bias_figure import bias_curves
from evaluation.distances_command import lines_of, load
from evaluation.images.bias import SIZES, bias
from evaluation.images.distances import COVARIANCE
from evaluation.images.equal_n import SPLITS
from evaluation.images.infinity import extrapolated


def add_bias(commands: Any) -> None:
    """Add the subcommand to the subparsers of `python -m evaluation`."""
    command = commands.add_parser("bias", help="the Fréchet distance and its floor over the number of films")
    command.add_argument(
        "--set",
        dest="sets",
        action="append",
        nargs="+",
        required=True,
        metavar=("NAME", "REAL.npy FAKE.npy"),
        help="features of real and of synthetic films under a name; a fourth value is a text file with the patient of "
        "each real row; may be given again",
    )
    command.add_argument("--sizes", type=int, nargs="+", default=SIZES, help="the numbers of films a side")
    command.add_argument("--seed", type=int, default=0)
    command.add_argument("--figure", type=Path, required=True, help="SVG that the curves go to")
    command.add_argument("--json", type=Path, required=True, help="where the figures go")
    command.set_defaults(run=bias_of_arrays)


def bias_of_arrays(options: argparse.Namespace) -> dict[str, Any]:
    """Floor and distance of each set at each n that it allows, its extrapolation, and the figure of all."""
    result = {}
    for name, *paths in options.sets:
        if not 2 <= len(paths) <= 3:
            raise ValueError(
                f"The set “{name}” needs two arrays and may have a file of patients, not {len(paths)} files."
            )
        real, fake = (load(Path(path)) for path in paths[:2])
        patients = lines_of(Path(paths[2]), len(real), "patients", "real") if len(paths) > 2 else None
        curve = list(
            tqdm(bias(real, fake, options.sizes, seed=options.seed, patients=patients), desc=name, disable=None)
        )
        if not curve:
            raise ValueError(f"The set “{name}” has too few films for any of these numbers.")
        to_infinity = extrapolated(real, fake, options.seed, patients)
        kept_apart = "patients kept apart" if patients else "patients not known"
        result[name] = {
            "curve": curve,
            "frechet_infinity": asdict(to_infinity) if to_infinity else None,
            "protocol": (
                f"{len(real)} real, {len(fake)} synthetic; d = {real.shape[1]}; covariance {COVARIANCE}; mean over "
                f"{SPLITS} splits, {kept_apart}; seed {options.seed}"
            ),
        }
    options.figure.write_text(bias_curves(result), encoding="utf-8")
    return result
