"""`python -m evaluation images` and `features`: from folders of films to features and to distances."""

from __future__ import annotations

import argparse
import csv
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from tqdm import tqdm

from evaluation.distances_command import HELD_OUT, TRAINING
from evaluation.images.by_finding import by_finding
from evaluation.images.distances import DEFAULT_K, REFERENCE, distances, protocol
from evaluation.images.extractors import CHOICES, Extractor, Texture, describe, extractor_of
from evaluation.images.extractors.plain import Pixels
from evaluation.images.folder import Films, measured_by
from evaluation.images.memorisation import nearest_real
from evaluation.images.similarity import similarity
from evaluation.images.user_cache import user_cache
from evaluation.readers.ratings import Floats
from gan.folder import LABELS, read_canonical
from gan.parallel import Ranks, ranks_of_environment
from gan.pixels import Film


def add_images(commands: Any) -> None:
    """Add both subcommands to the subparsers of `python -m evaluation`."""
    images = commands.add_parser("images", help="distances of two folders of films")
    images.add_argument("real", type=Path, help="folder of real films; labels.csv in it names patients and findings")
    images.add_argument("fake", type=Path, help="folder of synthetic films, with findings in labels.csv or not")
    images.add_argument(
        "--held-out", type=Path, help="folder of real films that the generator was not trained on, where REAL were"
    )
    images.add_argument("--per-finding", action="store_true", help="also by finding, at one n for all of them")
    images.add_argument("--json", type=Path, required=True, help="where the figures go")
    images.add_argument("--k", type=int, default=DEFAULT_K, help="neighbours of precision, recall, density, coverage")
    images.add_argument("--seed", type=int, default=0)
    images.set_defaults(run=distances_of_folders)
    features = commands.add_parser("features", help="the features of a folder of films")
    features.add_argument("films", type=Path, help="folder of films")
    features.add_argument("--out", type=Path, required=True, help=".npy of shape (n, d); a .csv beside it names films")
    features.set_defaults(run=features_of_folder, json=None)
    for command in (images, features):
        add_extractor(command)


def add_extractor(command: argparse.ArgumentParser) -> None:
    """Add what says which features are computed, and where they are kept."""
    command.add_argument("--extractor", default=Texture.name, help=CHOICES)
    where = command.add_mutually_exclusive_group()
    where.add_argument("--cache", type=Path, help="folder where features are kept; one of yours unless given")
    where.add_argument("--no-cache", action="store_true", help="keep nothing and take nothing up")


def distances_of_folders(options: argparse.Namespace) -> dict[str, Any] | None:
    """All figures of two folders; against held-out films as well, where they are given.

    None in all processes but the first.
    """
    extractor = extractor_of(options.extractor)
    folders = [folder for folder in (options.real, options.fake, options.held_out) if folder]
    with ranks_of_environment() as ranks, cache_of(options, ranks) as cache:
        measured = [measured_folder([extractor, Pixels()], folder, cache, ranks) for folder in folders]
        if not ranks.is_first:
            return None
        rows, pixels = ([one.mapped(cache) for one in kind] for kind in zip(*measured, strict=True))
        films = [of_extractor for of_extractor, _ in measured]
        about = describe(extractor, rows[0].shape[1])
        # First what may refuse the films.
        findings = [_findings(side) for side in films[:2]] if options.per_finding else []
        memorisation = _memorisation(films, rows)
        memorisation["by_pixels"] = _memorisation(films, pixels) | {"rule": Pixels.rule}
        figures = _figures(options, about, films, rows)
        if findings:
            figures["by_finding"] = by_finding(*rows[:2], *findings, seed=options.seed, patients=films[0].patients)
        figures["memorisation"] = memorisation
    real, fake = (AsTheyAreRead(side) for side in films[:2])
    figures["similarity"] = similarity(real, fake, options.seed, films[0].patients)
    return figures


def _figures(
    options: argparse.Namespace, about: dict[str, Any], films: Sequence[Films], rows: Sequence[Floats]
) -> dict[str, Any]:
    def against(side: int, reference: str) -> dict[str, Any]:
        figures = distances(
            rows[side], rows[1], k=options.k, seed=options.seed, patients=films[side].patients, reference=reference
        )
        return figures | {"extractor": about, "protocol": protocol(figures, about)}

    figures = against(0, TRAINING if options.held_out else REFERENCE)
    if options.held_out:
        figures["held_out"] = against(2, HELD_OUT)
    return figures


def _findings(films: Films) -> list[frozenset[str]]:
    if films.findings is None:
        raise ValueError(f"{films.folder / LABELS} has no findings (columns file and labels) for --per-finding.")
    return films.findings


def _memorisation(films: Sequence[Films], rows: Sequence[Floats]) -> dict[str, Any]:
    """As `nearest_real`, pairs by the names of their files."""
    real, fake = films[:2]
    near = nearest_real(
        rows[0],
        rows[1],
        held_out=rows[2] if len(rows) > 2 else None,
        patients=real.patients,
        held_out_patients=films[2].patients if len(films) > 2 else None,
    )
    named = [
        pair | {"synthetic": fake.names[pair["synthetic"]], "real": real.names[pair["real"]]} for pair in near["pairs"]
    ]
    return near | {"pairs": named}


def features_of_folder(options: argparse.Namespace) -> dict[str, Any] | None:
    """Write the features of a folder, and a table of its films in the same order; None in all processes but one."""
    extractor = extractor_of(options.extractor)
    if options.out.suffix != ".npy":
        raise ValueError(f"Features are written as .npy, which {options.out} does not end on.")
    with ranks_of_environment() as ranks, cache_of(options, ranks) as cache:
        (films,) = measured_folder([extractor], options.films, cache, ranks)
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


def measured_folder(extractors: Sequence[Extractor], folder: Path, cache: Path, ranks: Ranks) -> list[Films]:
    """As `measured_by`, with a bar that shows how far it is."""
    with tqdm(desc=f"Features of {folder.name}", unit="film", disable=None if ranks.is_first else True) as bar:

        def show(done: int, number: int) -> None:
            bar.total = number
            bar.update(done - bar.n)

        return measured_by(extractors, folder, cache, ranks, show)


class AsTheyAreRead(Sequence[Film]):
    """The films of a folder, or some of them by their rows, each read when it is asked for."""

    def __init__(self, films: Films, rows: Sequence[int] | np.ndarray | None = None) -> None:
        self._films, self._rows = films, range(len(films.names)) if rows is None else rows

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, index: Any) -> Any:
        return read_canonical(self._films.folder / self._films.names[self._rows[index]])


@contextmanager
def cache_of(options: argparse.Namespace, ranks: Ranks) -> Iterator[Path]:
    """The folder of the cache; without one, a folder that is gone afterwards."""
    if not options.no_cache:
        yield options.cache or user_cache() / "features"
        return
    if ranks.world > 1:
        raise ValueError("Several processes meet in the cache; leave --no-cache out.")
    with TemporaryDirectory() as folder:
        yield Path(folder)


def _write_table(path: Path, films: Films) -> None:
    patients = films.patients or [""] * len(films.names)
    partial = path.with_name(path.name + ".partial")
    with partial.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["file", "patient_id"])
        writer.writerows(zip(films.names, patients, strict=True))
    partial.replace(path)
