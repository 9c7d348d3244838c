"""Networks of random weights, small enough to steer by within a second, and registered."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from django.conf import settings

from evaluation.classifiers.network import Description, load_classifier, network_of, save_classifier
from gan.checkpoint import save_generator
from gan.drawing import Drawer
from gan.latent import in_canonical_form
from gan.networks import Generator as Network
from gan.provenance import key_fingerprint
from readerstudy.steering.models import Classifier
from readerstudy.synthesis.models import Generator
from tests.gan.made import small_config

SIDE = 32
FINDINGS = ("Cardiomegaly", "Effusion", "Pneumothorax")


def make_generator(
    folder: Path, name: str = "chest", side: int = SIDE, films: Sequence[dict[str, Any]] = ()
) -> Generator:
    """Draws blobs: what random weights draw. A file that is there is taken as it is."""
    config = small_config(resolution=side, minibatch=((4, 4), (8, 4), (16, 4), (32, 4)), fmap_base=64)
    path = folder / f"{name}.safetensors"
    if not path.exists():
        torch.manual_seed(0)
        network = Network(config.resolution, config.latent, config.fmap_base, config.fmap_max)
        said = {
            "version": 1,
            "config": config.to_json(),
            "images": 10**6,
            "levels": 256,
            "patient_key": key_fingerprint(settings.PSEUDONYM_KEY),
            "films": list(films),
        }
        save_generator(path, network.state_dict(), said)
    return Generator.objects.create(
        name=name, path=str(path), sha256=Drawer(path).sha256, resolution=side, levels=256, images_shown=10**6
    )


def make_classifier(
    folder: Path,
    name: str,
    generator: Generator,
    *,
    patients: tuple[str, ...] | None = None,
    films: tuple[str, ...] | None = None,
    findings: tuple[str, ...] = FINDINGS,
    side: int = SIDE,
) -> Classifier:
    """Sees each finding in 30 of 100 plain films of the generator, whatever a finding may be to random weights.

    Unless given, it was trained on a patient and a film of its own. A file that is there is taken as it is.
    """
    path = folder / f"{name}.safetensors"
    if not path.exists():
        _write_classifier(
            path, generator, patients or (f"patient of {name}",), films or (f"film of {name}",), findings, side
        )
    said = json.loads(path.with_suffix(".json").read_text())
    of = {field: said[field] for field in ("sha256", "network", "side", "findings")}
    return Classifier.objects.create(name=name, path=str(path), **of)


def _write_classifier(
    path: Path,
    generator: Generator,
    patients: tuple[str, ...],
    films: tuple[str, ...],
    findings: tuple[str, ...],
    side: int,
) -> None:
    torch.manual_seed(sum(path.stem.encode()))
    network = network_of("densenet-narrow", len(findings))
    about = Description(
        network="densenet-narrow",
        side=side,
        findings=findings,
        # Random weights hardly tell films apart; colder, their logits are as far apart as those of others.
        temperature=(0.01,) * len(findings),
        threshold=(0.0,) * len(findings),
        patients=patients,
        films=films,
        trained={},
        held_out={},
    )
    save_classifier(path, network, about)
    drawer = Drawer(generator.file)
    with torch.no_grad():
        _films, seen = in_canonical_form(drawer.draw_latents(drawer.latents(range(30))))
        logits = load_classifier(path).logits(seen)
    save_classifier(path, network, replace(about, threshold=tuple(logits.quantile(0.7, dim=0).tolist())))
