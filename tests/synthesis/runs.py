"""A run that has come some way, made without training it."""

from __future__ import annotations

import torch

from gan.checkpoint import VERSION
from gan.config import TrainingConfig
from gan.networks import Generator
from gan.schedule import phase_at
from gan.snapshot import Gap, write_snapshot
from readerstudy.archive.models import Collection
from readerstudy.synthesis.models import RunMeasurement, TrainingRun


def make_run(collection: Collection, moments: int = 3) -> TrainingRun:
    """A run to 8² with a measured snapshot after every hundred images of its thousand."""
    config = TrainingConfig(resolution=8, kimg=1, latent=8, fmap_base=64, fmap_max=8)
    run = TrainingRun.objects.create(
        name="chest", collection=collection, split="train", config=config.to_json(), images_shown=100 * moments
    )
    torch.manual_seed(0)
    weights = Generator(8, config.latent, config.fmap_base, config.fmap_max).state_dict()
    for images in range(100, 100 * moments + 1, 100):
        phase = phase_at(images, config)
        description = {
            "version": VERSION,
            "config": run.config,
            "images": images,
            "levels": 256,
            "patient_key": None,
            "films": [],
        }
        films = torch.rand(8, 1, phase.resolution, phase.resolution) * 2 - 1
        write_snapshot(run.folder, dict(weights), description, phase, films, Gap(2.0, 2.0 - images / 1000, -1.0))
        RunMeasurement.objects.create(
            run=run,
            images_shown=images,
            resolution=phase.resolution,
            alpha=phase.alpha,
            n=200,
            frechet=9000 / images,
            frechet_low=8000 / images,
            frechet_high=9900 / images,
            floor=2.5,
            floor_low=2.0,
            floor_high=3.0,
            reference="held-out",
            protocol="extractor texture 1; n = 200 a side",
        )
    return run
