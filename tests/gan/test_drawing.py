"""Drawing: a film is its seed's, in the canonical form, from the generator that the description speaks of."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy import stats

from gan.checkpoint import describe, save_generator
from gan.config import TrainingConfig
from gan.drawing import BLOCK, Drawer, on_circle, truncated
from gan.networks import Generator
from gan.pixels import canonical
from tests.gan.made import small_cache, small_config

PRETRAINED = Path(__file__).parents[2] / "gan" / "pretrained" / "phantoms-128.safetensors"
CONFIG = small_config(resolution=16)
# The schedule of CONFIG: 100 images, 20 each for 4², the fade of 8², 8², the fade of 16² and 16².
DONE = 100


@pytest.fixture
def generator(tmp_path: Path) -> Path:
    return write_generator(tmp_path / "generator.safetensors", DONE)


def write_generator(path: Path, images: int, config: TrainingConfig = CONFIG) -> Path:
    torch.manual_seed(4)
    network = Generator(config.resolution, config.latent, config.fmap_base, config.fmap_max)
    save_generator(path, dict(network.state_dict()), describe(config, small_cache(path.parent), images))
    return path


def test_a_film_depends_on_its_seed_alone(generator: Path) -> None:
    drawer = Drawer(generator)
    together = drawer.draw([5, 6, 7, 2**40])
    for index, seed in enumerate([5, 6, 7, 2**40]):
        assert torch.equal(together[index], Drawer(generator).draw([seed])[0])
    assert len({film.numpy().tobytes() for film in together}) == 4


@pytest.mark.parametrize("size", [1, 4])
def test_a_film_is_computed_among_the_same_neighbours_whoever_asks(
    generator: Path, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    monkeypatch.setitem(BLOCK, "cpu", size)
    drawer = Drawer(generator)
    whole = dict(zip(range(12), drawer.draw(range(12)), strict=True))
    computed: list[torch.Tensor] = []
    drawer.network.register_forward_pre_hook(lambda network, inputs: computed.append(inputs[0]))
    for seeds in ([6], [3, 4], [11, 0, 5], list(range(1, 12)), [7, 7]):
        for seed, film in zip(seeds, drawer.draw(seeds), strict=True):
            assert torch.equal(film, whole[seed])
    for latents in computed:
        assert any(torch.equal(latents, drawer.latents(range(first, first + size))) for first in range(0, 12, size))


def test_a_film_does_not_depend_on_the_number_of_threads() -> None:
    """A convolution that is shared out between two threads rounds differently: these do from 64² on."""
    drawer = Drawer(PRETRAINED)
    films = {}
    for threads in (1, 2, 3):
        torch.set_num_threads(threads)
        films[threads] = drawer.draw(range(3))
        assert torch.get_num_threads() == threads
    torch.set_num_threads(1)
    assert torch.equal(films[1], films[2])
    assert torch.equal(films[1], films[3])


@pytest.mark.parametrize("size", [1, 4])
def test_processes_share_seeds_in_whole_blocks(generator: Path, monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    monkeypatch.setitem(BLOCK, "cpu", size)
    drawer = Drawer(generator)
    shares = [drawer.share(range(3, 50), rank, 3) for rank in range(3)]
    assert sorted(seed for share in shares for seed in share) == list(range(3, 50))
    blocks = [{seed // size for seed in share} for share in shares]
    assert all(a.isdisjoint(b) for a, b in ((blocks[0], blocks[1]), (blocks[1], blocks[2]), (blocks[0], blocks[2])))


@pytest.mark.parametrize(("images", "side", "alpha"), [(10, 4, 1.0), (25, 8, 0.25), (50, 8, 1.0), (70, 16, 0.5)])
def test_a_generator_from_the_middle_of_a_training_draws_as_far_as_it_has_grown(
    tmp_path: Path, images: int, side: int, alpha: float
) -> None:
    drawer = Drawer(write_generator(tmp_path / "half.safetensors", images))
    assert (drawer.resolution, drawer.phase.alpha) == (side, alpha)
    films = drawer.draw([1, 2])
    assert films.shape == (2, 1, side, side)
    expected = [drawer.network(drawer.latents([seed]), side, alpha)[0] for seed in (1, 2)]
    assert torch.equal(films, torch.stack(expected))
    if alpha < 1:
        assert not torch.equal(films, torch.cat([drawer.network(drawer.latents([s]), side) for s in (1, 2)]))


def test_the_way_between_latents_is_a_great_circle() -> None:
    start, end = torch.tensor([3.0, 0, 0]), torch.tensor([0.0, 5, 0])
    assert torch.equal(on_circle(start, end, 0.0), start)
    assert torch.equal(on_circle(start, end, 1.0), end)
    # A third of a right angle, and a third of the way from length 3 to length 5.
    length = 3 + 2 / 3
    third = torch.tensor([length * np.cos(np.pi / 6), length * np.sin(np.pi / 6), 0], dtype=torch.float32)
    assert torch.allclose(on_circle(start, end, 1 / 3), third, atol=1e-6)
    assert torch.equal(on_circle(start, start, 0.5), start)


def test_a_strip_leads_from_one_latents_film_to_the_others(generator: Path) -> None:
    drawer = Drawer(generator)
    start, end = drawer.latents([3, 9])
    strip = drawer.strip(start, end, 5)
    first, last = drawer.films([3, 9])
    assert len(strip) == 5
    assert np.array_equal(strip[0], first)
    assert np.array_equal(strip[-1], last)
    assert len({film.tobytes() for film in strip}) == 5
    with pytest.raises(ValueError, match="at least 2 films"):
        drawer.strip(start, end, 1)
    with pytest.raises(ValueError, match="draws from latents of"):
        drawer.strip(start[1:], end[1:], 2)


def test_films_come_out_in_the_canonical_form(generator: Path) -> None:
    drawer = Drawer(generator)
    for film, raw in zip(drawer.films([1, 2]), drawer.draw([1, 2]), strict=True):
        assert (film.dtype, film.shape) == (np.uint16, (16, 16))
        assert (film.min(), film.max()) == (0, 65535)
        assert np.array_equal(film, canonical(raw[0].clamp(-1, 1).numpy()))


def test_a_drawer_knows_what_its_generator_was_trained_on(generator: Path, tmp_path: Path) -> None:
    drawer = Drawer(generator)
    assert drawer.provenance == small_cache(tmp_path).provenance
    assert (drawer.images, drawer.levels, drawer.resolution, drawer.patient_key) == (DONE, 65536, 16, None)
    assert drawer.config == CONFIG


def test_films_can_be_followed_back_to_their_latents(generator: Path) -> None:
    drawer = Drawer(generator)
    latents = drawer.latents([3]).requires_grad_()
    drawer.draw_latents(latents).sum().backward()
    assert latents.grad is not None
    assert latents.grad.any()
    assert not any(parameter.requires_grad for parameter in drawer.network.parameters())


def test_truncation_one_changes_nothing_and_less_keeps_nearer_to_zero(generator: Path) -> None:
    drawer = Drawer(generator)
    assert torch.equal(drawer.draw([1], 1.0), drawer.draw([1]))
    assert not torch.equal(drawer.draw([1], 0.5), drawer.draw([1]))
    latents = torch.randn(20_000, generator=torch.Generator().manual_seed(0))
    for truncation, bound in ((0.5, 2.0), (0.2, 0.5)):
        cut = truncated(latents, truncation)
        assert cut.abs().max() <= bound
        # The order stays, and the distribution is the normal one cut at the bound.
        assert torch.equal(cut.argsort(), latents.argsort())
        assert stats.kstest(cut.numpy(), stats.truncnorm(-bound, bound).cdf).pvalue > 0.001
    assert torch.allclose(truncated(latents, 0.999), latents, atol=1e-5)


@pytest.mark.parametrize("truncation", [0, -1, 1.01, float("nan")])
def test_an_impossible_truncation_is_refused(generator: Path, truncation: float) -> None:
    with pytest.raises(ValueError, match="Truncation lies above 0 and up to 1"):
        Drawer(generator).draw([1], truncation)


def test_a_description_of_other_weights_is_refused(generator: Path, tmp_path: Path) -> None:
    other = Generator(16, 8, 16, 8)
    path = tmp_path / "other" / "generator.safetensors"
    save_generator(path, dict(other.state_dict()), json.loads(generator.with_suffix(".json").read_text()))
    path.with_suffix(".json").write_bytes(generator.with_suffix(".json").read_bytes())
    with pytest.raises(ValueError, match=r"speaks of other weights than .*copy both files from the same run again"):
        Drawer(path)


def test_a_description_of_another_network_is_refused(generator: Path) -> None:
    beside = generator.with_suffix(".json")
    said = json.loads(beside.read_text())
    beside.write_text(json.dumps(said | {"config": said["config"] | {"latent": 9}}))
    with pytest.raises(ValueError, match="does not hold the network that its"):
        Drawer(generator)


def test_a_missing_file_is_named(generator: Path, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"nowhere\.safetensors does not exist; a generator is"):
        Drawer(tmp_path / "nowhere.safetensors")
    generator.with_suffix(".json").unlink()
    with pytest.raises(FileNotFoundError, match=r"generator\.json does not exist; a generator is"):
        Drawer(generator)
