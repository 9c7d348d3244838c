"""Drawing: a film is its seed's, in the canonical form, from the generator that the description speaks of."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy import stats

from gan.checkpoint import describe, save_generator
from gan.drawing import Drawer, truncated
from gan.networks import Generator
from gan.pixels import canonical
from tests.gan.made import small_cache, small_config


@pytest.fixture
def generator(tmp_path: Path) -> Path:
    torch.manual_seed(4)
    config = small_config(resolution=16)
    network = Generator(16, config.latent, config.fmap_base, config.fmap_max)
    path = tmp_path / "generator.safetensors"
    save_generator(path, dict(network.state_dict()), describe(config, small_cache(tmp_path), 400))
    return path


def test_a_film_depends_on_its_seed_alone(generator: Path) -> None:
    drawer = Drawer(generator)
    together = drawer.draw([5, 6, 7, 2**40])
    for index, seed in enumerate([5, 6, 7, 2**40]):
        assert torch.equal(together[index], Drawer(generator).draw([seed])[0])
    assert len({film.numpy().tobytes() for film in together}) == 4


def test_films_come_out_in_the_canonical_form(generator: Path) -> None:
    drawer = Drawer(generator)
    for film, raw in zip(drawer.films([1, 2]), drawer.draw([1, 2]), strict=True):
        assert (film.dtype, film.shape) == (np.uint16, (16, 16))
        assert (film.min(), film.max()) == (0, 65535)
        assert np.array_equal(film, canonical(raw[0].clamp(-1, 1).numpy()))


def test_a_drawer_knows_what_its_generator_was_trained_on(generator: Path, tmp_path: Path) -> None:
    drawer = Drawer(generator)
    assert drawer.provenance == small_cache(tmp_path).provenance
    assert (drawer.images, drawer.levels, drawer.resolution, drawer.patient_key) == (400, 65536, 16, None)
    assert drawer.config == small_config(resolution=16)


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
