"""How good the films of a run are on its way: the Fréchet distance of what each snapshot draws from real films.

One extractor and one set of real films serve a whole run, so that its figures are points of one curve. Both sides are
taken as the networks see them, drawn ones in the resolution of their phase and real ones in that of the run, and the
extractor's own resampling brings them to one size.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import torch
from django.db import transaction
from torch import Tensor

from evaluation.images.course import Distance, distance_at_equal_n
from evaluation.images.equal_n import SPLITS
from evaluation.images.extractors import Texture
from evaluation.readers.intervals import Interval
from gan.cache import FilmCache
from gan.drawing import Drawer
from gan.pixels import FULL_SCALE, Film
from gan.snapshot import Snapshot
from readerstudy.audit.models import record
from readerstudy.synthesis.models import Reference, RunMeasurement, TrainingRun

MEASURED_FILMS = 200
"""Films a side. With this extractor a measurement takes a second of one core beside the drawing."""
SEED = 0
FILMS_AT_ONCE = 16


class Meter:
    """Measures the snapshots of one run against held-out films, or where there are none against its own."""

    def __init__(
        self, run: TrainingRun, cache: FilmCache, held_out: FilmCache | None, films: int, device: torch.device
    ) -> None:
        """Take up to twice `films` real films, so that there is a real-against-real floor at `films` a side."""
        self._run, self._device, self._extractor = run, device, Texture()
        self._reference = Reference.HELD_OUT if held_out else Reference.TRAINING
        reals = held_out or cache
        count = min(2 * films, len(reals))
        # A cache of the archive is in the order of the films' hashes, which is a random one.
        one_by_one = (reals.films(np.array([index]), reals.resolution) for index in range(count))
        self._real = self._extractor.features(_as_films(one_by_one))
        patients = [row.patient_hash or "" for row in reals.provenance[:count]]
        self._patients = patients if any(patients) else None
        self._seeds = range(max(2, min(films, count // 2)))

    def measure(self, snapshot: Snapshot, actor: str) -> RunMeasurement | None:
        """Draw from a snapshot, measure, and keep the figure; None where this moment was measured before.

        Raises OSError or ValueError where that cannot be had, and ValidationError where the figure is none.
        """
        if self._run.measurements.filter(images_shown=snapshot.images).exists():
            return None
        drawer = Drawer(snapshot.generator, self._device)
        blocks = (self._seeds[first : first + FILMS_AT_ONCE] for first in self._seeds[::FILMS_AT_ONCE])
        drawn = self._extractor.features(_as_films(drawer.draw(block) for block in blocks))
        found = distance_at_equal_n(self._real, drawn, seed=SEED, patients=self._patients)
        measurement = RunMeasurement(
            run=self._run,
            images_shown=snapshot.images,
            resolution=snapshot.phase.resolution,
            alpha=snapshot.phase.alpha,
            n=found.n,
            **_columns("frechet", found.distance),
            **_columns("floor", found.floor),
            reference=self._reference,
            protocol=self._protocol(found),
        )
        measurement.full_clean()
        with transaction.atomic():
            measurement.save()
            record(
                actor=actor,
                action="snapshot measured",
                subject=f"training run:{self._run}",
                images_shown=measurement.images_shown,
                frechet=measurement.frechet,
                floor=measurement.floor,
            )
        return measurement

    def _protocol(self, found: Distance) -> str:
        extractor, (real, features) = self._extractor, self._real.shape
        kept_apart = "patients kept apart" if self._patients else "patients not known"
        return (
            f"extractor {extractor.name} {extractor.version}, no weights; {extractor.rule}; d = {features}; "
            f"n = {found.n} a side, of {real} real films at {self._run.config['resolution']}² and "
            f"{len(self._seeds)} drawn ones; mean over {SPLITS} splits, {kept_apart}; limits: 95 %, jackknife; "
            f"seed {SEED}"
        )


def _columns(name: str, of: Interval) -> dict[str, Any]:
    return {name: of.estimate, f"{name}_low": of.low, f"{name}_high": of.high}


def _as_films(parts: Iterable[Tensor]) -> Iterator[Film]:
    """Films of shape (N, 1, R, R) in −1 … 1, one by one on the grid of 16 bits, and not stretched anew."""
    for films in parts:
        greys = (films[:, 0].double().clamp(-1, 1) + 1) * (FULL_SCALE / 2)
        yield from np.rint(greys.numpy()).astype(np.uint16)
