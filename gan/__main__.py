"""`python -m gan train|generate|phantoms`: the network on plain folders, without the application."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import torch
from tqdm import tqdm

from gan.drawing import Drawer
from gan.phantom import DRAWABLE, draw_phantoms
from gan.pixels import write_film
from gan.state import TrainingDiverged
from gan.train_command import add_train


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a subcommand; what goes wrong is one line on standard error and exit status 1 (128 + n after signal n)."""
    options = _parser().parse_args(arguments)
    if options.threads:
        torch.set_num_threads(options.threads)
    try:
        status: int = options.run(options)
    except (ValueError, OSError, TrainingDiverged) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m gan", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="train|generate|phantoms")
    training = add_train(commands)
    drawing = commands.add_parser("generate", help="draw films from a trained generator")
    drawing.add_argument("--generator", type=Path, required=True, help=".safetensors with its .json beside it")
    drawing.add_argument("--out", type=Path, required=True)
    drawing.add_argument("--count", type=int, required=True)
    drawing.add_argument("--seed", type=int, default=0, help="of the first film; the next ones follow")
    drawing.add_argument("--truncation", type=float, default=1.0, help="1 cuts nothing")
    drawing.set_defaults(run=_generate)
    phantoms = commands.add_parser("phantoms", help="draw stand-in radiographs, so that all runs with no data")
    phantoms.add_argument("--out", type=Path, required=True)
    phantoms.add_argument("--count", type=int, required=True)
    phantoms.add_argument("--seed", type=int, default=0, help="of the first phantom; the next ones follow")
    phantoms.add_argument("--side", type=int, default=256)
    phantoms.add_argument("--finding", action="append", choices=DRAWABLE, help="given to every phantom")
    phantoms.set_defaults(run=_phantoms)
    for command in (training, drawing, phantoms):
        command.add_argument(
            "--threads", type=int, default=0, help="threads of the processor; all of them unless given"
        )
    return parser


def _generate(options: argparse.Namespace) -> int:
    if options.count < 1 or options.seed < 0:
        raise ValueError("Drawing needs a count of at least 1 and a seed of at least 0.")
    drawer = Drawer(options.generator)
    options.out.mkdir(parents=True, exist_ok=True)
    for seed in tqdm(range(options.seed, options.seed + options.count), desc="Drawing", unit="film"):
        (film,) = drawer.films([seed], options.truncation)
        write_film(options.out / f"synthetic_{seed:08d}.png", film)
    print(f"Films: {options.out}")
    return 0


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
