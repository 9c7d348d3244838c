"""A folder of phantom films with the labels that an importer reads."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Sequence, Set
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import torch

from gan.phantom.film import render
from gan.phantom.patient import sample_phantom
from gan.pixels import read_film, write_film

LABELS = "labels.csv"
COLUMNS = ("file", "labels", "patient_id", "age", "sex", "view", "phantom_seed")

Row = dict[str, str]


def draw_phantoms(
    out_dir: Path,
    count: int,
    seed: int,
    side: int = 256,
    findings: Sequence[str] | None = None,
    progress: Callable[[int, int], None] | None = None,
    processes: int = 1,
    without: Set[int] = frozenset(),
) -> list[Path]:
    """Draw the patients with seeds seed … seed + count - 1 into `out_dir` and return the films in that order.

    Seeds in `without` are left out.

    Writes phantom_<seed>.png (16-bit grey) for each and labels.csv with the columns of `COLUMNS`, several labels joined
    by |. Films that are there already are kept and rows of other seeds stay, so an interrupted call is taken up by
    calling it again. `findings` gives every patient just these; None draws them at random. `progress(done, count)` is
    called after each film. Raises ValueError for an impossible request and for a folder that holds other films under
    these seeds; nothing is drawn then.
    """
    if count < 1 or seed < 0:
        raise ValueError(f"Phantoms need a count of at least 1 and a seed of at least 0, not {count} and {seed}.")
    out_dir.mkdir(parents=True, exist_ok=True)
    seeds = [number for number in range(seed, seed + count) if number not in without]
    rows = [_row(number, findings) for number in seeds]
    paths = [out_dir / row["file"] for row in rows]
    _check_what_is_there(paths, side)
    # Named "partial" until the last film is drawn: its rows are the promise that a resumed call must keep.
    plan = out_dir / f"{LABELS}.partial"
    planned = _merged(_rows_of(out_dir / LABELS) + _rows_of(plan), rows, out_dir)
    _write_rows(plan, planned)

    missing = [
        _Task(path, number, findings, side) for number, path in zip(seeds, paths, strict=True) if not path.exists()
    ]
    done = len(seeds) - len(missing)
    for _ in _drawn(missing, processes):
        done += 1
        if progress:
            progress(done, len(seeds))
    plan.replace(out_dir / LABELS)
    return paths


@dataclass(frozen=True)
class _Task:
    path: Path
    seed: int
    findings: Sequence[str] | None
    side: int


def _drawn(tasks: list[_Task], processes: int) -> Iterator[None]:
    if processes == 1:
        yield from map(_draw, tasks)
        return
    # Spawned, not forked: a fork of a process with PyTorch's threads can hang.
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn"), initializer=_one_thread) as pool:
        yield from pool.map(_draw, tasks, chunksize=4)


def _draw(task: _Task) -> None:
    write_film(task.path, render(sample_phantom(task.seed, task.findings), task.side))


def _one_thread() -> None:
    torch.set_num_threads(1)


def _row(seed: int, findings: Sequence[str] | None) -> Row:
    phantom = sample_phantom(seed, findings)
    values = (
        f"phantom_{seed}.png",
        "|".join(phantom.labels),
        f"phantom_{seed}",
        phantom.age,
        phantom.sex,
        phantom.view,
    )
    return dict(zip(COLUMNS, [str(value) for value in (*values, seed)], strict=True))


def _check_what_is_there(paths: list[Path], side: int) -> None:
    for path in paths:
        if path.exists() and len(read_film(path)) != side:
            raise ValueError(f"{path} is there already with a side other than {side}; name another folder.")


def _rows_of(path: Path) -> list[Row]:
    if not path.exists():
        return []
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def _merged(there: list[Row], wanted: list[Row], out_dir: Path) -> list[Row]:
    """Rows by seed; raises ValueError where a seed stands for another patient already."""
    by_seed = {int(row["phantom_seed"]): row for row in there}
    for row in wanted:
        if by_seed.setdefault(int(row["phantom_seed"]), row) != row:
            raise ValueError(
                f"{out_dir / row['file']} was drawn with the labels {by_seed[int(row['phantom_seed'])]['labels']}, "
                f"not {row['labels']}; name another folder."
            )
    return [by_seed[number] for number in sorted(by_seed)]


def _write_rows(path: Path, rows: list[Row]) -> None:
    fresh = path.with_name(path.name + ".new")
    with fresh.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(rows)
    fresh.replace(path)
