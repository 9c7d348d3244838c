"""Networks of random weights: a generator that draws blobs, and classifiers that see findings in some of them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch

from evaluation.classifiers.network import Classifier, Description, load_classifier, network_of, save_classifier
from gan.checkpoint import save_generator
from gan.drawing import Drawer
from gan.networks import Generator
from tests.gan.made import small_config

SIDE = 32
FINDINGS = ("Cardiomegaly", "Effusion")


def make_generator(folder: Path) -> Path:
    config = small_config(resolution=SIDE)
    torch.manual_seed(0)
    network = Generator(config.resolution, config.latent, config.fmap_base, config.fmap_max)
    path = folder / "generator.safetensors"
    about = {"version": 1, "config": config.to_json(), "images": 10**6, "levels": 256, "patient_key": None, "films": []}
    save_generator(path, network.state_dict(), about)
    return path


def make_classifier(
    folder: Path,
    name: str,
    generator: Path,
    *,
    seed: int = 1,
    side: int = SIDE,
    findings: Sequence[str] = FINDINGS,
    patients: Sequence[str] | None = None,
    rarity: float = 0.7,
) -> Path:
    """Sees each finding in the share 1 - `rarity` of the generator's plain films. Equal seeds are equal weights."""
    torch.manual_seed(seed)
    network = network_of("densenet-narrow", len(findings))
    path = folder / f"{name}.safetensors"
    drawer = Drawer(generator)

    def saved(threshold: Sequence[float]) -> Classifier:
        # Random weights hardly tell films apart; colder, their logits are as far apart as those of others.
        cold, of = (0.01,) * len(findings), tuple(patients if patients is not None else [f"patient of {name}"])
        about = Description(
            "densenet-narrow", side, tuple(findings), cold, tuple(threshold), of, (), {"name": name}, {}
        )
        save_classifier(path, network, about)
        return load_classifier(path)

    with torch.inference_mode():
        logits = saved([0.0] * len(findings)).logits(drawer.draw(range(40)).clamp(-1, 1))
    saved(logits.quantile(rarity, dim=0).tolist())
    return path
