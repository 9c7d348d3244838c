"""`python -m evaluation robustness`: which degradations of real films a distance notices."""

from __future__ import annotations

import argparse
import csv
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from evaluation.images.extractors import CHOICES, Progress, Texture, extractor_of
from evaluation.images.robustness import DISTANCES, robustness
from evaluation.plain_json import write_json
from evaluation.robustness_figure import draw_robustness
from gan.folder import LABELS, film_paths, read_canonical, read_labels

Json = dict[str, Any]

MOST = 1000


def add_robustness(commands: Any) -> None:
    """Add the subcommand to the subparsers of `python -m evaluation`."""
    command = commands.add_parser("robustness", help="which degradations of real films a distance notices")
    command.add_argument("real", type=Path, help="folder of real films; labels.csv in it names their patients")
    command.add_argument("--other", type=Path, required=True, help="folder of films of another anatomy, to be mixed in")
    command.add_argument(
        "--extractor", action="append", help=f"{CHOICES}; may be given again; {Texture.name} unless given"
    )
    command.add_argument("--out", type=Path, required=True, help="folder that figures and tables go to")
    command.add_argument("--where", metavar="COLUMN=VALUE", help="only the real films of which labels.csv says so")
    command.add_argument(
        "--modes", metavar="COLUMN", help="of labels.csv: films of one value are a mode; clusters of greys unless given"
    )
    command.add_argument("--films", type=int, default=MOST, help=f"real films at most, drawn at random; {MOST:,}")
    command.add_argument("--seed", type=int, default=0)
    command.set_defaults(run=study_robustness, json=None)


def study_robustness(options: argparse.Namespace) -> Json:
    """Write robustness.json, two tables and a figure of every distance; return what is worth a look on the screen."""
    random = np.random.default_rng(options.seed)
    extractors = [extractor_of(name) for name in options.extractor or [Texture.name]]
    rows = _drawn(_rows(options.real, options.where), options.films, random)
    others = _drawn(film_paths(options.other), len(rows) // 2, random)
    if options.modes and not all(options.modes in row for row in rows):
        raise ValueError(f"{options.real / LABELS} has no column “{options.modes}” for every film.")
    patients = [row.get("patient_id", "") for row in rows]
    paths = [*(options.real / row["file"] for row in rows), *others]
    films = [read_canonical(path) for path in tqdm(paths, desc="Reading films", disable=None)]
    with _bar() as progress:
        result = robustness(
            films[: len(rows)],
            films[len(rows) :],
            extractors,
            patients=patients if any(patients) else None,
            modes=[row[options.modes] for row in rows] if options.modes else None,
            seed=options.seed,
            progress=progress,
        )
    _write(result, options.out)
    return {"what": result["what"], "protocol": result["protocol"], "ranked_right": _ranked_right(result)}


@contextmanager
def _bar() -> Iterator[Progress]:
    with tqdm(desc="Measuring films", unit="film", disable=None) as bar:

        def show(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        yield show


def _ranked_right(result: Json) -> dict[str, list[str]]:
    """By degradation the extractors, each with its distance, that rank its steps right."""
    right: dict[str, list[str]] = {degradation["name"]: [] for degradation in result["degradations"]}
    for line in result["series"]:
        if line["ranked_right"]:
            right[line["degradation"]].append(f"{line['extractor']} ({line['distance']})")
    return right


def _write(result: Json, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    _write_table(folder / "steps.csv", list(_steps(result)))
    _write_table(folder / "ranks.csv", list(_ranks(result)))
    for distance in DISTANCES:
        for suffix in ("svg", "png"):
            draw_robustness(result, distance, folder / f"{distance}.{suffix}")
    write_json(folder / "robustness.json", result)


def _rows(folder: Path, where: str | None) -> list[dict[str, str]]:
    """What is known of every film of a folder, its path under “file”; of those alone that `where` names."""
    column, equals, value = (where or "").partition("=")
    if where and not equals:
        raise ValueError(f"--where takes COLUMN=VALUE, not {where!r}.")
    labels = read_labels(folder / LABELS)
    names = [path.relative_to(folder).as_posix() for path in film_paths(folder)]
    rows = [labels.get(name, {}) | {"file": name} for name in names]
    chosen = [row for row in rows if not where or row.get(column) == value]
    if not chosen:
        raise ValueError(f"There is no film of which {LABELS} says {where}.")
    return chosen


def _drawn(items: Sequence[Any], most: int, random: np.random.Generator) -> list[Any]:
    """All of the items in their order, or so many of them at random."""
    if len(items) <= most:
        return list(items)
    return [items[index] for index in np.sort(random.permutation(len(items))[:most])]


def _ranks(result: Json) -> Iterator[Json]:
    for line in result["series"]:
        yield {
            **{name: line[name] for name in ("degradation", "distance", "extractor", "n", "ranked_right")},
            "first_step_above_floor": line["first_above_floor"],
            "monotone": line["monotone"],
            "monotone_splits": f"{line['monotone_splits']} of {result['splits']}",
            "spearman": line["spearman"],
        }


def _steps(result: Json) -> Iterator[Json]:
    units = {degradation["name"]: degradation["unit"] for degradation in result["degradations"]}
    for line in result["series"]:
        about = {name: line[name] for name in ("degradation", "distance", "extractor", "n")}
        floor = {f"floor_{name}": value for name, value in line["floor"].items()}
        for number, step in enumerate(line["steps"], start=1):
            yield about | {"step": number, "unit": units[line["degradation"]]} | step | floor


def _write_table(path: Path, rows: Sequence[Json]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
