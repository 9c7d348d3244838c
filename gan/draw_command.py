"""`python -m gan generate|interpolate|export`: films and strips of a trained generator, as files."""

from __future__ import annotations

import argparse
import json
import os
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from gan.drawing import Drawer, check_truncation, truncated
from gan.export import export_generator
from gan.hardware import DEVICES, choose_hardware
from gan.parallel import local_rank
from gan.pixels import Film, write_film, write_grey8
from gan.synthetic_dicom import write_dicom

FORMS = {"png": ".png", "png16": ".png", "dicom": ".dcm"}
DRAWN = "drawn.json"


def add_generate(commands: argparse._SubParsersAction) -> argparse.ArgumentParser:
    drawing: argparse.ArgumentParser = commands.add_parser(
        "generate",
        help="draw films from a trained generator",
        description="Draw films. The same command again goes on where it was interrupted; under torchrun each process "
        "draws its share.",
    )
    _add_generator(drawing)
    drawing.add_argument("--out", type=Path, required=True)
    drawing.add_argument("--count", type=int, required=True)
    drawing.add_argument("--seed", type=int, default=0, help="of the first film; the next ones follow")
    drawing.add_argument("--form", choices=FORMS, default="png16", help="8-bit PNG, 16-bit PNG, or DICOM")
    drawing.set_defaults(run=_generate)
    return drawing


def add_interpolate(commands: argparse._SubParsersAction) -> argparse.ArgumentParser:
    strips: argparse.ArgumentParser = commands.add_parser(
        "interpolate", help="draw strips of films on the way from one seed or latent to the next, on one sheet"
    )
    _add_generator(strips)
    strips.add_argument("--out", type=Path, required=True, help="16-bit PNG")
    ends = strips.add_mutually_exclusive_group(required=True)
    ends.add_argument("--seeds", type=int, nargs="+", metavar="SEED", help="two or more")
    ends.add_argument("--latents", type=Path, help=".npy of latents, one a row, as an archive of steered films has it")
    strips.add_argument("--rows", type=int, nargs="+", metavar="ROW", help="of the latents, from 0; two or more")
    strips.add_argument("--steps", type=int, default=8, help="films in a strip, with both of its ends")
    strips.set_defaults(run=_interpolate)
    return strips


def add_export(commands: argparse._SubParsersAction) -> argparse.ArgumentParser:
    export: argparse.ArgumentParser = commands.add_parser(
        "export", help="take the generator out of a checkpoint or a snapshot"
    )
    export.add_argument("source", type=Path, help="folder of a checkpoint or of a snapshot")
    export.add_argument("out", type=Path, help=".safetensors; its .json is written beside it")
    export.set_defaults(run=_export)
    return export


def _add_generator(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--generator", type=Path, required=True, help=".safetensors with its .json beside it")
    parser.add_argument("--truncation", type=float, default=1.0, help="above 0, up to 1; 1 cuts nothing")
    parser.add_argument("--device", choices=DEVICES, default="cpu", help="auto takes a graphics card if there is one")
    parser.add_argument("--compile", action="store_true", help="by torch.compile, which needs a C++ compiler")


def _generate(options: argparse.Namespace) -> int:
    if options.count < 1:
        raise ValueError("Drawing needs a count of at least 1.")
    _refuse_negative([options.seed])
    check_truncation(options.truncation)
    rank, world = _rank_and_world()
    drawer = _drawer(options)
    _begin_folder(options, drawer, rank)
    seeds = drawer.share(range(options.seed, options.seed + options.count), rank, world)
    missing = [seed for seed in seeds if not _place(options, seed).exists()]
    films = zip(missing, drawer.stream(missing, options.truncation), strict=True)
    with tqdm(films, total=len(seeds), initial=len(seeds) - len(missing), desc="Drawing", unit="film") as drawn:
        _write_all(options, drawer, drawn)
    print(f"Films: {options.out}")
    return 0


def _interpolate(options: argparse.Namespace) -> int:
    if len(options.rows or [] if options.latents else options.seeds) < 2:
        raise ValueError("A strip lies between two seeds, or two rows of latents; give two or more.")
    if options.latents and options.truncation != 1:
        raise ValueError("Latents are taken as they are; truncation is for seeds.")
    if options.seeds:
        _refuse_negative(options.seeds)
    drawer = _drawer(options)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    write_film(options.out, np.vstack(list(_strips(options, drawer))))
    print(f"Strips: {options.out}")
    return 0


def _export(options: argparse.Namespace) -> int:
    if options.out.suffix != ".safetensors":
        raise ValueError(f"A generator is written as .safetensors with a .json beside it, not as {options.out.name}.")
    export_generator(options.source, options.out)
    drawer = Drawer(options.out)
    print(f"Generator: {options.out}, {drawer.resolution}² after {drawer.images} images")
    return 0


def _drawer(options: argparse.Namespace) -> Drawer:
    hardware = choose_hardware(options.device, compile=options.compile, local_rank=local_rank())
    return Drawer(options.generator, hardware.device, compile=options.compile)


def _refuse_negative(seeds: list[int]) -> None:
    if min(seeds) < 0:
        raise ValueError("Drawing needs a seed of at least 0.")


def _strips(options: argparse.Namespace, drawer: Drawer) -> Iterator[Film]:
    ends = _ends(options, drawer)
    for first, last in tqdm(list(pairwise(ends)), desc="Drawing strips", unit="strip"):
        yield np.hstack(drawer.strip(first, last, options.steps))


def _ends(options: argparse.Namespace, drawer: Drawer) -> Tensor:
    """The latents that the strips begin and end at, one a row."""
    if not options.latents:
        return truncated(drawer.latents(options.seeds), options.truncation)
    try:
        latents = np.load(options.latents, allow_pickle=False)
    except (ValueError, EOFError) as error:
        raise ValueError(f"{options.latents} is no array as NumPy saves it ({error}).") from error
    if not isinstance(latents, np.ndarray) or latents.ndim != 2 or latents.dtype.kind != "f":
        raise ValueError(f"{options.latents} holds no latents, one a row.")
    if not all(0 <= row < len(latents) for row in options.rows):
        raise ValueError(f"The rows of {options.latents} are numbered from 0 to {len(latents) - 1}.")
    return torch.from_numpy(latents[options.rows].astype(np.float32))


# A folder of films


def _rank_and_world() -> tuple[int, int]:
    """This process among those that `torchrun` began. They share nothing but the folder, so they need not meet."""
    return int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1"))


def _place(options: argparse.Namespace, seed: int) -> Path:
    return options.out / f"synthetic_{seed:08d}{FORMS[options.form]}"


def _write_all(options: argparse.Namespace, drawer: Drawer, films: Iterable[tuple[int, Film]]) -> None:
    """Write films beside the drawing of the next ones: packing a PNG of 1024² takes longer than a card draws it in."""
    writing: deque[Future[None]] = deque()
    with ThreadPoolExecutor(drawer.block) as pool:
        for seed, film in films:
            writing.append(pool.submit(_write, options, drawer, seed, film))
            if len(writing) > drawer.block:
                writing.popleft().result()
        for last in writing:
            last.result()


def _write(options: argparse.Namespace, drawer: Drawer, seed: int, film: Film) -> None:
    path = _place(options, seed)
    if options.form == "dicom":
        write_dicom(
            path,
            film,
            generator=drawer.sha256,
            seed=seed,
            truncation=options.truncation,
            images=drawer.images,
        )
    elif options.form == "png16":
        write_film(path, film)
    else:
        write_grey8(path, film)


def _begin_folder(options: argparse.Namespace, drawer: Drawer, rank: int) -> None:
    """Note in the folder how its films are drawn. Raises ValueError where it holds films that were drawn otherwise."""
    options.out.mkdir(parents=True, exist_ok=True)
    # Looked for before the note, which another process may be the one to write.
    has_films = any(options.out.glob("synthetic_*"))
    note = options.out / DRAWN
    how = {
        "generator": drawer.sha256,
        "truncation": options.truncation,
        "form": options.form,
        "device": drawer.device.type,
        "compile": options.compile,
    }
    if note.exists():
        if json.loads(note.read_text()) != how:
            raise ValueError(f"{note} says that the films there are drawn in another way; name another folder.")
    elif has_films:
        raise ValueError(f"{options.out} holds films, but no {DRAWN} says how they were drawn; name another folder.")
    else:
        partial = options.out / f"{DRAWN}.{rank}.partial"
        partial.write_text(json.dumps(how))
        partial.replace(note)
