"""Films in, features out. An extractor says what it is, so that a distance can print its protocol."""

from evaluation.images.extractors.interface import Extractor, Progress, describe
from evaluation.images.extractors.plain import Texture
from evaluation.images.extractors.registry import CHOICES, extractor_of
from evaluation.images.extractors.torchscript import TorchScript

__all__ = ["CHOICES", "Extractor", "Progress", "Texture", "TorchScript", "describe", "extractor_of"]
