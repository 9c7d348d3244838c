"""`python -m gan train`: train a generator on a folder of films, alone or as one of several processes of `torchrun`."""

from __future__ import annotations

import argparse
import os
import sys
import time
from contextlib import closing
from pathlib import Path

from tqdm import tqdm

from gan.cache import FilmCache, build
from gan.checkpoint import checkpoints, saved_config
from gan.config import AUGMENTATIONS, TrainingConfig, preset, preset_names
from gan.folder import FolderFilms, coarsest_levels
from gan.hardware import DEVICES, Hardware, choose_hardware
from gan.logbook import Logbook
from gan.parallel import Ranks, local_rank, ranks_of_environment
from gan.provenance import key_fingerprint
from gan.snapshot import Snapshot
from gan.stopping import StopOnSignal, TrainingStopped, until_stopped
from gan.training import Figures, already_there, train

KEY = "READERSTUDY_PSEUDONYM_KEY"


def add_train(commands: argparse._SubParsersAction) -> argparse.ArgumentParser:
    training: argparse.ArgumentParser = commands.add_parser("train", help="train a generator on a folder of films")
    training.add_argument("--films", type=Path, required=True, help="folder of PNG or JPEG, with labels.csv or not")
    training.add_argument("--held-out", type=Path, help="folder of films of other patients, to watch overfitting on")
    training.add_argument("--out", type=Path, required=True, help="folder of the run: cache, checkpoints, generator")
    training.add_argument("--resume", action="store_true", help="continue the newest checkpoint of the run")
    training.add_argument("--minutes", type=float, help="save and stop after so many; continue with --resume")
    training.add_argument(
        "--origin", default="", help=f"name patients of labels.csv as of this origin, hashed with {KEY}"
    )
    add_configuration(training)
    add_hardware(training)
    training.set_defaults(run=_train)
    return training


def add_configuration(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--preset", default="small", help=", ".join(preset_names()))
    parser.add_argument("--resolution", type=int, help="4, 8, … 1024; the preset's unless given")
    parser.add_argument("--kimg", type=float, help="real images shown in all, in thousands; the preset's unless given")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--augmentation", choices=AUGMENTATIONS, help="the preset's unless given")


def configuration(options: argparse.Namespace) -> TrainingConfig:
    asked = ("resolution", "kimg", "seed", "augmentation")
    return preset(options.preset, **{name: getattr(options, name) for name in asked})


def add_hardware(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--device", choices=DEVICES, default="auto", help="auto takes a graphics card where there is one"
    )
    parser.add_argument("--bf16", action="store_true", help="convolutions in bfloat16; for cards that have it")
    parser.add_argument("--compile", action="store_true", help="torch.compile; needs a C++ compiler")
    parser.add_argument("--micro-batch", type=int, help="the most films at once in a process, where memory is short")


def hardware(options: argparse.Namespace) -> Hardware:
    return choose_hardware(
        options.device,
        bf16=options.bf16,
        compile=options.compile,
        micro_batch=options.micro_batch,
        local_rank=local_rank(),
    )


class TrainingBar:
    """A progress bar over the images shown, with the phase and the losses."""

    def __init__(self, config: TrainingConfig, ranks: Ranks) -> None:
        total = round(config.kimg * 1000)
        self._bar = tqdm(total=total, unit="img", desc="Training", smoothing=0.05, disable=not ranks.is_first)

    def __call__(self, figures: Figures) -> None:
        self._bar.update(figures.images - self._bar.n)
        strength = f", augmentation {figures.strength:.2f}" if figures.strength else ""
        self._bar.set_postfix_str(
            f"{figures.phase}, loss D {figures.loss_d:.3f}, G {figures.loss_g:.3f}{strength}", refresh=False
        )

    def snapshot(self, snapshot: Snapshot) -> None:
        overfitting = snapshot.gap.overfitting if snapshot.gap else None
        gap = f", overfitting {overfitting:.2f}" if overfitting is not None else ""
        tqdm.write(f"Snapshot after {snapshot.images} images, {snapshot.phase}{gap}: {snapshot.sheet}", file=sys.stderr)


class Watch:
    """All that watches a run."""

    def __init__(self, bar: TrainingBar, logbook: Logbook) -> None:
        self._bar, self._logbook = bar, logbook

    def figures(self, figures: Figures) -> None:
        self._bar(figures)
        self._logbook.figures(figures)

    def snapshot(self, snapshot: Snapshot) -> None:
        self._bar.snapshot(snapshot)
        self._logbook.snapshot(snapshot)


def _train(options: argparse.Namespace) -> int:
    stop = StopOnSignal()
    ends_at = time.monotonic() + 60 * options.minutes if options.minutes else float("inf")
    machine, config = hardware(options), configuration(options)
    found = checkpoints(options.out)
    if found and options.resume:
        config = saved_config(found[-1]).continued(config)
    try:
        with ranks_of_environment() as ranks, closing(Logbook(options.out)) as logbook:
            cache, held_out = _caches(options, config, ranks, stop)
            watch = Watch(TrainingBar(config, ranks), logbook)
            path = train(
                config,
                cache,
                options.out,
                resume=options.resume,
                held_out=held_out,
                hardware=machine,
                ranks=ranks,
                progress=watch.figures,
                on_snapshot=watch.snapshot,
                should_stop=lambda: stop() or time.monotonic() > ends_at,
            )
    except TrainingStopped as stopped:
        if ranks.is_first:
            print(stopped, file=sys.stderr)
        return stop.exit_status if stop() else 0
    if ranks.is_first:
        print(f"Generator: {path}")
    return 0


def _caches(
    options: argparse.Namespace, config: TrainingConfig, ranks: Ranks, stop: StopOnSignal
) -> tuple[FilmCache, FilmCache | None]:
    """The run's films and the held-out ones: read by the first process, and taken as they are in a continued run."""
    if checkpoints(options.out) and not options.resume:
        # Before the cache is made anew, which may be of other films than the checkpoints.
        raise FileExistsError(already_there(options.out))
    folders = {options.out / "cache": options.films}
    if options.held_out:
        folders[options.out / "held-out-cache"] = options.held_out
    if ranks.is_first:
        for folder, films in folders.items():
            if not (options.resume and folder.exists()):
                _read(options, films, folder, config, stop)
    ranks.wait()
    cache, *held_out = [FilmCache(folder) for folder in folders]
    return cache, held_out[0] if held_out else None


def _read(options: argparse.Namespace, films: Path, folder: Path, config: TrainingConfig, stop: StopOnSignal) -> None:
    key = os.environ.get(KEY, "").encode() if options.origin else None
    if options.origin and not key:
        raise ValueError(f"--origin needs the key of the patients' pseudonyms in {KEY}.")
    source = FolderFilms(films, key=key, origin=options.origin)
    count = len(source.paths)
    with tqdm(source, total=count, desc=f"Reading films of {films.name}", unit="film") as read:
        build(
            until_stopped(read, stop),
            count,
            folder,
            resolution=config.resolution,
            levels=coarsest_levels(source.paths),
            patient_key=key_fingerprint(key) if key else None,
        )
