"""Adaptive augmentation of what the discriminator sees, for small collections (Karras et al. 2020, "Training generative
adversarial networks with limited data").

Real and drawn films alike pass random transforms before they are scored, in the discriminator's step and in the
generator's, and gradients go through them. Each transform is applied to each film with one probability, the strength,
which a controller moves so that the discriminator overfits no more than it may.

Only what can happen to a chest film is here: a patient stands elsewhere, nearer or tilted, the exposure differs, a
detector is noisy, a patch is hidden. There are no flips, for the heart is on the left, no quarter turns, and no colour.

The generator does not learn to draw the transforms while each of them, as an operator on distributions of films, can be
inverted. Moves within a group, added noise and holes can be, where they are skipped with a probability above zero, and
so can several in a fixed order (section 2.2 and appendix C of the paper). Sizes are normal and not uniform: then the
characteristic function of a move or of what is added has no zero at any strength below 1. In practice the paper saw
leaks from about 0.8 on; a strength that stays above that asks for more films.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

SHIFT = 1 / 16
"""Standard deviation of a move by whole pixels, which blurs nothing, in sides of the film."""
SLIDE = 1 / 16
"""Of a move by any distance, in sides of the film."""
ZOOM = 0.1
"""Of the size, in octaves."""
STRETCH = 0.05
"""Of the height against the width, in octaves, divided between both."""
TURN = math.radians(5)
BRIGHTNESS = 0.15
"""Of what is added, where black is -1 and white is 1."""
CONTRAST = 0.25
"""Of the factor about the middle grey, in octaves."""
NOISE = 0.05
"""Of the level of the noise, which is itself the standard deviation over the pixels."""
CUTOUT = 0.25
"""Side of the hidden square, in sides of the film."""

TRANSFORMS = ("shift", "slide", "zoom", "stretch", "turn", "brightness", "contrast", "noise", "cutout")


def augmented(films: Tensor, strength: Tensor, random: torch.Generator) -> Tensor:
    """Films of shape (N, 1, R, R) in -1 … 1, each transformed at random; the result may leave that range.

    `strength` is a tensor without dimensions in 0 … 1; at 0 the films come back as they are. `random` is a generator of
    the processor, so what happens to a film does not depend on the device. Differentiable twice in the films.
    """
    return transformed(films, strength, numbers(len(films), random))


def numbers(count: int, random: torch.Generator) -> Tensor:
    """All that is random of `count` films, of shape (count, transforms, 3): a uniform number that decides whether the
    transform is applied, and two normal ones that say how. Rows can be divided among processes like latents.
    """
    shape = (count, len(TRANSFORMS))
    return torch.cat([torch.rand(*shape, 1, generator=random), torch.randn(*shape, 2, generator=random)], dim=2)


def transformed(films: Tensor, strength: Tensor, numbers: Tensor) -> Tensor:
    """`augmented` with the random numbers given; autocast changes nothing in it."""
    if strength.device.type == "cpu" and not strength:
        return films
    # In half precision the places of pixels would be off by up to half a pixel at 256².
    with torch.autocast(films.device.type, enabled=False):
        return _transformed(films, strength, numbers.to(films.device, non_blocking=True))


class AdaptiveStrength:
    """Moves the strength so that the discriminator's verdict on real films keeps to a target (section 3 of the paper).

    The measure is r_t, the mean sign of the scores of real films as the discriminator saw them: 0 where it has not
    overfitted, 1 where it knows every training film. It needs scores whose zero means undecided, as those of the
    non-saturating loss are; a critic's (WGAN-GP) have no such zero. Nothing here waits for the device.
    """

    def __init__(self, target: float, kimg: float, device: torch.device | str = "cpu") -> None:
        """`kimg` is how many thousand images it takes to go from 0 to 1, or back."""
        self.target, self.kimg = target, kimg
        self.strength = torch.zeros((), device=device)
        # Of the signs, and how many they are.
        self._sums = torch.zeros(2, device=device)

    def observe(self, scores_of_reals: Tensor) -> None:
        """Count the signs of some scores, of any shape."""
        signs = scores_of_reals.detach().float().sign()
        self._sums += torch.stack([signs.sum(), signs.new_full((), signs.numel())])

    def adjust(self, images: int, all_reduce: Callable[[Tensor], object] = lambda sums: None) -> None:
        """Move the strength by what `images` real films, those shown since the last time, allow.

        `all_reduce` adds up a tensor over all processes, in place; `images` are then those of all of them.
        """
        all_reduce(self._sums)
        signs, count = self._sums
        self.strength += torch.sign(signs - self.target * count) * (images / (1000 * self.kimg))
        self.strength.clamp_(0, 1)
        self._sums.zero_()

    def state(self) -> dict[str, Tensor]:
        """What a checkpoint keeps."""
        return {"strength": self.strength.clone(), "sums": self._sums.clone()}

    def restore(self, state: dict[str, Tensor]) -> None:
        self.strength.copy_(state["strength"])
        self._sums.copy_(state["sums"])


def _transformed(films: Tensor, strength: Tensor, numbers: Tensor) -> Tensor:
    applied = numbers[..., 0] < strength
    # A size of zero is the identity in all but the cutout, so nothing has to wait for what the device decides.
    sizes = dict(zip(TRANSFORMS, (numbers[..., 1:] * applied[..., None]).to(films.dtype).unbind(1), strict=True))
    moved = applied[:, : TRANSFORMS.index("brightness")].any(dim=1)
    films = torch.where(_per_film(moved), _moved(films, sizes), films)
    films = films * _per_film(torch.exp2(CONTRAST * sizes["contrast"][:, 0]))
    films = films + _per_film(BRIGHTNESS * sizes["brightness"][:, 0])
    films = films + _noise(sizes["noise"], films.shape[-1])
    return films * ~(_per_film(applied[:, TRANSFORMS.index("cutout")]) & _square(sizes["cutout"], films.shape[-1]))


def _per_film(values: Tensor) -> Tensor:
    return values[:, None, None, None]


def _moved(films: Tensor, sizes: dict[str, Tensor]) -> Tensor:
    """Shift, slide, zoom, stretch and turn in one resampling; beyond its edge a film is mirrored.

    Bicubic, and with no filter before it: three standard deviations of size make a step of 1.3 pixels, so at most the
    uppermost quarter of the frequencies is folded, and alike in real and drawn films.
    """
    side = films.shape[-1]
    zoom, stretch, turn = ZOOM * sizes["zoom"][:, 0], STRETCH * sizes["stretch"][:, 0] / 2, TURN * sizes["turn"][:, 0]
    width, height = torch.exp2(-zoom - stretch), torch.exp2(-zoom + stretch)
    # The grid counts from -1 to 1, which are two sides.
    across, down = (2 * ((SHIFT * side * sizes["shift"]).round() / side + SLIDE * sizes["slide"])).unbind(1)
    cos, sin = torch.cos(turn), torch.sin(turn)
    matrix = torch.stack([cos * width, -sin * height, across, sin * width, cos * height, down], dim=1).reshape(-1, 2, 3)
    grid = F.affine_grid(matrix, list(films.shape), align_corners=False)
    return F.grid_sample(films, grid, mode="bicubic", padding_mode="reflection", align_corners=False)


def _noise(sizes: Tensor, side: int) -> Tensor:
    """Normal noise of shape (N, 1, side, side): its level from the first size of a film, its pattern from the second.

    Counted, not drawn, so that it is the same on every device and costs a GPU no transfer.
    """
    level, seed = sizes[:, 0].abs() * NOISE, (sizes[:, 1] * 2**20).long()
    pixel = torch.arange(side * side, device=sizes.device)
    bits = _scrambled(_scrambled(seed)[:, None] + pixel) >> 9
    pattern = math.sqrt(2) * torch.erfinv((bits + 0.5) / 2**22 - 1)
    return (level[:, None] * pattern.to(level.dtype)).reshape(-1, 1, side, side)


def _scrambled(values: Tensor) -> Tensor:
    """A hash of 32 bits (the finaliser of a multiply-xorshift generator)."""
    for _ in range(2):
        values = ((values >> 16 ^ values) * 0x45D9F3B) & 0xFFFFFFFF
    return values >> 16 ^ values


def _square(sizes: Tensor, side: int) -> Tensor:
    """The pixels of a square anywhere on the film, of shape (N, 1, side, side)."""
    centre = torch.special.ndtr(sizes)
    pixel = (torch.arange(side, device=sizes.device) + 0.5) / side
    near = (pixel - centre[..., None]).abs() < CUTOUT / 2
    return (near[:, 0, None, :] & near[:, 1, :, None])[:, None]
