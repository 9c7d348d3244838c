"""Drawing films from a trained generator: film number i depends on its seed alone, not on the batch it is drawn in."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from gan.checkpoint import read_description, read_tensors, sha256
from gan.config import TrainingConfig
from gan.networks import Generator
from gan.pixels import Film, canonical
from gan.provenance import FilmProvenance


class Drawer:
    """A trained generator, ready to draw. `provenance` names the films that it was trained on."""

    def __init__(self, path: Path) -> None:
        """Load a generator's .safetensors with its JSON. Raises FileNotFoundError or ValueError with what is wrong."""
        description = describe_generator(path)
        self.config = TrainingConfig.from_json(description["config"])
        self.levels: int = description["levels"]
        self.images: int = description["images"]
        self.patient_key: str | None = description["patient_key"]
        self.provenance = [FilmProvenance(**row) for row in description["films"]]
        self.sha256: str = description["sha256"]
        config = self.config
        self.network = Generator(config.resolution, config.latent, config.fmap_base, config.fmap_max)
        try:
            self.network.load_state_dict({name: tensor.float() for name, tensor in read_tensors(path).items()})
        except RuntimeError as error:
            raise ValueError(f"{path} does not hold the network that its .json describes.") from error
        # Draws a third faster on a processor; films differ from those of the other layout by rounding alone.
        self.network.eval().requires_grad_(False).to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    @property
    def resolution(self) -> int:
        return self.config.resolution

    def latents(self, seeds: list[int]) -> Tensor:
        """One latent of N(0, I) for each seed, of shape (N, latent)."""
        rows = [torch.randn(self.config.latent, generator=torch.Generator().manual_seed(seed)) for seed in seeds]
        return torch.stack(rows)

    def draw_latents(self, latents: Tensor) -> Tensor:
        """Films of shape (N, 1, R, R), about -1 … 1, differentiable in the latents."""
        films: Tensor = self.network(latents, self.resolution)
        return films

    def draw(self, seeds: list[int], truncation: float = 1.0) -> Tensor:
        """Films of shape (N, 1, R, R), about -1 … 1.

        `truncation` (above 0, up to 1) keeps the latents' entries nearer to zero, see `truncated`; 1 changes nothing.
        """
        with torch.no_grad():
            # One film at a time: a convolution over another batch size may round differently.
            return torch.cat([self.draw_latents(truncated(self.latents([seed]), truncation)) for seed in seeds])

    def films(self, seeds: list[int], truncation: float = 1.0) -> list[Film]:
        """The same films in the canonical form. Raises ValueError where the generator draws nothing but one grey."""
        return [canonical(film[0].clamp(-1, 1).numpy()) for film in self.draw(seeds, truncation)]


def truncated(latents: Tensor, truncation: float) -> Tensor:
    """Latents of the standard normal distribution cut at ± 2·truncation / (1 − truncation), by the inverse-cdf rule.

    Truncation 1 cuts nothing; smaller values keep the entries nearer to zero. Raises ValueError outside (0, 1].
    """
    if not 0 < truncation <= 1:
        raise ValueError(f"Truncation lies above 0 and up to 1, not at {truncation}.")
    if truncation == 1:
        return latents
    bound = 2 * truncation / (1 - truncation)
    # In double precision: the tail of the normal distribution is lost in floats.
    share = 2 * torch.special.ndtr(torch.tensor(bound, dtype=torch.float64)) - 1
    centred = torch.special.ndtr(latents.double()) - 0.5
    return torch.special.ndtri(0.5 + centred * share).to(latents.dtype)


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
