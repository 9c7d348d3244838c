"""`python -m gan.bench`: one JSON line for each measured figure, with its circumstances. It needs no films."""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from gan.cache import FilmCache, build
from gan.checkpoint import describe, save_generator
from gan.config import TrainingConfig, preset
from gan.drawing import Drawer
from gan.phantom import render, sample_phantom
from gan.pixels import film_hash
from gan.provenance import FilmProvenance
from gan.schedule import spans
from gan.training import TrainingState

Figure = dict[str, Any]


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m gan.bench", description=__doc__)
    parser.add_argument("--threads", type=int, default=0, help="threads of the processor; all of them unless given")
    options = parser.parse_args(arguments)
    if options.threads:
        torch.set_num_threads(options.threads)
    with tempfile.TemporaryDirectory() as folder:
        for measure in MEASURES:
            for figure in measure(Path(folder)):
                print(json.dumps(figure | circumstances(), ensure_ascii=False), flush=True)
    return 0


def training_speed(folder: Path) -> Iterator[Figure]:
    """Images per second in the last phase of a training, when nothing fades in any more."""
    config = preset("small", resolution=64)
    state = TrainingState(config, _random_cache(folder, config))
    # As a run stands that has shown the images of all earlier phases.
    state.images = round(1000 * config.kimg - spans(config)[-1][2])
    batch = config.batch(64)
    # Windows of one R1 interval each hold one regularised step, as a long training does.
    window = _windows(lambda: [state.step() for _ in range(config.r1_interval)], count=3)
    images = config.r1_interval * batch
    yield {
        "figure": "images per second, training at 64², fade complete",
        "value": round(images / window["seconds"], 2),
        "preset": "small",
        "batch": batch,
        "images_per_window": images,
        **_rounded(window),
    }


def drawing_speed(folder: Path) -> Iterator[Figure]:
    """Seconds for a film from its seed to its canonical pixels."""
    for resolution in (64, 128):
        config = preset("small", resolution=resolution)
        drawer = Drawer(_untrained(folder, config))
        films = 10
        window = _windows(partial(drawer.films, list(range(films))), count=5)
        yield {
            "figure": f"seconds per drawn film at {resolution}²",
            "value": round(window["seconds"] / films, 5),
            "preset": "small",
            "films_per_window": films,
            **_rounded(window),
        }


def phantom_speed(folder: Path) -> Iterator[Figure]:
    """Phantoms from their seed to their pixels, in one process."""
    films, side = 5, 256
    window = _windows(lambda: [render(sample_phantom(seed), side) for seed in range(films)], count=5)
    yield {
        "figure": f"phantoms per second at {side}²",
        "value": round(films / window["seconds"], 2),
        "films_per_window": films,
        **_rounded(window),
    }


MEASURES: tuple[Callable[[Path], Iterator[Figure]], ...] = (training_speed, drawing_speed, phantom_speed)


def circumstances() -> Figure:
    return {
        "threads": torch.get_num_threads(),
        "cores": os.cpu_count(),
        "load": round(os.getloadavg()[0], 1),
        "processor": _processor(),
        "torch": torch.__version__,
    }


def _windows(work: Callable[[], object], count: int) -> dict[str, Any]:
    """The median of `count` windows after one to warm up, by the clock and by the processor's time."""
    work()
    clock, processor = [], []
    for _ in range(count):
        began, spent = time.perf_counter(), time.process_time()
        work()
        clock.append(time.perf_counter() - began)
        processor.append(time.process_time() - spent)
    return {
        "seconds": statistics.median(clock),
        "processor_seconds": statistics.median(processor),
        "fastest_seconds": min(clock),
        "windows": count,
    }


def _rounded(window: dict[str, Any]) -> dict[str, Any]:
    return {name: round(value, 4) for name, value in window.items()}


def _random_cache(folder: Path, config: TrainingConfig) -> FilmCache:
    random = np.random.default_rng(0)
    films = [random.integers(0, 65536, (config.resolution,) * 2).astype(np.uint16) for _ in range(64)]
    rows = [(film, FilmProvenance(film_hash(film))) for film in films]
    return build(rows, len(rows), folder / "cache", resolution=config.resolution, levels=65536)


def _untrained(folder: Path, config: TrainingConfig) -> Path:
    """The file of a generator before its first step: it draws as fast as a trained one."""
    cache = _random_cache(folder, config)
    path = folder / f"{config.resolution}.safetensors"
    state = TrainingState(config, cache)
    save_generator(path, dict(state.average.state_dict()), describe(config, cache, 0))
    return path


def _processor() -> str:
    """The processor's name as the kernel knows it, else what Python knows."""
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


if __name__ == "__main__":
    sys.exit(main())
