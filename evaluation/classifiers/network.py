"""The classifier of findings: DenseNet (Huang et al., CVPR 2017) on one grey channel, and the file that holds it.

Weights are a .safetensors file; a .json of the same name beside it says what they are (`Description`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

from gan.checkpoint import read_tensors, sha256, write_tensors
from gan.whole_file import whole_file

VERSION = 2
NETWORKS: Mapping[str, Mapping[str, Any]] = {
    "densenet121": {"init_features": 64, "growth_rate": 32, "block_config": (6, 12, 24, 16), "bn_size": 4},
    # A hundredth of the products: what two cores train in minutes, on films of 64² and 128².
    "densenet-narrow": {"init_features": 24, "growth_rate": 16, "block_config": (4, 8, 8, 6), "bn_size": 2},
}
DEFAULT_NETWORK = "densenet121"


@dataclass(frozen=True)
class Description:
    """What the JSON beside the weights says.

    `temperature` and `threshold` have one entry for each of `findings`: the raw logit is divided by the temperature
    (Guo et al., ICML 2017), and a calibrated logit of at least the threshold counts as showing the finding.
    `patients` and `films` name what the classifier was trained and calibrated on: patients by their pseudonyms
    (`gan.provenance.patient_hash`) or as a table names them, phantoms by `phantom_<seed>`, films by `film_hash`.
    `trained` says how, and `held_out` what it reached there; both are for people to read.
    """

    network: str
    side: int
    findings: tuple[str, ...]
    temperature: tuple[float, ...]
    threshold: tuple[float, ...]
    patients: tuple[str, ...]
    films: tuple[str, ...]
    trained: Mapping[str, Any]
    held_out: Mapping[str, Any]
    sha256: str = ""
    version: int = VERSION


@dataclass(frozen=True)
class Classifier:
    """Films in, calibrated logits out, with what is known of the weights."""

    network: nn.Module
    about: Description
    name: str

    @property
    def findings(self) -> tuple[str, ...]:
        return self.about.findings

    @property
    def side(self) -> int:
        return self.about.side

    @property
    def sha256(self) -> str:
        return self.about.sha256

    @property
    def device(self) -> torch.device:
        return next(self.network.parameters()).device

    def logits(self, films: Tensor) -> Tensor:
        """Calibrated logits (n, findings) of films (n, 1, S, S) of values -1 … 1, of any S; differentiable."""
        answer: Tensor = self.network(self.at_side(films))
        return answer / torch.tensor(self.about.temperature, device=answer.device)

    def shown(self, logits: Tensor) -> Tensor:
        """Which of calibrated logits (…, findings) say that the finding is there."""
        return logits >= torch.tensor(self.about.threshold, device=logits.device)

    def column(self, finding: str) -> int:
        """The column of a finding. Raises ValueError where the classifier does not know it."""
        if finding not in self.findings:
            raise ValueError(
                f"The classifier {self.name} does not know {finding}; it knows {', '.join(self.findings)}."
            )
        return self.findings.index(finding)

    def pooled(self, films: Tensor) -> Tensor:
        """The features, of shape (n, features), from which the logits are taken."""
        maps = torch.relu(self.network.get_submodule("features")(self.at_side(films)))
        return maps.mean((2, 3))

    def at_side(self, films: Tensor) -> Tensor:
        """Films at the side that the network was trained at: antialiased bicubic, as `gan.pixels.resample` does it."""
        if films.shape[-1] == self.side:
            return films
        resized = interpolate(films, (self.side, self.side), mode="bicubic", antialias=True, align_corners=False)
        return resized.clamp(-1, 1)


def network_of(name: str, findings: int) -> nn.Module:
    """A network of `NETWORKS` with random weights. Raises ValueError for another name."""
    if name not in NETWORKS:
        raise ValueError(f"There is no network {name}; there are {', '.join(NETWORKS)}.")
    # Loading it takes seconds, which only those who classify should wait.
    from monai.networks.nets.densenet import DenseNet

    return DenseNet(spatial_dims=2, in_channels=1, out_channels=findings, **NETWORKS[name])


def save_classifier(path: Path, network: nn.Module, about: Description) -> Description:
    """Write the weights as `path` (.safetensors) and the description beside it, which is returned with their hash."""
    tensors = {name: tensor.detach().cpu() for name, tensor in network.state_dict().items()}
    partial = path.with_name(path.name + ".partial")
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        write_tensors(partial, tensors)
        about = replace(about, sha256=sha256(partial))
        with whole_file(path.with_suffix(".json")) as file:
            file.write(json.dumps(asdict(about), ensure_ascii=False, indent=1).encode())
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
    return about


def load_classifier(path: Path, device: torch.device | None = None) -> Classifier:
    """A classifier from its .safetensors and the .json beside it, ready to judge.

    Raises ValueError where the files do not hold the weights that they say.
    """
    about = _description(path.with_suffix(".json"))
    if not path.exists():
        raise ValueError(f"{path} does not exist; a classifier is a .safetensors file with a .json beside it.")
    if sha256(path) != about.sha256:
        raise ValueError(f"The weights in {path} are not those that {path.with_suffix('.json')} describes.")
    network = network_of(about.network, len(about.findings)).eval().requires_grad_(False)
    try:
        network.load_state_dict(read_tensors(path))
    except RuntimeError as error:
        raise ValueError(
            f"The weights in {path} are not of a {about.network} ({str(error).splitlines()[0]})"
        ) from error
    network.to(device or torch.device("cpu"), memory_format=torch.channels_last)  # type: ignore[call-overload]
    return Classifier(network, about, path.stem)


def _description(path: Path) -> Description:
    try:
        said: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        missing = {field.name for field in fields(Description)} - set(said)
    except (ValueError, TypeError, OSError) as error:
        raise ValueError(f"{path} does not describe a classifier ({error}).") from error
    if missing:
        raise ValueError(f"{path} does not describe a classifier: it lacks {', '.join(sorted(missing))}.")
    if said["version"] != VERSION or said["network"] not in NETWORKS:
        raise ValueError(
            f"{path} describes {said['network']}, version {said['version']}, "
            f"not version {VERSION} of {' or '.join(NETWORKS)}."
        )
    lists = {name: tuple(said[name]) for name in ("findings", "temperature", "threshold", "patients", "films")}
    return Description(**{field.name: said[field.name] for field in fields(Description)} | lists)
