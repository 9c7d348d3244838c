"""Films in, features out: weights-free texture, and any TorchScript file by its path."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from scipy import linalg

from evaluation.__main__ import main
from evaluation.images.extractors import Texture, TorchScript, describe, extractor_of
from gan.folder import read_canonical
from gan.phantom.film import render
from gan.phantom.patient import sample_phantom
from gan.pixels import Film

pytestmark = pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning")


class Pooled(torch.nn.Module):
    """Means over a grid of each channel: knows pixels, channels and side."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return torch.nn.functional.adaptive_avg_pool2d(images, 5)


class Failing(torch.nn.Module):
    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return images.reshape(7, 7)


class Infinite(torch.nn.Module):
    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return images[:, 0, 0] / 0


class Viewed(torch.nn.Module):
    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return images.view(images.shape[0], -1)


class Pair(torch.nn.Module):
    def forward(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return images, images


@pytest.fixture(scope="module")
def films() -> list[Film]:
    return [render(sample_phantom(seed), 64) for seed in range(3)]


def scripted(folder: Path, module: torch.nn.Module) -> Path:
    path = folder / f"{type(module).__name__.lower()}.pt"
    torch.jit.script(module).save(str(path))
    return path


def test_texture_gives_the_same_features_again_in_any_company(films: list[Film]) -> None:
    together = Texture().features(films)
    assert together.shape == (3, 64)
    assert np.array_equal(together[1:2], Texture().features([films[1].copy()]))
    assert not np.array_equal(together[0], together[1])


@pytest.mark.parametrize("side", [16, 128, 200])
def test_texture_takes_films_of_any_side(side: int) -> None:
    film = np.random.default_rng(1).integers(0, 65536, (side, side), dtype=np.uint16)
    black = np.zeros((side, side), dtype=np.uint16)
    assert np.isfinite(Texture().features([film, black])).all()


def test_texture_tells_a_blurred_film_from_a_sharp_one_more_than_two_sizes_of_one(films: list[Film]) -> None:
    film = render(sample_phantom(7), 128)
    rough = np.clip(film + np.random.default_rng(1).normal(0, 3000, film.shape), 0, 65535).astype(np.uint16)
    smaller = np.asarray(Image.fromarray(film.astype(np.float32)).resize((96, 96), Image.Resampling.BICUBIC))
    rows = Texture().features([film, rough, np.clip(smaller, 0, 65535).astype(np.uint16)])
    assert np.linalg.norm(rows[1] - rows[0]) > np.linalg.norm(rows[2] - rows[0])


def test_a_torchscript_file_sees_what_pillow_would_give_it(tmp_path: Path, films: list[Film]) -> None:
    """The reference: Pillow's bicubic on floating-point greys, 299 × 299, grey three times."""
    path = scripted(tmp_path, Pooled())
    progress: list[tuple[int, int]] = []
    rows = TorchScript(path).features(films, lambda done, total: progress.append((done, total)))
    expected = []
    for film in films:
        grey = Image.fromarray(film.astype(np.float32)).resize((299, 299), Image.Resampling.BICUBIC)
        values = np.clip(np.asarray(grey), 0, 65535) * 255 / 65535
        image = torch.from_numpy(np.repeat(values[None, None], 3, axis=1))
        expected.append(torch.nn.functional.adaptive_avg_pool2d(image, 5).flatten().numpy())
    assert rows.shape == (3, 75)
    assert np.allclose(rows, expected, rtol=1e-4)
    assert progress == [(3, 3)]


def test_an_extractor_says_what_it_is(tmp_path: Path) -> None:
    path = scripted(tmp_path, Pooled())
    about = describe(extractor_of(str(path)), 75)
    assert about["name"] == "pooled"
    assert about["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert about["dim"] == 75
    assert "299 × 299" in about["resize"]
    texture = describe(extractor_of("texture"), 64)
    assert (texture["name"], texture["sha256"]) == ("texture", None)


def test_what_is_no_torchscript_is_refused(tmp_path: Path) -> None:
    words, weights = tmp_path / "words.pt", tmp_path / "weights.pt"
    words.write_text("not a network")
    torch.save(Pooled().state_dict(), weights)
    for path in (words, weights):
        with pytest.raises(ValueError, match=f"{path} is not a TorchScript file"):
            extractor_of(str(path))
    with pytest.raises(ValueError, match="There is no extractor at nowhere; give texture, raw, "):
        extractor_of("nowhere")


@pytest.mark.parametrize(
    ("module", "message"),
    [(Infinite(), "not finite"), (Failing(), "cannot be run on images"), (Pair(), "one row of features")],
)
def test_a_network_that_gives_no_features_is_refused(
    tmp_path: Path, films: list[Film], module: Any, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        TorchScript(scripted(tmp_path, module)).features(films)


def test_features_and_distance_are_those_of_a_loop_with_pillow(tmp_path: Path) -> None:
    """The reference: Pillow in floating point, bicubic, 299 × 299, grey three times, and scipy's root of a matrix."""
    torch.manual_seed(3)
    network = torch.nn.Sequential(
        torch.nn.Conv2d(3, 8, 5, stride=4), torch.nn.ReLU(), torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten()
    )
    path = tmp_path / "seeded.pt"
    torch.jit.script(network).save(str(path))
    expected = []
    for name, first in (("real", 0), ("fake", 40)):
        (tmp_path / name).mkdir()
        rows = []
        for seed in range(first, first + 12):
            Image.fromarray(render(sample_phantom(seed), 96)).save(tmp_path / name / f"{seed}.png")
            film = read_canonical(tmp_path / name / f"{seed}.png").astype(np.float32)
            grey = np.asarray(Image.fromarray(film).resize((299, 299), Image.Resampling.BICUBIC))
            images = torch.from_numpy(np.clip(grey, 0, 65535) * np.float32(255 / 65535)).expand(1, 3, -1, -1)
            rows.append(network(images).detach().numpy()[0])
        expected.append(np.array(rows, dtype=np.float64))
    written = tmp_path / "features.npy"
    cache = ["--cache", str(tmp_path / "cache"), "--extractor", str(path)]
    assert main(["features", str(tmp_path / "real"), "--out", str(written), *cache]) == 0
    names = (tmp_path / "features.csv").read_text().splitlines()[1:]
    order = [names.index(f"{seed}.png,") for seed in range(12)]
    assert np.allclose(np.load(written)[order], expected[0], rtol=1e-4, atol=1e-4)
    figures = tmp_path / "figures.json"
    assert main(["images", *(str(tmp_path / name) for name in ("real", "fake")), "--json", str(figures), *cache]) == 0
    root = linalg.sqrtm(np.cov(expected[0].T) @ np.cov(expected[1].T))
    apart = ((expected[0].mean(0) - expected[1].mean(0)) ** 2).sum()
    traces = np.trace(np.cov(expected[0].T) + np.cov(expected[1].T) - 2 * root.real)
    assert json.loads(figures.read_text())["frechet"] == pytest.approx(apart + traces, rel=1e-3)


def test_a_network_that_needs_the_plain_layout_gets_it(tmp_path: Path, films: list[Film]) -> None:
    rows = TorchScript(scripted(tmp_path, Viewed())).features(films)
    assert rows.shape == (3, 3 * 299 * 299)


def test_films_can_be_an_iterator_and_keep_their_order(tmp_path: Path) -> None:
    films = [np.full((4, 4), 1000 * number, dtype=np.uint16) for number in range(21)]
    rows = extractor_of("raw").features(iter(films))
    assert rows.shape == (21, 1024)
    assert np.allclose(rows.mean(1), np.arange(21) * 1000 / 65535)
    with pytest.raises(ValueError, match="no films"):
        extractor_of("raw").features([])
