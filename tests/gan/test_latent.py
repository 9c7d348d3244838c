"""Steering latents: the sphere is kept, what is asked for is reached, its cost is counted, and it can be repeated."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from gan.direction import direction_of, edit
from gan.latent import Judge, Steered, Steering, angles, in_canonical_form, met, on_sphere, rotated, steer

LATENT = 16
SIDE = 8
THRESHOLDS = torch.tensor([1.0, 1.0])


def draw(latents: Tensor) -> Tensor:
    """A toy generator: the left half of a film has the grey of the first entry, the right half that of the second."""
    greys = torch.tanh(on_sphere(latents)[:, :2])
    return greys.repeat_interleave(SIDE // 2, dim=1)[:, None, None, :].expand(-1, 1, SIDE, -1)


def judge(films: Tensor) -> Tensor:
    """Two findings, of the brightness of either half."""
    half = films.shape[-1] // 2
    return 4 * torch.stack([films[..., :half].mean((1, 2, 3)), films[..., half:].mean((1, 2, 3))], dim=1)


def latents(count: int, seed: int = 0) -> Tensor:
    return torch.randn(count, LATENT, generator=torch.Generator().manual_seed(seed))


def run(wanted: list[float], *, count: int = 6, judges: tuple[Judge, ...] = (judge,), **settings: object) -> Steered:
    steering = replace(Steering(margin=1.0), **settings)  # type: ignore[arg-type]
    random = torch.Generator().manual_seed(3)
    return steer(draw, judges, torch.tensor(wanted), THRESHOLDS, latents(count), steering, random)


def test_findings_are_made_present_and_absent() -> None:
    steered = run([1.0, -1.0])
    assert steered.reached.all()
    assert met(steered.scores, THRESHOLDS, torch.tensor([1.0, -1.0])).all()
    assert torch.allclose(steered.scores, judge(steered.films), atol=1e-5)
    assert torch.allclose(steered.films, draw(steered.latents))


def test_latents_stay_on_the_sphere_and_their_way_is_an_angle() -> None:
    steered = run([1.0, 0.0])
    begun = on_sphere(latents(6))
    assert torch.allclose(steered.latents.norm(dim=1), torch.full((6,), math.sqrt(LATENT)), rtol=1e-5)
    cosine = (begun * steered.latents).sum(1) / LATENT
    assert torch.allclose(steered.distance, torch.arccos(cosine.clamp(-1, 1)), atol=1e-3)


def test_a_latent_that_is_content_rests_while_others_go_on() -> None:
    steered = run([1.0, 0.0], count=20, content=2)
    assert steered.steps.min() == 0
    assert steered.steps.max() > 3
    still = steered.steps == 0
    assert torch.equal(steered.latents[still], on_sphere(latents(20))[still])


@pytest.mark.parametrize("judges", [(judge,), (judge, judge)])
def test_every_pass_through_a_network_is_counted(judges: tuple[Judge, ...]) -> None:
    """By hand: 4 latents, 5 steps of which none is content, forward and back (3) through the generator and the judges;
    then once forward."""
    steered = run([1.0, 0.0], count=4, judges=judges, steps=5, margin=1e6)
    networks = 1 + len(judges)
    assert steered.forward_equivalents == 4 * 5 * 3 * networks + 4 * networks
    kept = run([1.0, 0.0], count=4, judges=judges, steps=5, margin=1e6, keep_others=1.0)
    assert kept.forward_equivalents == steered.forward_equivalents + 4 * networks


def test_a_content_latent_costs_its_views_and_no_more() -> None:
    """Every film meets the goal: two views each, and the look at the end."""
    steered = steer(
        draw, [judge], torch.tensor([1.0, 0.0]), torch.tensor([-100.0, 0.0]), latents(3), Steering(content=2),
        torch.Generator(),
    )  # fmt: skip
    assert steered.forward_equivalents == 3 * 2 * 3 * 2 + 3 * 2
    assert not steered.steps.any()


def test_other_findings_are_kept_where_they_were() -> None:
    """Of two halves that hang together, to brighten the left one is to brighten the right one, unless it is kept."""

    def mixed(rows: Tensor) -> Tensor:
        unit = on_sphere(rows)
        return draw(torch.cat([unit[:, :1], 0.6 * unit[:, :1] + unit[:, 1:2], unit[:, 2:]], dim=1))

    def moved(keep_others: float) -> float:
        steering = Steering(keep_others=keep_others, defence=False, margin=0.0)
        begun = judge(mixed(latents(12)))
        wanted = torch.tensor([1.0, 0.0])
        steered = steer(mixed, [judge], wanted, THRESHOLDS, latents(12), steering, torch.Generator())
        assert steered.reached.float().mean() > 0.9
        return float((steered.scores - begun)[:, 1].abs().mean())

    assert moved(1.0) < 0.7 * moved(0.0)


def test_the_same_call_gives_the_same_films_and_another_view_others() -> None:
    first, again = run([1.0, 0.0]), run([1.0, 0.0])
    assert torch.equal(first.latents, again.latents)
    assert torch.equal(first.films, again.films)
    assert first.forward_equivalents == again.forward_equivalents
    assert not torch.equal(first.latents, run([1.0, 0.0], noise=0.2).latents)


def test_the_defence_changes_what_judges_see_and_nothing_that_is_returned() -> None:
    seen: list[Tensor] = []

    def watching(films: Tensor) -> Tensor:
        seen.append(films.detach())
        return judge(films)

    run([1.0, 0.0], judges=(watching,), steps=2, margin=100.0, defence=False)
    assert torch.equal(seen[0], draw(on_sphere(latents(6))))
    seen.clear()
    defended = run([1.0, 0.0], judges=(watching,), steps=2, margin=100.0)
    assert not torch.allclose(seen[0], draw(on_sphere(latents(6))), atol=0.01)
    assert not torch.allclose(seen[0], seen[1], atol=0.01)
    assert torch.equal(seen[-1], defended.films)
    assert float(seen[0].abs().max()) <= 1


def test_views_are_of_latents_close_by_on_the_sphere() -> None:
    drawn: list[Tensor] = []

    def watching(rows: Tensor) -> Tensor:
        drawn.append(rows.detach())
        return draw(rows)

    def seen(defence: bool) -> Tensor:
        drawn.clear()
        steering = Steering(steps=1, jitter=0.4, defence=defence)
        steer(watching, [judge], torch.tensor([1.0, 0.0]), THRESHOLDS, latents(5), steering, torch.Generator())
        return drawn[0]

    begun = on_sphere(latents(5))
    assert torch.allclose(angles(begun, seen(True)), torch.full((5,), 0.4), atol=1e-3)
    assert torch.allclose(seen(True).norm(dim=1), begun.norm(dim=1))
    assert torch.equal(seen(False), begun)


def test_a_texture_that_fools_an_undefended_judge_fails_a_defended_one() -> None:
    """The judge sees brightness, but a fine chequerboard fools it; the generator can draw either, the board easier."""
    board = torch.ones(16, 16)
    board[::2, 1::2] = board[1::2, ::2] = -1

    def textured(rows: Tensor) -> Tensor:
        unit = on_sphere(rows)
        return torch.tanh(0.25 * unit[:, 0, None, None] + unit[:, 1, None, None] * board)[:, None]

    def fooled(films: Tensor) -> Tensor:
        return (6 * films.mean((1, 2, 3)) + 6 * (films * board).mean((1, 2, 3)))[:, None]

    def amount(defence: bool) -> float:
        steered = steer(
            textured, [fooled], torch.ones(1), torch.ones(1), latents(16), Steering(defence=defence, steps=40),
            torch.Generator().manual_seed(1),
        )  # fmt: skip
        # What an honest judge sees is brightness alone.
        return float(steered.films.mean((1, 2, 3)).mean())

    assert amount(defence=True) > 2 * amount(defence=False)


def test_nothing_wanted_and_nonsense_are_refused() -> None:
    with pytest.raises(ValueError, match="Nothing is wanted of these films"):
        run([0.0, 0.0])
    for wrong in (
        {"steps": 0}, {"angle": 0.0}, {"angle": 4.0}, {"momentum": 1.0}, {"smallest": 0.1}, {"noise": -1.0},
        {"shift": 0.7}, {"jitter": 2.0},
    ):  # fmt: skip
        with pytest.raises(ValueError, match=r"[.]$"):
            Steering(**wrong)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="has no setting temperature"):
        Steering.from_json({"temperature": 1})
    steering = Steering(steps=7, defence=False)
    assert Steering.from_json(steering.to_json()) == steering


def test_present_means_at_the_threshold_and_absent_below_it() -> None:
    logits = torch.tensor([[1.0, 0.9], [1.0, 1.0], [0.9, 0.0]])
    assert met(logits, THRESHOLDS, torch.tensor([1.0, -1.0])).tolist() == [True, False, False]
    assert met(logits, THRESHOLDS, torch.tensor([0.0, -1.0])).tolist() == [True, False, True]


@given(st.integers(0, 1000), st.floats(0.01, 3.0))
def test_a_rotation_turns_by_its_angle_and_keeps_the_length(seed: int, angle: float) -> None:
    rows, towards = latents(3, seed).double(), latents(3, seed + 1).double()
    begun = on_sphere(rows)
    turned = rotated(begun, towards, angle)
    assert torch.allclose(turned.norm(dim=1), begun.norm(dim=1))
    assert torch.allclose(angles(begun, turned).double(), torch.full((3,), angle).double(), atol=1e-5)


def test_films_in_canonical_form_are_those_that_are_kept() -> None:
    films = 0.5 * torch.sin(torch.arange(256.0)).reshape(1, 1, 16, 16)
    kept, values = in_canonical_form(torch.cat([films, torch.zeros(1, 1, 16, 16)]))
    assert kept[1] is None
    assert kept[0] is not None
    assert kept[0].dtype == np.uint16
    assert np.array_equal(np.rint((values[0, 0].numpy() + 1) * 32767.5).astype(np.uint16), kept[0])
    assert (int(kept[0].min()), int(kept[0].max())) == (0, 65535)


# The straight direction


def test_the_direction_is_that_in_which_the_finding_grows() -> None:
    rows = latents(2000)
    logits = torch.stack([on_sphere(rows)[:, 3], -on_sphere(rows)[:, 5]], dim=1)
    direction = direction_of(rows, logits, torch.tensor([1.0, -1.0]))
    expected = torch.zeros(LATENT)
    expected[[3, 5]] = 1.0
    assert torch.nn.functional.cosine_similarity(direction, expected, dim=0) > 0.99


def test_an_edited_latent_goes_towards_the_direction_until_the_judges_are_content() -> None:
    direction = torch.zeros(LATENT)
    direction[0] = 1.0
    wanted = torch.tensor([1.0, 0.0])
    edited = edit(draw, [judge], wanted, THRESHOLDS, latents(8), direction, Steering(margin=0.5))
    assert edited.reached.all()
    assert (edited.scores[:, 0] >= 1.5).all()
    # Each turn is 0.15 radians, in the plane of latent and direction.
    assert torch.allclose(edited.distance, 0.15 * edited.steps, atol=1e-3)
    assert edited.forward_equivalents == 2 * (8 + int(edited.steps.sum()))
