"""From what a user names to an extractor."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from evaluation.images.extractors import inception
from evaluation.images.extractors.densenet import DenseNet
from evaluation.images.extractors.dino import Dino
from evaluation.images.extractors.inception import Inception, published_weights
from evaluation.images.extractors.interface import Extractor
from evaluation.images.extractors.network import sha256_of
from evaluation.images.extractors.plain import Radiomic, Raw, Texture
from evaluation.images.extractors.torchscript import TorchScript

NAMED: dict[str, Callable[[], Extractor]] = {
    Texture.name: Texture,
    Raw.name: Raw,
    Radiomic.name: Radiomic,
    inception.NAME: lambda: _of_file(published_weights()),
}
CHOICES = (
    f"{', '.join(NAMED)}, or a path: of TorchScript, of the published Inception, of this project's classifier "
    "(.safetensors), or of a folder with DINOv2 or RAD-DINO"
)


def extractor_of(name_or_path: str) -> Extractor:
    """The extractor of that name, or of the file or folder at that path. Raises ValueError where it is neither."""
    if name_or_path in NAMED:
        return NAMED[name_or_path]()
    path = Path(name_or_path)
    if not path.exists():
        raise ValueError(f"There is no extractor at {path}; give {CHOICES}.")
    return _of_file(path)


def _of_file(path: Path) -> Extractor:
    if path.is_dir():
        return Dino(path)
    if path.suffix == ".safetensors":
        return DenseNet(path)
    return Inception(path) if sha256_of(path) == inception.STATE_DICT else TorchScript(path)
