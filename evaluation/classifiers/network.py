"""The classifier of findings: DenseNet-121 (Huang et al., CVPR 2017) on one grey channel, and the file that holds it.

Weights are a .safetensors file; a .json of the same name beside it says what they are:
{"version": 1, "network": "densenet121", "side": 224, "findings": […], "sha256": "…"}.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from gan.checkpoint import read_tensors, sha256

VERSION = 1
NETWORK = "densenet121"
DESCRIBED = {"version", "network", "side", "findings", "sha256"}


@dataclass(frozen=True)
class Classifier:
    """`network` takes greys (n, 1, side, side) of values -1 … 1 and gives a logit for each of `findings`."""

    network: nn.Module
    side: int
    findings: tuple[str, ...]
    sha256: str

    def pooled(self, greys: Tensor) -> Tensor:
        """The 1,024 features, of shape (n, 1024), from which the logits are taken."""
        maps = torch.relu(self.network.get_submodule("features")(greys))
        return maps.mean((2, 3))


def densenet121(findings: int) -> nn.Module:
    """The network with random weights."""
    # Loading it takes seconds, which only those who classify should wait.
    from monai.networks.nets.densenet import DenseNet121

    return DenseNet121(spatial_dims=2, in_channels=1, out_channels=findings)


def load_classifier(path: Path) -> Classifier:
    """A classifier from its .safetensors and the .json beside it, ready to judge.

    Raises ValueError where the files do not hold the weights that they say.
    """
    about = _description(path.with_suffix(".json"))
    if sha256(path) != about["sha256"]:
        raise ValueError(f"The weights in {path} are not those that {path.with_suffix('.json')} describes.")
    network = densenet121(len(about["findings"])).eval()
    try:
        network.load_state_dict(read_tensors(path))
    except RuntimeError as error:
        raise ValueError(f"The weights in {path} are not of a {NETWORK} ({str(error).splitlines()[0]})") from error
    return Classifier(network, about["side"], tuple(about["findings"]), about["sha256"])


def _description(path: Path) -> dict[str, Any]:
    try:
        about: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        missing = DESCRIBED - set(about)
    except (ValueError, TypeError, OSError) as error:
        raise ValueError(f"{path} does not describe a classifier ({error}).") from error
    if missing:
        raise ValueError(f"{path} does not describe a classifier: it lacks {', '.join(sorted(missing))}.")
    if (about["version"], about["network"]) != (VERSION, NETWORK):
        raise ValueError(f"{path} describes {about['network']}, version {about['version']}, not {NETWORK}, {VERSION}.")
    return about
