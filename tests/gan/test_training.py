"""The training: its losses, its average, its order of films, and how it ends when something is wrong."""

from __future__ import annotations

import json
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from gan import training
from gan.cache import FilmCache
from gan.checkpoint import checkpoints, load_checkpoint, sha256
from gan.config import TrainingConfig
from gan.feed import Feed
from gan.hardware import PROCESSOR, Hardware, has_compiler
from gan.networks import Discriminator
from gan.objectives import gradient_penalty
from gan.parallel import Ranks
from gan.schedule import Phase, phase_at
from gan.state import TrainingDiverged, TrainingState
from gan.stopping import TrainingStopped
from gan.training import Figures, read, train
from tests.gan.made import small_cache, small_config
from tests.gan.test_checkpoint import full_disk


@pytest.fixture
def cache(tmp_path: Path) -> FilmCache:
    return small_cache(tmp_path)


class Linear(nn.Module):
    """A discriminator whose gradient is the same at every film: its weights."""

    def __init__(self, weights: Tensor) -> None:
        super().__init__()
        self.weights = nn.Parameter(weights)

    def forward(self, films: Tensor, resolution: int, alpha: float) -> Tensor:
        return (films * self.weights).sum(dim=(1, 2, 3))


def random_discriminator() -> Discriminator:
    torch.manual_seed(0)
    network = Discriminator(4, 16, 8)
    for parameter in network.parameters():
        nn.init.normal_(parameter)
    return network


def gradient_by_differences(score: Callable[[Tensor], Tensor], films: Tensor, step: float = 1e-3) -> Tensor:
    gradient = torch.zeros_like(films)
    for index in np.ndindex(*films.shape):
        moved = [films.clone(), films.clone()]
        moved[0][index] += step
        moved[1][index] -= step
        gradient[index] = (score(moved[0]) - score(moved[1])) / (2 * step)
    return gradient


def test_the_gradient_penalty_of_a_linear_score_is_known() -> None:
    """A norm of 0.2 · √64 = 1.6 at every film: (1.6 − 1)²."""
    D = Linear(torch.full((1, 8, 8), 0.2))
    penalty = gradient_penalty(D, torch.randn(5, 1, 8, 8), Phase(8, 1.0))  # type: ignore[arg-type]
    assert penalty.item() == pytest.approx(0.36)
    penalty.backward()
    # d (64 w² + …): 2 (‖w‖ − 1) w / ‖w‖ for each of the weights.
    assert torch.allclose(D.weights.grad, torch.tensor(2 * 0.6 * 0.2 / 1.6))  # type: ignore[arg-type]


def test_the_gradient_penalty_agrees_with_finite_differences() -> None:
    D = random_discriminator().double()
    films = torch.rand(4, 1, 4, 4, dtype=torch.float64) * 2 - 1
    with torch.no_grad():
        gradient = gradient_by_differences(lambda x: D(x, 4).sum(), films)
    expected = (gradient.flatten(1).norm(dim=1) - 1).square().mean()
    assert gradient_penalty(D, films, Phase(4, 1.0)).item() == pytest.approx(expected.item(), rel=0.02)


def first_losses(cache: FilmCache, **changes: object) -> Figures:
    """What the very first step says; networks, films and noise are the same whatever the changes."""
    return stepped(TrainingState(small_config(**changes), cache))


def stepped(state: TrainingState) -> Figures:
    state.step()
    return read(state)


def reals_and_scores(cache: FilmCache, **changes: object) -> tuple[Discriminator, Tensor]:
    """The discriminator before its first step, and the films of that step: all four of the cache."""
    state = TrainingState(small_config(**changes), cache)
    return state.D, cache.films(np.arange(4), 4)


def test_r1_is_half_gamma_times_the_mean_squared_gradient_at_real_films(cache: FilmCache) -> None:
    # With a rate of almost nothing the step before the penalty's leaves the discriminator as it is.
    still: dict[str, Any] = {"loss": "non-saturating-r1", "rate": 1e-12}
    D, reals = reals_and_scores(cache, **still)
    with torch.no_grad():
        gradient = gradient_by_differences(lambda x: D(x, 4).sum(), reals, step=1e-2)
    squared = gradient.square().sum(dim=(1, 2, 3)).mean().item()
    base = first_losses(cache, **still, r1_gamma=1.0).loss_d
    for gamma, interval in ((3.0, 16), (1.0, 32)):
        change = first_losses(cache, **still, r1_gamma=gamma, r1_interval=interval).loss_d - base
        assert change == pytest.approx(0.5 * (gamma * interval - 16) * squared, rel=0.02)
    # Unless it is given, gamma follows the resolution and the minibatch: 0.0002 · 4² / 4.
    assert first_losses(cache, **still).loss_d == first_losses(cache, **still, r1_gamma=0.0008).loss_d


def test_r1_is_computed_in_every_sixteenth_step(cache: FilmCache) -> None:
    state = TrainingState(small_config(loss="non-saturating-r1", r1_gamma=1e9, kimg=1000), cache)
    losses = [stepped(state).loss_d for _ in range(34)]
    assert [step for step, loss in enumerate(losses) if loss > 1e5] == [0, 16, 32]


def test_the_loss_of_wgan_gp_holds_penalty_and_drift(cache: FilmCache) -> None:
    D, reals = reals_and_scores(cache)
    with torch.no_grad():
        drift = D(reals, 4).square().mean().item()
    plain = first_losses(cache, drift=0, gradient_penalty=0)
    assert first_losses(cache, drift=2, gradient_penalty=0).loss_d - plain.loss_d == pytest.approx(2 * drift, rel=1e-4)
    one, ten = (first_losses(cache, drift=0, gradient_penalty=weight).loss_d - plain.loss_d for weight in (1, 10))
    assert one > 0
    assert ten == pytest.approx(10 * one, rel=1e-3)


def test_the_average_has_its_half_life_in_images(cache: FilmCache) -> None:
    """After two steps of four images, with a half-life of eight, half of the average is the beginning."""
    state = TrainingState(small_config(ema_kimg=0.008), cache)
    weights = [deepcopy(state.G.state_dict())]
    for _ in range(2):
        state.step()
        weights.append(deepcopy(state.G.state_dict()))
    left = 0.5**0.5
    for name, average in state.average.state_dict().items():
        first, second, third = (at[name] for at in weights)
        expected = 0.5 * first + (1 - left) * left * second + (1 - left) * third
        assert torch.allclose(average, expected, atol=1e-6)


def test_each_epoch_shows_every_film_once_in_an_order_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = small_cache(tmp_path, count=10)
    monkeypatch.setattr(FilmCache, "films", lambda self, indices, resolution: torch.from_numpy(indices))
    orders = []
    for seed in (0, 1):
        feed = Feed(cache, seed, Ranks(), PROCESSOR)
        shown = torch.cat([feed.films(4 * step, 4, 8) for step in range(10)]).tolist()
        epochs = [tuple(shown[start : start + 10]) for start in range(0, 40, 10)]
        assert all(sorted(epoch) == list(range(10)) for epoch in epochs)
        orders += epochs
    assert len(set(orders)) == 8


def test_what_is_read_ahead_gives_way_where_the_next_step_asks_for_something_else(tmp_path: Path) -> None:
    cache = small_cache(tmp_path, count=10)
    feed, fresh = (Feed(cache, 0, Ranks(), PROCESSOR) for _ in range(2))
    feed.films(0, 4, 8)
    for asked in ((4, 4, 4), (40, 4, 4), (44, 8, 4)):
        assert torch.equal(feed.films(*asked), fresh.films(*asked))


def test_adam_begins_anew_with_every_phase(cache: FilmCache) -> None:
    """100 images: stable at 4² up to 33.3, fading to 66.7, then stable at 8². So steps 9 and 17 are the first ones."""
    state = TrainingState(small_config(), cache)
    counts = []
    for _ in range(25):
        state.step()
        (first, *_), (of_d, *_) = (list(o.state.values()) for o in (state.optimiser_g, state.optimiser_d))
        assert first["step"] == of_d["step"]
        counts.append(int(first["step"]))
    assert counts == [*range(1, 10), *range(1, 9), *range(1, 9)]


def test_films_of_another_size_are_refused(cache: FilmCache, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="The cache holds films of 8² but the training asks for 16²"):
        train(small_config(resolution=16), cache, tmp_path / "run")


def test_a_run_is_continued_only_when_asked_and_only_as_it_was(cache: FilmCache, tmp_path: Path) -> None:
    run = tmp_path / "run"
    with pytest.raises(TrainingStopped, match=r"Stopped after 4 images; saved in .*checkpoint-0000000004\."):
        train(small_config(), cache, run, should_stop=lambda: True)
    before = checkpoints(run)
    with pytest.raises(FileExistsError, match="holds checkpoints already; continue them with --resume"):
        train(small_config(), cache, run)
    with pytest.raises(ValueError, match="another configuration"):
        train(small_config(seed=1), cache, run, resume=True)
    with pytest.raises(ValueError, match="other films"):
        train(small_config(), small_cache(tmp_path / "other", seed=1), run, resume=True)
    assert checkpoints(run) == before


def test_the_generator_says_what_it_was_trained_on(cache: FilmCache, tmp_path: Path) -> None:
    path = train(small_config(kimg=0.01), cache, tmp_path / "run")
    said = json.loads(path.with_suffix(".json").read_text())
    assert [row["film_hash"] for row in said["films"]] == [row.film_hash for row in cache.provenance]
    assert (said["images"], said["levels"]) == (12, 65536)
    assert TrainingConfig.from_json(said["config"]) == small_config(kimg=0.01)


def stopped_after(images: int, config: TrainingConfig, cache: FilmCache, run: Path) -> None:
    shown = [0]

    def progress(figures: Figures) -> None:
        shown[0] = figures.images

    with pytest.raises(TrainingStopped):
        train(config, cache, run, progress=progress, should_stop=lambda: shown[0] >= images)


@pytest.mark.parametrize("loss", ["wgan-gp", "non-saturating-r1"])
def test_losses_that_are_not_finite_end_the_training_and_leave_the_checkpoint(
    cache: FilmCache, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, loss: str
) -> None:
    run, config = tmp_path / "run", small_config(loss=loss)
    stopped_after(8, config, cache, run)
    there = checkpoints(run)
    with monkeypatch.context() as patched:
        patched.setattr(FilmCache, "films", lambda self, indices, size: torch.full((4, 1, size, size), torch.nan))
        with pytest.raises(TrainingDiverged, match="no longer finite after 12 images"):
            train(config, cache, run, resume=True)
    assert list(run.iterdir()) == there
    assert all(value.isfinite().all() for value in load_checkpoint(there[0])[0].values())
    assert train(config, cache, run, resume=True).exists()


@pytest.mark.parametrize("network", ["G", "D", "average"])
def test_weights_that_are_not_finite_do_not_take_the_place_of_good_ones(
    cache: FilmCache, tmp_path: Path, network: str
) -> None:
    """A step can spoil them after its losses were computed, so no loss has shown it yet."""
    state = TrainingState(small_config(), cache)
    state.step()
    there = state.save(tmp_path / "run")
    figures = stepped(state)
    assert np.isfinite([figures.loss_d, figures.loss_g]).all()
    with torch.no_grad():
        next(getattr(state, network).parameters()).view(-1)[0] = torch.inf
    with pytest.raises(TrainingDiverged, match="no longer finite after 8 images"):
        state.save(tmp_path / "run")
    assert list((tmp_path / "run").iterdir()) == [there]


def test_a_full_disk_ends_the_training_only_at_its_end_and_leaves_the_checkpoint(
    cache: FilmCache, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    run, config = tmp_path / "run", small_config()
    stopped_after(8, config, cache, run)
    there = checkpoints(run)
    monkeypatch.setattr(training, "SECONDS_BETWEEN_CHECKPOINTS", 0)
    shown = []
    with full_disk(), pytest.raises(OSError, match="could not be written"):
        train(config, cache, run, resume=True, progress=lambda figures: shown.append(figures.images))
    assert shown == list(range(12, 104, 4))
    assert "its state after 12 images was not saved" in caplog.text
    assert "its snapshot after 32 images was not written" in caplog.text
    assert list(run.iterdir()) == there
    assert train(config, cache, run, resume=True).exists()


def test_a_longer_training_goes_on_where_the_shorter_one_ended(cache: FilmCache, tmp_path: Path) -> None:
    config = small_config(kimg=0.1)
    longer = config.prolonged(0.16)
    # The phases up to the end of the shorter one are as they were there.
    assert [phase_at(images, longer) for images in range(100)] == [phase_at(images, config) for images in range(100)]
    train(config, cache, tmp_path / "run")
    pieces = train(longer, cache, tmp_path / "run", resume=True)
    assert sha256(pieces) == sha256(train(longer, cache, tmp_path / "whole"))
    with pytest.raises(ValueError, match="another configuration"):
        train(config, cache, tmp_path / "run", resume=True)


def test_asked_for_more_images_a_run_of_the_same_preset_is_prolonged() -> None:
    begun = small_config(kimg=0.1)
    longer = begun.continued(small_config(kimg=0.16))
    assert (longer.kimg, longer) == (0.16, begun.prolonged(0.16))
    assert longer.continued(small_config(kimg=0.16)) == longer
    assert begun.continued(small_config(kimg=0.16, seed=2)) == small_config(kimg=0.16, seed=2)
    assert begun.continued(small_config(kimg=0.05)) == small_config(kimg=0.05)


def test_micro_batches_give_the_step_of_the_whole_batch(cache: FilmCache, tmp_path: Path) -> None:
    for loss in ("wgan-gp", "non-saturating-r1"):
        config = small_config(loss=loss, minibatch=((4, 16), (8, 16)), kimg=1)
        whole, parts = (TrainingState(config, cache, Hardware(micro_batch=size)) for size in (None, 4))
        for state in (whole, parts):
            for _ in range(3):
                state.step()
        for name, weight in whole.G.state_dict().items():
            assert torch.allclose(parts.G.state_dict()[name], weight, atol=2e-5), name
        assert read(parts).loss_d == pytest.approx(read(whole).loss_d, rel=1e-3)


@pytest.mark.skipif(not has_compiler(), reason="There is no C++ compiler here, which torch.compile needs.")
def test_compiled_networks_take_the_same_steps(cache: FilmCache) -> None:
    """Two steps stable at 4², two in the fade to 8², which is not compiled."""
    config = small_config(loss="non-saturating-r1", r1_interval=2, kimg=0.024)
    plain, compiled = (TrainingState(config, cache, Hardware(compile=compiled)) for compiled in (False, True))
    for _ in range(4):
        assert stepped(compiled).loss_d == pytest.approx(stepped(plain).loss_d, rel=1e-3)
    assert plain.phase.fading


@pytest.mark.parametrize(("largest", "films"), [(8, 4), (4, 32)])
def test_a_phase_that_does_not_fit_is_found_before_the_first_step(
    cache: FilmCache, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, largest: int, films: int
) -> None:
    """With 32 films of 4² it is not the last: 32 · 8 · 4² values of maps against 4 · (8 · 4² + 4 · 8²)."""
    forward = Discriminator.forward

    def short_of_memory(self: Discriminator, films: Tensor, resolution: int, alpha: float) -> Tensor:
        if resolution == largest:
            raise torch.OutOfMemoryError("too little")
        return forward(self, films, resolution, alpha)

    monkeypatch.setattr(Discriminator, "forward", short_of_memory)
    config = small_config(minibatch=((4, films), (8, 4)))
    said = f"The largest phase, {films} films of {largest}² a step, does not fit into the memory here"
    with pytest.raises(ValueError, match=said):
        train(config, cache, tmp_path / "run", progress=lambda figures: pytest.fail("It has begun."))


@pytest.mark.parametrize(
    ("processes", "micro_batch", "said"),
    [
        (8, None, "A minibatch of 12 does not divide among 8 processes"),
        (2, 4, "6 films do not divide into micro-batches of at most 4"),
    ],
)
def test_a_minibatch_that_does_not_divide_is_refused_before_the_first_step(
    cache: FilmCache, tmp_path: Path, processes: int, micro_batch: int | None, said: str
) -> None:
    """That of 4² does; the second weeks of a training are no time to learn that the next one does not."""
    with pytest.raises(ValueError, match=said):
        train(
            small_config(minibatch=((4, 8), (8, 12))),
            cache,
            tmp_path / "run",
            hardware=Hardware(micro_batch=micro_batch),
            ranks=Ranks(0, processes),
        )
