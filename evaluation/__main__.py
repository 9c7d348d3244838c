"""`python -m evaluation readers|convert|plan|distances|images`: figures from plain files."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from evaluation.images.distances import DEFAULT_K, distances, protocol
from evaluation.images.extractors import Extractor, describe, extractor_of
from evaluation.images.folder import read_folder
from evaluation.images.memorisation import nearest_real
from evaluation.plain_json import write_json
from evaluation.plan_command import add_plan
from evaluation.readers_command import add_readers


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a subcommand; a fault of the input is one line on standard error and exit status 1."""
    options = _parser().parse_args(arguments)
    try:
        result = options.run(options)
        if options.json:
            write_json(options.json, result)
    except (ValueError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(json.dumps(_headline(result), indent=2, ensure_ascii=False))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m evaluation", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="readers|convert|plan|distances|images")
    add_readers(commands)
    add_plan(commands)
    arrays = commands.add_parser("distances", help="distances of two arrays of features, each of shape (n, d)")
    arrays.add_argument("real", type=Path, help=".npy of the real films' features")
    arrays.add_argument("fake", type=Path, help=".npy of the synthetic films' features")
    arrays.add_argument("--patients", type=Path, help="text file with the patient of each real row, one a line")
    arrays.set_defaults(run=_distances)
    images = commands.add_parser("images", help="distances of two folders of films")
    images.add_argument("real", type=Path, help="folder of real films")
    images.add_argument("fake", type=Path, help="folder of synthetic films")
    images.add_argument("--extractor", default="texture", help="texture, or the path of a TorchScript file")
    images.set_defaults(run=_images)
    for command in (arrays, images):
        command.add_argument("--json", type=Path, required=True, help="where the figures go")
        command.add_argument(
            "--k", type=int, default=DEFAULT_K, help="neighbours of precision, recall, density, coverage"
        )
        command.add_argument("--seed", type=int, default=0)
    return parser


def _distances(options: argparse.Namespace) -> dict[str, Any]:
    patients = options.patients.read_text(encoding="utf-8").splitlines() if options.patients else None
    real, fake = _load(options.real), _load(options.fake)
    if patients is not None and len(patients) != len(real):
        raise ValueError(f"{options.patients} names {len(patients)} patients for {len(real)} real rows.")
    figures = distances(real, fake, k=options.k, seed=options.seed, patients=patients)
    return figures | {"protocol": protocol(figures)}


def _load(path: Path) -> np.ndarray:
    try:
        features = np.load(path, allow_pickle=False)
    except ValueError as error:
        raise ValueError(f"{path} is not an array of numbers as NumPy saves it ({error}).") from error
    if not (np.issubdtype(features.dtype, np.number) and np.isfinite(features).all()):
        raise ValueError(f"{path} holds values that are not finite numbers.")
    return features


def _images(options: argparse.Namespace) -> dict[str, Any]:
    extractor = extractor_of(options.extractor)
    real, fake = (_features(extractor, folder) for folder in (options.real, options.fake))
    figures = distances(real, fake, k=options.k, seed=options.seed)
    about = describe(extractor, real.shape[1])
    near = nearest_real(real, fake)
    return figures | {"extractor": about, "memorisation": near, "protocol": protocol(figures, about)}


def _features(extractor: Extractor, folder: Path) -> np.ndarray:
    films = list(read_folder(folder).values())
    with tqdm(total=len(films), desc=f"Features of {folder.name}", disable=None) as bar:
        return extractor.features(films, lambda done, _: bar.update(done - bar.n))


def _headline(result: dict[str, Any]) -> dict[str, Any]:
    """What is worth a look on the screen; the file has everything."""
    shown = {name: result[name] for name in ("n", "overall", "comparison", "warnings") if result.get(name)}
    return shown or result


if __name__ == "__main__":
    sys.exit(main())
