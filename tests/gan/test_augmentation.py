"""What the discriminator sees of a small collection: the transforms one by one, their gradients, and their control."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.autograd import gradcheck, gradgradcheck

from gan.augmentation import (
    BRIGHTNESS,
    CONTRAST,
    CUTOUT,
    NOISE,
    SHIFT,
    SLIDE,
    STRETCH,
    TRANSFORMS,
    TURN,
    ZOOM,
    AdaptiveStrength,
    augmented,
    numbers,
    transformed,
)

ALWAYS = torch.ones(())


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def films(count: int, side: int, dtype: torch.dtype = torch.float32) -> Tensor:
    return torch.rand(count, 1, side, side, dtype=dtype, generator=seeded(1)) * 2 - 1


def only(name: str, *sizes: float, count: int = 1) -> Tensor:
    """Numbers that apply one transform with given sizes, in its standard deviations, at every strength above zero."""
    chosen = torch.zeros(count, len(TRANSFORMS), 3)
    chosen[..., 0] = 1
    chosen[:, TRANSFORMS.index(name)] = torch.tensor([0.0, *sizes, *[0.0] * (2 - len(sizes))])
    return chosen


def ramps(side: int = 32) -> Tensor:
    """Two films: one that brightens by 0.01 a pixel to the right, and one that does so downwards; 0 at the centre."""
    step = (torch.arange(side) - (side - 1) / 2) * 0.01
    across = step.expand(side, side)
    return torch.stack([across, across.T])[:, None].clone()


def slopes(film: Tensor) -> tuple[float, float]:
    """Brightening to the right and downwards of a film, in hundredths a pixel, where its edge plays no part."""
    inner = film[0, 8:-8, 8:-8].double().numpy() * 100
    place = np.arange(len(inner)) - (len(inner) - 1) / 2
    right, down = (np.polyfit(place, inner.mean(axis=axis), 1)[0] for axis in (0, 1))
    # The interpolation is off by at most 0.05 of what lies between two pixels (Keys 1981, with a = -0.75).
    assert np.abs(inner - right * place - down * place[:, None]).max() < 0.1
    return float(right), float(down)


@pytest.mark.parametrize("side", [4, 8, 16, 32, 64, 128, 256, 512, 1024])
def test_at_strength_zero_a_film_is_left_as_it_is_and_at_one_it_keeps_its_shape(side: int) -> None:
    shown = films(2, side)
    assert torch.equal(augmented(shown, torch.zeros(()), seeded()), shown)
    changed = augmented(shown, ALWAYS, seeded())
    assert changed.shape == shown.shape
    assert bool(changed.isfinite().all())
    assert not torch.isclose(changed, shown).all(dim=(1, 2, 3)).any()


def test_a_film_that_no_transform_is_applied_to_is_left_as_it_is() -> None:
    shown = films(4, 16)
    drawn = numbers(4, seeded())
    drawn[..., 0] = 0.5
    assert torch.equal(transformed(shown, torch.tensor(0.5), drawn), shown)
    assert not torch.isclose(transformed(shown, torch.tensor(0.51), drawn), shown).all(dim=(1, 2, 3)).any()


def test_the_strength_is_the_probability_of_each_transform() -> None:
    applied = (numbers(4000, seeded())[..., 0] < 0.3).float()
    assert applied.mean(dim=0) == pytest.approx([0.3] * len(TRANSFORMS), abs=0.03)
    # Independently of each other.
    assert torch.corrcoef(applied.T).fill_diagonal_(0).abs().max() < 0.06
    shown = torch.zeros(4000, 1, 4, 4)
    drawn = numbers(4000, seeded())
    drawn[:, [name != "brightness" for name in TRANSFORMS], 0] = 1
    brightened = (transformed(shown, torch.tensor(0.3), drawn) != 0).any(dim=(1, 2, 3))
    assert brightened.float().mean() == pytest.approx(0.3, abs=0.03)


@pytest.mark.parametrize(("right", "down"), [(3, 0), (0, -2), (-1, 5)])
def test_a_shift_moves_by_whole_pixels_and_mirrors_what_lies_beyond_the_edge(right: int, down: int) -> None:
    side = 16
    shown = films(1, side)
    # A little off whole pixels, as drawn sizes are.
    moved = transformed(shown, ALWAYS, only("shift", *((d + 0.2) / (SHIFT * side) for d in (right, down))))
    padded = np.pad(shown[0, 0].numpy(), side, mode="symmetric")
    expected = padded[side + down : 2 * side + down, side + right : 2 * side + right]
    assert np.allclose(moved[0, 0].numpy(), expected, atol=1e-5)


def test_a_slide_moves_by_any_distance() -> None:
    shown = ramps()
    moved = transformed(shown, ALWAYS, only("slide", 1.7 / (SLIDE * 32), -2.3 / (SLIDE * 32), count=2))
    change = (moved - shown)[..., 8:-8, 8:-8]
    assert torch.allclose(change[0], torch.tensor(0.017), atol=5e-4)
    assert torch.allclose(change[1], torch.tensor(-0.023), atol=5e-4)


def test_a_zoom_enlarges_alike_in_both_directions_about_the_centre() -> None:
    across, down = transformed(ramps(), ALWAYS, only("zoom", 0.5 / ZOOM, count=2))
    assert slopes(across) == pytest.approx((2**-0.5, 0), abs=0.005)
    assert slopes(down) == pytest.approx((0, 2**-0.5), abs=0.005)
    assert float(across[0, 15:17, 15:17].mean()) == pytest.approx(0, abs=1e-6)


def test_a_stretch_keeps_the_area() -> None:
    across, down = transformed(ramps(), ALWAYS, only("stretch", 0.25 / STRETCH, count=2))
    assert slopes(across) == pytest.approx((2**-0.125, 0), abs=0.005)
    assert slopes(down) == pytest.approx((0, 2**0.125), abs=0.005)


def test_a_turn_keeps_lengths_and_angles() -> None:
    angle = math.radians(12)
    across, down = transformed(ramps(), ALWAYS, only("turn", angle / TURN, count=2))
    assert slopes(across) == pytest.approx((math.cos(angle), -math.sin(angle)), abs=0.005)
    assert slopes(down) == pytest.approx((math.sin(angle), math.cos(angle)), abs=0.005)


def test_brightness_is_added_and_contrast_multiplies_about_the_middle_grey() -> None:
    shown = films(2, 8)
    brighter = transformed(shown, ALWAYS, only("brightness", 2.0, count=2))
    assert torch.equal(brighter, shown + 2 * BRIGHTNESS)
    harder = transformed(shown, ALWAYS, only("contrast", 1 / CONTRAST, count=2))
    assert torch.allclose(harder, shown * 2)


def test_brightness_is_right_on_average() -> None:
    shown = films(1, 4).expand(4000, 1, 4, 4)
    drawn = numbers(4000, seeded())
    drawn[:, [name != "brightness" for name in TRANSFORMS], 0] = 1
    change = (transformed(shown, torch.tensor(0.5), drawn) - shown).mean(dim=(1, 2, 3))
    # Half of the films, each with the whole variance.
    assert float(change.mean()) == pytest.approx(0, abs=4 * BRIGHTNESS * math.sqrt(0.5 / 4000))
    assert float(change.var()) == pytest.approx(0.5 * BRIGHTNESS**2, rel=0.1)


def test_noise_is_white_normal_and_of_every_film_its_own() -> None:
    drawn = torch.cat([only("noise", size, seed) for size, seed in ((1.0, 0.3), (1.0, 0.3 + 2**-20), (-2.0, -1.1))])
    noise = transformed(films(3, 128), ALWAYS, drawn) - films(3, 128)
    level = noise.std(dim=(1, 2, 3))
    assert level.tolist() == pytest.approx([NOISE, NOISE, 2 * NOISE], rel=0.02)
    assert noise.mean(dim=(1, 2, 3)).tolist() == pytest.approx([0, 0, 0], abs=0.04 * NOISE)
    # Of a normal distribution 4.55 % lie beyond two deviations.
    outer = (noise.abs() > 2 * level[:, None, None, None]).float().mean(dim=(1, 2, 3))
    assert outer.tolist() == pytest.approx([0.0455] * 3, abs=0.006)
    flat = noise.flatten(1)
    beside = [flat, flat.roll(-1, dims=1)[:1], flat.roll(-128, dims=1)[:1], flat.roll(-129, dims=1)[:1]]
    assert torch.corrcoef(torch.cat(beside)).fill_diagonal_(0).abs().max() < 0.035


def test_a_cutout_hides_a_square_and_nothing_else() -> None:
    shown = films(3, 64) + 2
    drawn = torch.cat([only("cutout", *place) for place in ((0.0, 0.0), (-0.5, 0.4), (9.0, 0.0))])
    hidden = transformed(shown, ALWAYS, drawn) == 0
    width = round(64 * CUTOUT)
    for film in hidden[:2, 0]:
        rows, columns = film.any(dim=1), film.any(dim=0)
        assert int(rows.sum()) == int(columns.sum()) == width
        assert torch.equal(film, rows[:, None] & columns)
    assert bool(hidden[0, 0, 32 - width // 2 : 32 + width // 2, 32 - width // 2 : 32 + width // 2].all())
    # Half of it lies beyond the edge.
    assert int(hidden[2].sum()) == width * width // 2
    assert torch.equal(transformed(shown, ALWAYS, drawn)[~hidden], shown[~hidden])


def test_left_stays_left_and_up_stays_up() -> None:
    side, count = 16, 400
    left = torch.where(torch.arange(side) < side // 2, 0.8, -0.8).expand(count, 1, side, side)
    seen = augmented(left, ALWAYS, seeded())
    assert bool((seen[..., : side // 2].mean(dim=(1, 2, 3)) > seen[..., side // 2 :].mean(dim=(1, 2, 3))).all())
    seen = augmented(left.mT, ALWAYS, seeded())
    assert bool((seen[..., : side // 2, :].mean(dim=(1, 2, 3)) > seen[..., side // 2 :, :].mean(dim=(1, 2, 3))).all())


def test_what_happens_to_a_film_does_not_depend_on_the_others_nor_on_the_strength_before() -> None:
    shown, drawn = films(6, 16), numbers(6, seeded())
    strength = torch.tensor(0.7)
    together = transformed(shown, strength, drawn)
    assert torch.equal(together, augmented(shown, strength, seeded()))
    assert torch.equal(transformed(shown[1::2], strength, drawn[1::2]), together[1::2])
    one, other = seeded(), seeded()
    augmented(shown, torch.zeros(()), one)
    augmented(shown, strength, other)
    assert torch.equal(augmented(shown, strength, one), augmented(shown, strength, other))


@pytest.mark.parametrize("side", [4, 8])
def test_gradients_and_second_derivatives_go_through(side: int) -> None:
    shown = films(1, side, torch.float64).requires_grad_()
    drawn = numbers(1, seeded(4))
    # Squared, so that the second derivative is not zero.
    assert gradcheck(lambda x: transformed(x, ALWAYS, drawn).square(), (shown,))
    assert gradgradcheck(lambda x: transformed(x, ALWAYS, drawn).square(), (shown,))


def test_autocast_moves_no_film_to_another_place() -> None:
    """Places of pixels in bfloat16 have eight bits: half a pixel at this size."""
    shown, random = films(4, 256), numbers(4, seeded())
    with torch.autocast("cpu", torch.bfloat16):
        within = transformed(shown, ALWAYS, random)
    assert torch.equal(within, transformed(shown, ALWAYS, random))


def scores(above: int, below: int) -> Tensor:
    return torch.cat([torch.full((above,), 0.1), torch.full((below,), -3.0)])


def test_the_strength_rises_above_the_target_and_falls_below_at_the_speed_that_was_asked_for() -> None:
    control = AdaptiveStrength(target=0.6, kimg=2)
    assert float(control.strength) == 0
    for _ in range(10):
        control.observe(scores(9, 1))  # a mean sign of 0.8
        control.adjust(64)
    assert float(control.strength) == pytest.approx(640 / 2000, abs=1e-6)
    for _ in range(3):
        control.observe(scores(7, 3))  # 0.4
        control.adjust(100)
    assert float(control.strength) == pytest.approx(340 / 2000, abs=1e-6)


def test_the_strength_stays_between_nothing_and_always() -> None:
    control = AdaptiveStrength(target=0.6, kimg=1)
    control.observe(scores(0, 4))
    control.adjust(10)
    assert float(control.strength) == 0
    control.observe(scores(4, 0))
    control.adjust(1100)
    assert float(control.strength) == 1


def test_the_strength_rests_at_the_target_and_where_nothing_was_observed() -> None:
    control = AdaptiveStrength(target=0.5, kimg=1)
    control.observe(scores(4, 0))
    control.adjust(300)
    control.observe(scores(3, 1))
    control.adjust(300)
    control.adjust(300)
    assert float(control.strength) == pytest.approx(0.3)


def test_only_what_was_observed_since_the_last_time_counts_however_it_came() -> None:
    control = AdaptiveStrength(target=0.6, kimg=1)
    control.observe(scores(900, 0))
    control.adjust(500)
    control.observe(scores(5, 300).to(torch.bfloat16)[:, None])
    control.observe(scores(295, 0).requires_grad_())
    control.adjust(100)
    assert float(control.strength) == pytest.approx(0.4)
    assert not control.strength.requires_grad


def test_processes_decide_together() -> None:
    one, other = AdaptiveStrength(0.6, 1), AdaptiveStrength(0.6, 1)
    for control in (one, other):
        control.observe(scores(4, 0))
        control.adjust(500)
    one.observe(scores(4, 0))
    other.observe(scores(0, 4))
    theirs = other.state()["sums"], one.state()["sums"]
    for control, sums in zip((one, other), theirs, strict=True):
        control.adjust(100, all_reduce=lambda own, sums=sums: own.add_(sums))
    assert float(one.strength) == float(other.strength) == pytest.approx(0.4)


def test_a_restored_strength_goes_on_the_same_and_is_the_tensor_that_was_handed_out() -> None:
    def go_on(control: AdaptiveStrength) -> None:
        control.observe(scores(1, 3))
        control.adjust(50)

    control, restored = AdaptiveStrength(0.6, 1), AdaptiveStrength(0.6, 1)
    control.observe(scores(4, 0))
    control.adjust(200)
    # In the middle between two adjustments: what was seen is not lost.
    control.observe(scores(20, 0))
    state = control.state()
    go_on(control)
    handed_out = restored.strength
    restored.restore(state)
    go_on(restored)
    assert handed_out is restored.strength
    assert float(handed_out) == float(control.strength) == pytest.approx(0.25)
