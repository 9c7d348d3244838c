"""From what a user names to an extractor."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from evaluation.images.extractors import inception, torchscript
from evaluation.images.extractors.inception import Inception, published_weights
from evaluation.images.extractors.interface import Extractor
from evaluation.images.extractors.network import sha256_of
from evaluation.images.extractors.plain import Raw, Texture
from evaluation.images.extractors.torchscript import TorchScript

NAMED: dict[str, Callable[[], Extractor]] = {
    Texture.name: Texture,
    Raw.name: Raw,
    inception.NAME: lambda: _of_file(published_weights()),
}
CHOICES = f"{', '.join(NAMED)}, or the path of a TorchScript file"


def extractor_of(name_or_path: str) -> Extractor:
    """The extractor of that name, or of the file or folder at that path. Raises ValueError where it is neither."""
    if name_or_path in NAMED:
        return NAMED[name_or_path]()
    path = Path(name_or_path)
    if not path.exists():
        raise ValueError(f"There is no extractor at {path}; give {CHOICES}.")
    return _of_file(path)


def _of_file(path: Path) -> Extractor:
    return Inception(path) if sha256_of(path) == inception.STATE_DICT else TorchScript(path)
