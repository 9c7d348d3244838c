"""Drawing films from a trained generator: film number i depends on its seed alone, not on the batch it is drawn in.

A convolution over another number of films, or shared out between another number of threads, may round differently. So
the film of a seed is always computed among the same neighbours: in the block of seeds that begins at the multiple of
the block's size, whoever asks for it. A graphics card is only busy with many films. A processor draws each film by
itself and on one thread, as many films at once as it has threads.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from itertools import chain, groupby
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from gan.checkpoint import read_description, read_tensors, sha256
from gan.config import TrainingConfig
from gan.networks import Generator
from gan.pixels import Film, canonical
from gan.provenance import FilmProvenance
from gan.schedule import phase_at

BLOCK = {"cpu": 1, "cuda": 16}
PROCESSOR = torch.device("cpu")


class Drawer:
    """A trained generator, ready to draw. `provenance` names the films that it was trained on.

    A generator from the middle of a training draws as far as it has grown: at the resolution of its phase, and half
    faded in where the phase is.
    """

    def __init__(self, path: Path, device: torch.device = PROCESSOR, *, compile: bool = False) -> None:
        """Load a generator's .safetensors with its JSON. Raises FileNotFoundError or ValueError with what is wrong.

        With another `device` or with `compile` (by `torch.compile`) the same films differ by rounding.
        """
        description = describe_generator(path)
        self.config = TrainingConfig.from_json(description["config"])
        self.levels: int = description["levels"]
        self.images: int = description["images"]
        self.patient_key: str | None = description["patient_key"]
        self.provenance = [FilmProvenance(**row) for row in description["films"]]
        self.sha256: str = description["sha256"]
        self.phase = phase_at(self.images, self.config)
        self.device, self.block = device, BLOCK[device.type]
        config = self.config
        self.network = Generator(config.resolution, config.latent, config.fmap_base, config.fmap_max)
        try:
            self.network.load_state_dict({name: tensor.float() for name, tensor in read_tensors(path).items()})
        except RuntimeError as error:
            raise ValueError(f"{path} does not hold the network that its .json describes.") from error
        # Draws a third faster on a processor; films differ from those of the other layout by rounding alone.
        self.network.eval().requires_grad_(False).to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._draw = torch.compile(self.network, dynamic=False) if compile else self.network

    @property
    def resolution(self) -> int:
        return self.phase.resolution

    def latents(self, seeds: Sequence[int]) -> Tensor:
        """One latent of N(0, I) for each seed, of shape (N, latent)."""
        rows = [torch.randn(self.config.latent, generator=torch.Generator().manual_seed(seed)) for seed in seeds]
        return torch.stack(rows)

    def draw_latents(self, latents: Tensor) -> Tensor:
        """Films of shape (N, 1, R, R), about -1 … 1, differentiable in the latents."""
        with self._exact():
            films: Tensor = self._draw(latents.to(self.device), self.phase.resolution, self.phase.alpha)
        return films

    def draw(self, seeds: Sequence[int], truncation: float = 1.0) -> Tensor:
        """Films of shape (N, 1, R, R), about -1 … 1, on the processor.

        `truncation` (above 0, up to 1) keeps the latents' entries nearer to zero, see `truncated`; 1 changes nothing.
        """
        numbers = list(dict.fromkeys(seed // self.block for seed in seeds))
        with _single_threads(self._at_once()) as pool:
            blocks = dict(
                zip(numbers, pool.map(partial(self._draw_block, truncation=truncation), numbers), strict=True)
            )
        return torch.stack([blocks[seed // self.block][seed % self.block] for seed in seeds])

    def films(self, seeds: Sequence[int], truncation: float = 1.0) -> list[Film]:
        """The same films in the canonical form. Raises ValueError where the generator draws nothing but one grey."""
        return list(self.stream(seeds, truncation))

    def stream(self, seeds: Sequence[int], truncation: float = 1.0) -> Iterator[Film]:
        """The films of `films`, drawn as they are asked for, some blocks ahead."""
        blocks = [list(block) for _, block in groupby(seeds, key=lambda seed: seed // self.block)]
        at_once = self._at_once()
        for start in range(0, len(blocks), at_once):
            together = list(chain.from_iterable(blocks[start : start + at_once]))
            for seed, film in zip(together, self.draw(together, truncation), strict=True):
                yield _canonical(film, f"seed {seed}")

    def share(self, seeds: Sequence[int], rank: int, world: int) -> list[int]:
        """The seeds that process `rank` of `world` draws, in whole blocks, so that nothing is drawn twice."""
        return [seed for seed in seeds if seed // self.block % world == rank]

    def strip(self, start: Tensor, end: Tensor, steps: int) -> list[Film]:
        """`steps` films in the canonical form on the way from one latent to another, both among them.

        The way is the great circle through both: on a straight line the latents in its middle would be nearer to zero
        than any that the generator has seen. Raises ValueError for latents of another length than the generator's.
        """
        if steps < 2:
            raise ValueError(f"A strip has at least 2 films, its two ends, not {steps}.")
        if start.shape != (self.config.latent,) or end.shape != start.shape:
            raise ValueError(f"This generator draws from latents of {self.config.latent} numbers, not {len(start)}.")
        way = torch.stack([on_circle(start, end, step / (steps - 1)) for step in range(steps)])
        with _single_threads(self._at_once()) as pool:
            films = torch.cat(list(pool.map(self._draw_still, torch.split(way, self.block))))
        return [_canonical(film, "a strip") for film in films]

    def _at_once(self) -> int:
        """How many blocks are computed at the same time."""
        return 1 if self.device.type != "cpu" else torch.get_num_threads()

    def _exact(self) -> AbstractContextManager[object]:
        """TensorFloat-32 would keep 10 bits of a film that has 16."""
        if self.device.type == "cpu":
            return nullcontext()
        return torch.backends.cudnn.flags(enabled=True, deterministic=True, allow_tf32=False)

    def _draw_block(self, number: int, truncation: float) -> Tensor:
        first = number * self.block
        return self._draw_still(truncated(self.latents(range(first, first + self.block)), truncation))

    def _draw_still(self, latents: Tensor) -> Tensor:
        with torch.no_grad():
            return self.draw_latents(latents).cpu()


@contextmanager
def _single_threads(count: int) -> Iterator[ThreadPoolExecutor]:
    """Threads of which each computes alone."""
    before = torch.get_num_threads()
    try:
        with ThreadPoolExecutor(count, initializer=torch.set_num_threads, initargs=(1,)) as pool:
            yield pool
    finally:
        torch.set_num_threads(before)


def on_circle(start: Tensor, end: Tensor, share: float) -> Tensor:
    """The latent at `share` (0 … 1) of the great circle's arc from one latent to another, with a length between theirs.

    Spherical linear interpolation (Shoemake 1985); the ends are the two latents bit for bit.
    """
    lengths = torch.stack([start.norm(), end.norm()])
    angle = torch.arccos(((start / lengths[0]) @ (end / lengths[1])).clamp(-1, 1))
    length = torch.lerp(lengths[0], lengths[1], share)
    if angle.sin() < 1e-6:
        return torch.lerp(start, end, share)
    weights = torch.stack([((1 - share) * angle).sin(), (share * angle).sin()]) / angle.sin() * length / lengths
    return weights[0] * start + weights[1] * end


def _canonical(film: Tensor, which: str) -> Film:
    try:
        return canonical(film[0].clamp(-1, 1).numpy())
    except ValueError as error:
        raise ValueError(f"The film of {which} cannot be used: {error}") from error


def truncated(latents: Tensor, truncation: float) -> Tensor:
    """Latents of the standard normal distribution cut at ± 2·truncation / (1 − truncation), by the inverse-cdf rule.

    Truncation 1 cuts nothing; smaller values keep the entries nearer to zero. Raises ValueError outside (0, 1].
    """
    check_truncation(truncation)
    if truncation == 1:
        return latents
    bound = 2 * truncation / (1 - truncation)
    # In double precision: the tail of the normal distribution is lost in floats.
    share = 2 * torch.special.ndtr(torch.tensor(bound, dtype=torch.float64)) - 1
    centred = torch.special.ndtr(latents.double()) - 0.5
    return torch.special.ndtri(0.5 + centred * share).to(latents.dtype)


def check_truncation(truncation: float) -> None:
    """Raises ValueError outside (0, 1]."""
    if not 0 < truncation <= 1:
        raise ValueError(f"Truncation lies above 0 and up to 1, not at {truncation}.")


def describe_generator(path: Path) -> dict[str, Any]:
    """The JSON beside a generator's weights, after checking that it speaks of these weights."""
    beside = path.with_suffix(".json")
    for file in (path, beside):
        if not file.exists():
            raise FileNotFoundError(
                f"{file} does not exist; a generator is a .safetensors file with a .json beside it."
            )
    description = read_description(beside)
    if sha256(path) != description["sha256"]:
        raise ValueError(f"{beside} speaks of other weights than {path}; copy both files from the same run again.")
    return description
