"""`python -m gan.bench`: one JSON line for each measured figure, with its circumstances. It needs no films.

What is compared is measured in one run, in windows that take turns, so that a busy machine slows both sides alike; the
value is the median of the windows' ratios. With `--device cuda` it measures training on a graphics card instead.
"""

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
from dataclasses import dataclass, replace
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file
from torch.profiler import ProfilerActivity, profile
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

from gan.cache import FilmCache, build
from gan.checkpoint import describe, save_generator
from gan.config import LOSSES, TrainingConfig, preset
from gan.drawing import Drawer
from gan.hardware import PROCESSOR, Hardware, has_compiler
from gan.networks import Generator, resolutions
from gan.phantom import render, sample_phantom
from gan.pixels import film_hash
from gan.provenance import FilmProvenance
from gan.schedule import spans
from gan.state import TrainingState
from gan.textbook import Generator as TextbookGenerator
from gan.textbook import TextbookTraining

Figure = dict[str, Any]

SIZES = (64, 128, 256)
LARGE_SIZES = (64, 128, 256, 512, 1024)
FILMS = 16
"""In the cache of random films."""


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m gan.bench", description=__doc__)
    parser.add_argument("--threads", type=int, default=0, help="threads of the processor; all of them unless given")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu", help="cuda measures training on a card")
    options = parser.parse_args(arguments)
    if options.threads:
        torch.set_num_threads(options.threads)
    with tempfile.TemporaryDirectory() as folder:
        for measure in CARD_MEASURES if options.device == "cuda" else MEASURES:
            for figure in measure(Path(folder)):
                print(json.dumps(figure | circumstances(options.device), ensure_ascii=False), flush=True)
    return 0


def training_speed(folder: Path) -> Iterator[Figure]:
    """Images per second in the last phase of a training, when nothing fades in any more."""
    config = preset("small", resolution=64)
    state = _settled(config, random_cache(folder, 64))
    batch = config.batch(64)
    # Windows of one R1 interval each hold one penalty, as a long training does.
    (window,) = taking_turns({"training": _steps(state, config.r1_interval)}, count=3).values()
    images = config.r1_interval * batch
    yield {
        "figure": "images per second, training at 64², fade complete",
        "value": round(images / window.seconds, 2),
        "preset": "small",
        "batch": batch,
        "images_per_window": images,
        **window.told(),
    }


def training_beside_textbook(folder: Path) -> Iterator[Figure]:
    """A step of ours beside one of `gan.textbook`, widths of `small`, four films of the same cache a step."""
    for resolution in SIZES:
        config = replace(
            preset("small", resolution=resolution), minibatch=tuple((size, 4) for size in resolutions(resolution))
        )
        cache, steps = random_cache(folder, resolution), config.r1_interval
        states = {loss: _settled(replace(config, loss=loss), cache) for loss in LOSSES}
        works = {loss: _steps(state, steps) for loss, state in states.items()}
        works["textbook"] = _steps(TextbookTraining(config, cache), steps)
        works["loader"] = _steps_of(partial(cache.films, np.arange(4), resolution), steps)
        windows = taking_turns(works, count=3)
        told = {"preset": "small", "batch": 4, "steps_per_window": steps}
        for loss in LOSSES:
            what = f"training step at {resolution}², {loss}"
            yield _ratio(what, windows["textbook"], windows[loss]) | told
            yield {
                "figure": f"share of reading films in a {what}, not counted above as it is the textbook's too",
                "value": round(windows["loader"].seconds / windows[loss].seconds, 4),
                **told,
            }
            spent = convolutions(works[loss])
            yield {
                "figure": f"share of convolutions in a {what}",
                "value": round(spent.share, 3),
                "at_most_faster_by": round(1 / spent.share, 2),
                "gflops_per_second": round(spent.flops / spent.seconds / 1e9, 1),
                **told,
            }


def drawing_speed(folder: Path) -> Iterator[Figure]:
    """Seconds for a film from its seed to its canonical pixels."""
    for resolution in (64, 128):
        drawer = Drawer(_untrained(folder, preset("small", resolution=resolution)))
        films = 10
        (window,) = taking_turns({"drawing": partial(drawer.films, list(range(films)))}, count=5).values()
        yield {
            "figure": f"seconds per drawn film at {resolution}²",
            "value": round(window.seconds / films, 5),
            "preset": "small",
            "films_per_window": films,
            **window.told(),
        }


def drawing_beside_textbook(folder: Path) -> Iterator[Figure]:
    """Drawing with and without `torch.compile`, beside the textbook's generator of the same weights."""
    for name, resolution, films in (("small", 256, 16), ("karras2018", 1024, 4)):
        config = preset(name, resolution=resolution)
        path = _untrained(folder, config)
        textbook = TextbookGenerator(resolution, config.latent, config.fmap_base, config.fmap_max).requires_grad_(False)
        textbook.load_state_dict(load_file(path))
        seeds = list(range(films))
        drawer = Drawer(path)
        works: dict[str, Callable[[], object]] = {
            "textbook": partial(textbook, drawer.latents(seeds), resolution),
            "plain": partial(drawer.draw, seeds),
        }
        if has_compiler():
            works["compiled"] = partial(Drawer(path, compile=True).draw, seeds)
        windows = taking_turns(works, count=5)
        told = {"preset": name, "films_per_window": films}
        yield _ratio(f"drawing at {resolution}²", windows["textbook"], windows["plain"]) | told
        if "compiled" in windows:
            yield _ratio(f"drawing at {resolution}², compiled", windows["textbook"], windows["compiled"]) | told
        else:
            yield {"figure": f"drawing at {resolution}², compiled: not measured, there is no C++ compiler", **told}


def training_on_card(folder: Path) -> Iterator[Figure]:
    """Images per second with the paper's widths and minibatches, in float32 and bfloat16."""
    for resolution in LARGE_SIZES:
        config = preset("karras2018", resolution=resolution)
        yield from training_by_precision(config, random_cache(folder, resolution), torch.device("cuda"), compile=True)


def training_by_precision(
    config: TrainingConfig, cache: FilmCache, device: torch.device, *, compile: bool
) -> Iterator[Figure]:
    """Images per second of both objectives, each in float32 and in bfloat16, and how near convolutions come to what a
    large matrix product reaches on the same device in the same precision."""
    batch, steps = config.batch(config.resolution), config.r1_interval
    for loss, bf16 in product(LOSSES, (False, True)):
        chosen = replace(config, loss=loss)
        state = _settled(chosen, cache, Hardware(device, bf16, compile))
        (window,) = taking_turns({"training": _steps(state, steps)}, count=3).values()
        # Not compiled, where each convolution can be counted.
        spent = convolutions(_steps(_settled(chosen, cache, Hardware(device, bf16)), steps), device)
        peak = matrix_product_flops(device, torch.bfloat16 if bf16 else torch.float32)
        yield {
            "figure": f"images per second, training at {config.resolution}², {loss}, {'bf16' if bf16 else 'fp32'}",
            "value": round(steps * batch / window.seconds, 2),
            "convolutions_share_of_step": round(spent.share, 3),
            "convolutions_share_of_peak": round(spent.flops / spent.seconds / peak, 3),
            "peak_tflops_per_second": round(peak / 1e12, 3),
            "compiled": compile,
            "batch": batch,
            "images_per_window": steps * batch,
            **window.told(),
        }


def phantom_speed(folder: Path) -> Iterator[Figure]:
    """Phantoms from their seed to their pixels, in one process."""
    films, side = 5, 256

    def draw() -> None:
        for seed in range(films):
            render(sample_phantom(seed), side)

    (window,) = taking_turns({"phantoms": draw}, count=5).values()
    yield {
        "figure": f"phantoms per second at {side}²",
        "value": round(films / window.seconds, 2),
        "films_per_window": films,
        **window.told(),
    }


MEASURES: tuple[Callable[[Path], Iterator[Figure]], ...] = (
    training_speed,
    training_beside_textbook,
    drawing_speed,
    drawing_beside_textbook,
    phantom_speed,
)
CARD_MEASURES: tuple[Callable[[Path], Iterator[Figure]], ...] = (training_on_card,)


def circumstances(device: str = "cpu") -> Figure:
    return {
        "threads": torch.get_num_threads(),
        "cores": os.cpu_count(),
        "load": round(os.getloadavg()[0], 1),
        "processor": _processor(),
        "torch": torch.__version__,
    } | ({"card": torch.cuda.get_device_name()} if device == "cuda" else {})


@dataclass(frozen=True)
class Windows:
    """Seconds of each window, by the clock and of the processor."""

    clock: list[float]
    processor: list[float]

    @property
    def seconds(self) -> float:
        return statistics.median(self.clock)

    def told(self) -> Figure:
        return {
            "seconds": round(self.seconds, 4),
            "processor_seconds": round(statistics.median(self.processor), 4),
            "fastest_seconds": round(min(self.clock), 4),
            "windows": len(self.clock),
        }


def taking_turns(works: dict[str, Callable[[], object]], count: int) -> dict[str, Windows]:
    """`count` windows of each work, one after the other in turns, after one of each to warm up."""
    windows = {name: Windows([], []) for name in works}
    for turn in range(count + 1):
        for name, work in works.items():
            began, spent = time.perf_counter(), time.process_time()
            work()
            _finish()
            if turn:
                windows[name].clock.append(time.perf_counter() - began)
                windows[name].processor.append(time.process_time() - spent)
    return windows


@dataclass(frozen=True)
class Convolutions:
    """What the convolutions of some work take: their share of its time, seconds, floating-point operations."""

    share: float
    seconds: float
    flops: int


def convolutions(work: Callable[[], object], device: torch.device = PROCESSOR.device) -> Convolutions:
    """Measured by the profiler, whose own time counts as the work's: the share is a little too low."""
    work()
    with _ConvolutionFlops() as counter:
        work()
    activity = ProfilerActivity.CUDA if device.type == "cuda" else ProfilerActivity.CPU
    with profile(activities={ProfilerActivity.CPU, activity}) as profiler:
        work()
        _finish()
    rows = profiler.key_averages()
    spent = {row.key: row.self_device_time_total if device.type == "cuda" else row.self_cpu_time_total for row in rows}
    # In microseconds.
    of_convolutions = sum(value for name, value in spent.items() if name.startswith("aten::") and "convolution" in name)
    return Convolutions(
        of_convolutions / sum(spent.values()),
        of_convolutions / 1e6,
        counter.flops,
    )


class _ConvolutionFlops(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Counts as torch's own FlopCounterMode does, whose hooks refuse a gradient of a gradient."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.flops = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        if "convolution" in func.__name__:
            self.flops += flop_registry[func.overloadpacket](*args, **(kwargs or {}), out_val=result)
        return result


def matrix_product_flops(device: torch.device, dtype: torch.dtype) -> float:
    """Floating-point operations per second of a large product of matrices: what can be reached, not what is printed."""
    side = 8192 if device.type == "cuda" else 1024
    matrix = torch.ones(side, side, device=device, dtype=dtype)
    (window,) = taking_turns({"product": partial(torch.mm, matrix, matrix)}, count=5).values()
    return 2 * side**3 / min(window.clock)


def _finish() -> None:
    """Wait for the card, which works on while the program goes on."""
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def _ratio(what: str, textbook: Windows, ours: Windows) -> Figure:
    """How many times as fast as the textbook."""
    return {
        "figure": f"times as fast as the textbook: {what}",
        "value": round(_median_ratio(textbook.clock, ours.clock), 2),
        "by_processor_time": round(_median_ratio(textbook.processor, ours.processor), 2),
        **ours.told(),
        **{f"textbook_{name}": value for name, value in textbook.told().items() if name != "windows"},
    }


def _median_ratio(above: list[float], below: list[float]) -> float:
    return statistics.median(a / b for a, b in zip(above, below, strict=True))


def _settled(config: TrainingConfig, cache: FilmCache, hardware: Hardware = PROCESSOR) -> TrainingState:
    """As a run stands that has shown the images of all earlier phases."""
    state = TrainingState(config, cache, hardware)
    state.images = round(1000 * config.kimg - spans(config)[-1][2])
    return state


def _steps(training: TrainingState | TextbookTraining, count: int) -> Callable[[], object]:
    return _steps_of(training.step, count)


def _steps_of(step: Callable[[], object], count: int) -> Callable[[], object]:
    def steps() -> None:
        for _ in range(count):
            step()

    return steps


def random_cache(folder: Path, resolution: int) -> FilmCache:
    random = np.random.default_rng(0)
    films = (random.integers(0, 65536, (resolution,) * 2).astype(np.uint16) for _ in range(FILMS))
    rows = ((film, FilmProvenance(film_hash(film))) for film in films)
    return build(rows, FILMS, folder / f"cache-{resolution}", resolution=resolution, levels=65536)


def _untrained(folder: Path, config: TrainingConfig) -> Path:
    """The file of a generator before its first step: it draws as fast as a trained one."""
    cache = random_cache(folder, config.resolution)
    path = folder / f"{config.resolution}.safetensors"
    network = Generator(config.resolution, config.latent, config.fmap_base, config.fmap_max)
    # With all images shown, it draws at its largest resolution.
    save_generator(path, network.state_dict(), describe(config, cache, round(1000 * config.kimg)))
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
