"""`python -m gan`: the network on plain folders, without the application."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import torch
from tqdm import tqdm

from gan.draw_command import add_export, add_generate, add_interpolate
from gan.phantom import DRAWABLE, draw_phantoms
from gan.plan_command import add_plan
from gan.state import TrainingDiverged
from gan.train_command import add_train


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a subcommand; what goes wrong is one line on standard error and exit status 1 (128 + n after signal n)."""
    options = _parser().parse_args(arguments)
    try:
        if options.threads is not None:
            _set_threads(options.threads)
        status: int = options.run(options)
    except (ValueError, OSError, TrainingDiverged) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m gan", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="train|plan|generate|interpolate|export|phantoms")
    added = [add(commands) for add in (add_train, add_plan, add_generate, add_interpolate, add_export)]
    phantoms = commands.add_parser("phantoms", help="draw stand-in radiographs, so that all runs with no data")
    phantoms.add_argument("--out", type=Path, required=True)
    phantoms.add_argument("--count", type=int, required=True)
    phantoms.add_argument("--seed", type=int, default=0, help="of the first phantom; the next ones follow")
    phantoms.add_argument("--side", type=int, default=256)
    phantoms.add_argument("--finding", action="append", choices=DRAWABLE, help="given to every phantom")
    phantoms.set_defaults(run=_phantoms)
    for command in (*added, phantoms):
        command.add_argument("--threads", type=int, help="threads of the processor; all of them unless given")
    return parser


def _set_threads(threads: int) -> None:
    if threads < 1:
        raise ValueError(f"The number of threads must be a positive number, not {threads}.")
    torch.set_num_threads(threads)


def _phantoms(options: argparse.Namespace) -> int:
    with tqdm(total=options.count, desc="Drawing phantoms", unit="film") as bar:
        draw_phantoms(
            options.out,
            options.count,
            options.seed,
            options.side,
            findings=options.finding,
            progress=lambda done, _count: bar.update(done - bar.n),
            processes=os.cpu_count() or 1,
        )
    print(f"Films: {options.out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
