"""Networks with weights: the published Inception, DINOv2 and the project's own classifier."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

from evaluation.classifiers.network import Description, network_of, save_classifier
from evaluation.images.extractors import extractor_of, inception
from evaluation.images.extractors.inception import Inception, fetch
from evaluation.images.extractors.inception_network import Inception2015
from gan.findings import FINDINGS
from gan.phantom.film import render
from gan.phantom.patient import sample_phantom
from gan.pixels import Film


@pytest.fixture(scope="module")
def films() -> list[Film]:
    return [render(sample_phantom(seed), 64) for seed in range(3)]


def as_pillow(film: Film, side: int) -> np.ndarray:
    """Greys 0 … 1 as Pillow resamples them in floating point."""
    grey = Image.fromarray(film.astype(np.float32)).resize((side, side), Image.Resampling.BICUBIC)
    return np.clip(np.asarray(grey), 0, 65535) / 65535


# Inception


@pytest.fixture(scope="module")
def seeded() -> dict[str, torch.Tensor]:
    """Random weights, of sizes at which no layer blows up or dies away."""
    weights = Inception2015().state_dict()
    generator = torch.Generator().manual_seed(2015)
    for name, tensor in weights.items():
        if tensor.dtype == torch.long:
            continue
        drawn = torch.randn(tensor.shape, generator=generator)
        if name.endswith("running_var"):
            tensor.copy_(0.5 + torch.rand(tensor.shape, generator=generator))
        elif tensor.ndim == 4:
            tensor.copy_(drawn * (2 / tensor[0].numel()) ** 0.5)
        elif name.endswith("bn.weight"):
            tensor.copy_(1 + 0.1 * drawn)
        else:
            tensor.copy_(0.1 * drawn)
    return weights


@pytest.fixture
def as_published(seeded: dict[str, torch.Tensor], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file that stands for the published one, which cannot be shipped."""
    path = tmp_path / inception.STATE_DICT_FILE
    torch.save(seeded, path)
    monkeypatch.setattr(inception, "STATE_DICT", hashlib.sha256(path.read_bytes()).hexdigest())
    return path


def test_the_inception_has_the_parts_of_the_published_state_dict(seeded: dict[str, torch.Tensor]) -> None:
    assert len(seeded) == 566
    # torchvision's Inception-v3 without its auxiliary classes, and eight classes more.
    assert sum(parameter.numel() for parameter in Inception2015().parameters()) == 23_834_568 + 8 * 2049
    assert seeded["fc.weight"].shape == (1008, 2048)
    assert seeded["Mixed_7c.branch3x3dbl_3b.bn.running_var"].shape == (384,)


def test_the_inception_computes_what_torch_fidelity_does(seeded: dict[str, torch.Tensor]) -> None:
    """Expected: torch-fidelity 0.4.0, inception-v3-compat, with these weights and this input."""
    network = Inception2015().eval()
    network.load_state_dict(seeded)
    noise = torch.randint(0, 256, (2, 3, 299, 299), generator=torch.Generator().manual_seed(1), dtype=torch.uint8)
    with torch.inference_mode():
        rows = network(noise.float())
    expected = [[0.3132988, 1.7947851, 5.0324268, 8.6108637], [0.2901755, 1.8234069, 5.0232468, 8.6624994]]
    assert rows.shape == (2, 2048)
    assert np.allclose(rows[:, [0, 1, 1000, 2047]], expected, rtol=1e-4)
    assert np.allclose(rows.norm(dim=1), [223.122864, 222.181412], rtol=1e-5)


def test_the_published_file_is_known_by_its_hash_and_given_bytes(
    as_published: Path, seeded: dict[str, torch.Tensor], films: list[Film]
) -> None:
    extractor = extractor_of(str(as_published))
    assert (extractor.name, extractor.version) == ("inception", "2015-12-05")
    assert extractor.sha256 == hashlib.sha256(as_published.read_bytes()).hexdigest()
    assert "299 × 299, 0 … 255 as bytes, grey three times" in extractor.rule
    network = Inception2015().eval()
    network.load_state_dict(seeded)
    greys = np.rint(as_pillow(films[0], 299) * 255).astype(np.float32)
    with torch.inference_mode():
        expected = network(torch.from_numpy(np.repeat(greys[None, None], 3, axis=1)))
    assert np.allclose(extractor.features(films[:1]), expected, rtol=1e-4, atol=1e-4)


def test_another_state_dict_is_not_opened(tmp_path: Path) -> None:
    path = tmp_path / inception.STATE_DICT_FILE
    torch.save({"weight": torch.zeros(1)}, path)
    with pytest.raises(ValueError, match=f"{path} is not the published {inception.STATE_DICT_FILE}"):
        Inception(path)
    with pytest.raises(ValueError, match=f"{path} is not a TorchScript file"):
        extractor_of(str(path))


def test_the_inception_is_taken_by_name_from_the_folder_of_weights(
    as_published: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EVALUATION_WEIGHTS", str(as_published.parent))
    assert extractor_of("inception").name == "inception"


def test_weights_are_fetched_once_whole_and_checked(tmp_path: Path) -> None:
    there, path = tmp_path / "there", tmp_path / "weights" / "here"
    there.write_bytes(b"weights")
    with pytest.raises(ValueError, match="is not the published file: its SHA-256 is"):
        fetch(there.as_uri(), "0" * 64, path)
    assert not list(path.parent.iterdir())
    fetch(there.as_uri(), hashlib.sha256(b"weights").hexdigest(), path)
    assert path.read_bytes() == b"weights"
    assert list(path.parent.iterdir()) == [path]


def test_without_a_network_it_says_what_to_put_where(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EVALUATION_WEIGHTS", str(tmp_path))
    monkeypatch.setattr(inception, "URL", "http://127.0.0.1:9/weights.pth")
    with pytest.raises(ValueError, match=r"cannot be fetched .*; fetch http://.* and put it there.*EVALUATION_WEIGHTS"):
        extractor_of("inception")


# DINOv2


@pytest.fixture
def dino(tmp_path: Path) -> Path:
    transformers = pytest.importorskip("transformers", reason="requirements-dino.txt is not installed")
    torch.manual_seed(1)
    sizes = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}
    network = transformers.Dinov2Model(transformers.Dinov2Config(image_size=56, patch_size=14, **sizes))
    folder = tmp_path / "tiny-dino"
    network.save_pretrained(folder)
    prepared = {"crop_size": {"height": 56, "width": 56}, "image_mean": [0.5307] * 3, "image_std": [0.2583] * 3}
    (folder / "preprocessor_config.json").write_text(json.dumps(prepared))
    return folder


def test_a_folder_of_hugging_face_gives_the_pooled_output_of_the_whole_film(dino: Path, films: list[Film]) -> None:
    from transformers import Dinov2Model

    extractor = extractor_of(str(dino))
    rows = extractor.features(films)
    greys = (as_pillow(films[2], 56) - 0.5307) / 0.2583
    with torch.inference_mode():
        images = torch.from_numpy(np.repeat(greys[None, None], 3, axis=1)).float()
        expected = Dinov2Model.from_pretrained(dino)(images).last_hidden_state[0, 0]
    assert rows.shape == (3, 32)
    assert np.allclose(rows[2], expected, rtol=1e-4, atol=1e-4)
    assert extractor.sha256 == hashlib.sha256((dino / "model.safetensors").read_bytes()).hexdigest()
    assert "56 × 56" in extractor.rule
    assert "[0.5307" in extractor.rule


def test_a_folder_without_such_a_network_is_refused(dino: Path) -> None:
    (dino / "model.safetensors").rename(dino / "pytorch_model.bin")
    with pytest.raises(ValueError, match=r"lacks model\.safetensors; weights in another form are not loaded"):
        extractor_of(str(dino))
    (dino / "preprocessor_config.json").write_text("{}")
    (dino / "pytorch_model.bin").rename(dino / "model.safetensors")
    with pytest.raises(ValueError, match=r"preprocessor_config\.json has no crop_size"):
        extractor_of(str(dino))
    (dino / "config.json").write_text('{"model_type": "bert"}')
    with pytest.raises(ValueError, match="holds a bert, not one of dinov2"):
        extractor_of(str(dino))
    with pytest.raises(ValueError, match=r"config\.json cannot be read"):
        extractor_of(str(dino.parent))


# The project's own classifier


@pytest.fixture
def classifier(tmp_path: Path) -> Path:
    torch.manual_seed(2)
    path = tmp_path / "chest.safetensors"
    ones, zeros = (1.0,) * len(FINDINGS), (0.0,) * len(FINDINGS)
    about = Description("densenet121", 64, tuple(FINDINGS), ones, zeros, (), (), {}, {})
    save_classifier(path, network_of("densenet121", len(FINDINGS)), about)
    return path


def test_the_classifier_gives_what_its_last_layer_sees(classifier: Path, films: list[Film]) -> None:
    from safetensors.torch import load_file

    network = network_of("densenet121", len(FINDINGS)).eval()
    network.load_state_dict(load_file(classifier))
    seen: list[torch.Tensor] = []
    network.class_layers.out.register_forward_hook(lambda _module, given, _logits: seen.append(given[0]))
    with torch.inference_mode():
        network(torch.from_numpy(films[0].astype(np.float32) / 65535 * 2 - 1)[None, None])
    extractor = extractor_of(str(classifier))
    rows = extractor.features(films)
    assert rows.shape == (3, 1024)
    assert np.allclose(rows[0], seen[0][0], rtol=1e-4, atol=1e-5)
    assert (extractor.name, extractor.version) == ("chest", "densenet121 2")
    assert "64 × 64, -1 … 1 as float, one channel" in extractor.rule


def test_weights_that_are_not_the_described_ones_are_refused(classifier: Path) -> None:
    about = json.loads(classifier.with_suffix(".json").read_text())
    save_file({"weight": torch.zeros(1)}, classifier)
    with pytest.raises(ValueError, match=r"are not those that .*chest\.json describes"):
        extractor_of(str(classifier))
    about["sha256"] = hashlib.sha256(classifier.read_bytes()).hexdigest()
    classifier.with_suffix(".json").write_text(json.dumps(about))
    with pytest.raises(ValueError, match="are not of a densenet121"):
        extractor_of(str(classifier))
    classifier.with_suffix(".json").write_text('{"version": 1}')
    with pytest.raises(ValueError, match="lacks films, findings, held_out, network, patients"):
        extractor_of(str(classifier))
    classifier.with_suffix(".json").unlink()
    with pytest.raises(ValueError, match=r"chest\.json does not describe a classifier"):
        extractor_of(str(classifier))
