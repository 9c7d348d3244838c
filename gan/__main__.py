"""`python -m gan train|generate|phantoms`: the network on plain folders, without the application."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import torch
from tqdm import tqdm

from gan.cache import FilmCache, build
from gan.checkpoint import checkpoints
from gan.config import TrainingConfig, preset
from gan.drawing import Drawer
from gan.folder import FolderFilms, coarsest_levels
from gan.phantom import DRAWABLE, draw_phantoms
from gan.pixels import write_film
from gan.provenance import key_fingerprint
from gan.stopping import StopOnSignal, TrainingStopped, until_stopped
from gan.training import Figures, TrainingDiverged, already_there, train

KEY = "READERSTUDY_PSEUDONYM_KEY"


class TrainingBar:
    """A progress bar over the images shown, with the phase and the losses."""

    def __init__(self, config: TrainingConfig) -> None:
        self._bar = tqdm(total=round(config.kimg * 1000), unit="img", desc="Training", smoothing=0.05)

    def __call__(self, figures: Figures) -> None:
        self._bar.update(figures.images - self._bar.n)
        self._bar.set_postfix_str(
            f"{figures.phase}, loss D {figures.loss_d:.3f}, G {figures.loss_g:.3f}", refresh=False
        )


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
    training = commands.add_parser("train", help="train a generator on a folder of films")
    training.add_argument("--films", type=Path, required=True, help="folder of PNG or JPEG, with labels.csv or not")
    training.add_argument("--out", type=Path, required=True, help="folder of the run: cache, checkpoints, generator")
    training.add_argument("--resolution", type=int, required=True, help="4, 8, … 1024")
    training.add_argument("--kimg", type=float, required=True, help="real images shown in all, in thousands")
    training.add_argument("--seed", type=int, default=0)
    training.add_argument("--preset", default="small", help="small (two cores) or karras2018")
    training.add_argument("--resume", action="store_true", help="continue the newest checkpoint of the run")
    training.add_argument(
        "--origin", default="", help=f"name patients of labels.csv as of this origin, hashed with {KEY}"
    )
    training.set_defaults(run=_train)
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


def _train(options: argparse.Namespace) -> int:
    config = preset(options.preset, resolution=options.resolution, kimg=options.kimg, seed=options.seed)
    stop = StopOnSignal()
    try:
        cache = _cache(options, config, stop)
        path = train(config, cache, options.out, resume=options.resume, progress=TrainingBar(config), should_stop=stop)
    except TrainingStopped as stopped:
        print(stopped, file=sys.stderr)
        return stop.exit_status
    print(f"Generator: {path}")
    return 0


def _cache(options: argparse.Namespace, config: TrainingConfig, stop: StopOnSignal) -> FilmCache:
    """The cache of the run: read once, and taken as it is when the run is continued."""
    folder = options.out / "cache"
    if options.resume and folder.exists():
        return FilmCache(folder)
    key = os.environ.get(KEY, "").encode() if options.origin else None
    if checkpoints(options.out) and not options.resume:
        # Before the cache is made anew, which may be of other films than the checkpoints.
        raise FileExistsError(already_there(options.out))
    if options.origin and not key:
        raise ValueError(f"--origin needs the key of the patients' pseudonyms in {KEY}.")
    films = FolderFilms(options.films, key=key, origin=options.origin)
    count = len(films.paths)
    with tqdm(films, total=count, desc="Reading films", unit="film") as read:
        return build(
            until_stopped(read, stop),
            count,
            folder,
            resolution=config.resolution,
            levels=coarsest_levels(films.paths),
            patient_key=key_fingerprint(key) if key else None,
        )


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
