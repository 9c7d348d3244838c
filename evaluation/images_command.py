"""`python -m evaluation images` and `features`: from folders of films to features and to distances."""

from __future__ import annotations

import argparse
import csv
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from tqdm import tqdm

from evaluation.images.distances import DEFAULT_K, distances, protocol
from evaluation.images.extractors import CHOICES, Extractor, Texture, describe, extractor_of
from evaluation.images.folder import Films, measured
from evaluation.images.memorisation import nearest_real
from evaluation.images.user_cache import user_cache
from gan.parallel import Ranks, ranks_of_environment


def add_images(commands: Any) -> None:
    """Add both subcommands to the subparsers of `python -m evaluation`."""
    images = commands.add_parser("images", help="distances of two folders of films")
    images.add_argument("real", type=Path, help="folder of real films; labels.csv in it names their patients")
    images.add_argument("fake", type=Path, help="folder of synthetic films")
    images.add_argument("--json", type=Path, required=True, help="where the figures go")
    images.add_argument("--k", type=int, default=DEFAULT_K, help="neighbours of precision, recall, density, coverage")
    images.add_argument("--seed", type=int, default=0)
    images.set_defaults(run=distances_of_folders)
    features = commands.add_parser("features", help="the features of a folder of films")
    features.add_argument("films", type=Path, help="folder of films")
    features.add_argument("--out", type=Path, required=True, help=".npy of shape (n, d); a .csv beside it names films")
    features.set_defaults(run=features_of_folder, json=None)
    for command in (images, features):
        command.add_argument("--extractor", default=Texture.name, help=CHOICES)
        where = command.add_mutually_exclusive_group()
        where.add_argument("--cache", type=Path, help="folder where features are kept; one of yours unless given")
        where.add_argument("--no-cache", action="store_true", help="keep nothing and take nothing up")


def distances_of_folders(options: argparse.Namespace) -> dict[str, Any] | None:
    """Distances of two folders with their extractor; None in all processes but the first."""
    extractor = extractor_of(options.extractor)
    with ranks_of_environment() as ranks, _cache(options, ranks) as cache:
        real, fake = (_measured(extractor, folder, cache, ranks) for folder in (options.real, options.fake))
        if not ranks.is_first:
            return None
        with _mapped(real, cache) as of_real, _mapped(fake, cache) as of_fake:
            figures = distances(of_real, of_fake, k=options.k, seed=options.seed, patients=real.patients)
            near = nearest_real(of_real, of_fake)
    about = describe(extractor, figures["dim"])
    return figures | {"extractor": about, "memorisation": near, "protocol": protocol(figures, about)}


def features_of_folder(options: argparse.Namespace) -> dict[str, Any] | None:
    """Write the features of a folder, and a table of its films in the same order; None in all processes but one."""
    extractor = extractor_of(options.extractor)
    if options.out.suffix != ".npy":
        raise ValueError(f"Features are written as .npy, which {options.out} does not end on.")
    with ranks_of_environment() as ranks, _cache(options, ranks) as cache:
        films = _measured(extractor, options.films, cache, ranks)
        if not ranks.is_first:
            return None
        films.write(options.out)
    table = options.out.with_suffix(".csv")
    _write_table(table, films)
    dimension = np.load(options.out, mmap_mode="r").shape[1]
    return {
        "films": len(films.names),
        "extractor": describe(extractor, dimension),
        "written": [str(options.out), str(table)],
    }


def _measured(extractor: Extractor, folder: Path, cache: Path, ranks: Ranks) -> Films:
    with tqdm(desc=f"Features of {folder.name}", unit="film", disable=None if ranks.is_first else True) as bar:

        def show(done: int, number: int) -> None:
            bar.total = number
            bar.update(done - bar.n)

        return measured(extractor, folder, cache, ranks, show)


@contextmanager
def _cache(options: argparse.Namespace, ranks: Ranks) -> Iterator[Path]:
    """The folder of the cache; without one, a folder that is gone afterwards."""
    if not options.no_cache:
        yield options.cache or user_cache() / "features"
        return
    if ranks.world > 1:
        raise ValueError("Several processes meet in the cache; leave --no-cache out.")
    with TemporaryDirectory() as folder:
        yield Path(folder)


@contextmanager
def _mapped(films: Films, cache: Path) -> Iterator[np.ndarray]:
    """The features as one array on disk, gone afterwards."""
    with TemporaryDirectory(dir=cache) as folder:
        path = Path(folder) / "features.npy"
        films.write(path)
        yield np.load(path, mmap_mode="r")


def _write_table(path: Path, films: Films) -> None:
    patients = films.patients or [""] * len(films.names)
    partial = path.with_name(path.name + ".partial")
    with partial.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["file", "patient_id"])
        writer.writerows(zip(films.names, patients, strict=True))
    partial.replace(path)
