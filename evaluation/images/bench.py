"""`python -m evaluation.images.bench`: one JSON line for each measured figure, with its circumstances."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import nn

from evaluation.images.distances_bench import distance_figures
from evaluation.images.extractors import TorchScript
from evaluation.images.extractors.inception_network import Inception2015
from evaluation.images.folder import measured
from gan.bench import circumstances
from gan.phantom import draw_phantoms
from gan.pixels import FULL_SCALE

Figure = dict[str, Any]

SIDE = 1024
DRAWN, FILMS = 8, 32
LOOP_BATCH = 32
WINDOWS = 3


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m evaluation.images.bench", description=__doc__)
    parser.add_argument("--threads", type=int, default=0, help="threads of the processor; all of them unless given")
    parser.add_argument("--long", action="store_true", help="with what takes many minutes: 10,000 films, coverage")
    options = parser.parse_args(arguments)
    if options.threads:
        torch.set_num_threads(options.threads)
    with tempfile.TemporaryDirectory() as folder:
        for figure in chain(extraction_speed(Path(folder)), distance_figures(long=options.long)):
            print(json.dumps(figure | circumstances(), ensure_ascii=False), flush=True)
    return 0


def extraction_speed(folder: Path) -> Iterator[Figure]:
    """Films per second from files to features, beside a loop that does one thing after the other."""
    films = _films(folder / "films")
    for name, network in _networks().items():
        path = folder / f"{name}.pt"
        torch.jit.script(network.eval()).save(str(path))  # type: ignore[no-untyped-call]
        extractor = TorchScript(path)
        loop, first, again = [], [], []
        for window in range(WINDOWS):
            measure = partial(measured, extractor, films[0].parent, folder / f"{name}-{window}")
            loop.append(_seconds(partial(_loop, path, films)))
            first.append(_seconds(measure))
            again.append(_seconds(measure))
        # By pairs of neighbours in time, so that what else runs on the machine weighs on both alike.
        yield {
            "figure": f"films per second, extraction by {name} from {SIDE}² PNG",
            "value": round(FILMS / float(np.median(first)), 2),
            "loop": round(FILMS / float(np.median(loop)), 2),
            "times_the_loop": round(float(np.median(np.divide(loop, first))), 2),
            "second_run_times_the_loop": round(float(np.median(np.divide(loop, again))), 1),
            "second_run_times_the_first": round(float(np.median(np.divide(first, again))), 1),
            "films": FILMS,
            "loop_batch": LOOP_BATCH,
            "windows": WINDOWS,
        }


def _networks() -> dict[str, nn.Module]:
    torch.manual_seed(0)
    small = nn.Sequential(
        *(part for channels in ((3, 16), (16, 32), (32, 64)) for part in (nn.Conv2d(*channels, 3, 2), nn.ReLU())),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
    )
    return {"three convolutions": small, "the Inception of 2015 (random weights)": Inception2015()}


def _films(folder: Path) -> list[Path]:
    """Phantoms, and their mirror images and quarter turns: other films that cost no drawing."""
    drawn = draw_phantoms(folder, DRAWN, 0, SIDE // 4)
    paths = []
    for path in drawn:
        with Image.open(path) as image:
            values = np.asarray(image.resize((SIDE, SIDE), Image.Resampling.BICUBIC), dtype=np.uint16)
        path.unlink()
        for number in range(FILMS // DRAWN):
            paths.append(path.with_name(f"{path.stem}_{number}.png"))
            Image.fromarray(np.ascontiguousarray(np.rot90(values, number))).save(paths[-1], compress_level=1)
    return sorted(paths)


@torch.inference_mode()
def _loop(path: Path, films: Sequence[Path]) -> np.ndarray:
    """What one would write first: Pillow, a batch, the network, the next batch."""
    network = torch.jit.load(str(path)).eval()  # type: ignore[no-untyped-call]
    rows = []
    for start in range(0, len(films), LOOP_BATCH):
        images = []
        for film in films[start : start + LOOP_BATCH]:
            with Image.open(film) as opened:
                grey = Image.fromarray(np.asarray(opened, dtype=np.float32) * np.float32(255 / FULL_SCALE))
            side = TorchScript.side
            images.append(np.asarray(grey.resize((side, side), Image.Resampling.BICUBIC)).clip(0, 255))
        rows.append(network(torch.from_numpy(np.stack(images))[:, None].repeat(1, 3, 1, 1)).numpy())
    return np.concatenate(rows)


def _seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


if __name__ == "__main__":
    sys.exit(main())
