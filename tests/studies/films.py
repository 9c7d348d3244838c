"""Films, generators and studies for these tests: noise instead of anatomy, rows instead of imports."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from django.conf import settings

from gan.pixels import film_hash, write_film
from gan.provenance import key_fingerprint, patient_hash
from readerstudy.archive.models import Collection, Radiograph, RadiographFinding
from readerstudy.studies.models import Study
from readerstudy.studies.services import add_arm, create_study
from readerstudy.synthesis.models import Batch, DrawnFilm, Generator

ACTOR = "researcher"


def pseudonym(patient: str) -> str:
    return patient_hash(settings.PSEUDONYM_KEY, "hospital", patient)


def make_collection(name: str, truth: str = "real") -> Collection:
    return Collection.objects.create(name=name, truth=truth, origin="hospital")


def add_film(
    collection: Collection,
    number: int,
    *,
    patient: str = "",
    findings: Sequence[str] = (),
    side: int = 32,
    **fields: Any,
) -> Radiograph:
    """One film of noise; its pixels depend on collection and number alone."""
    random = np.random.default_rng([number, *collection.name.encode()])
    film = random.integers(0, 65536, (side, side), dtype=np.uint16)
    fields = {"levels": 65536, "native_rows": side, "native_columns": side} | fields
    radiograph = Radiograph.objects.create(
        collection=collection,
        source_path=f"{number}.png",
        film=f"{collection.name}-{number}.png",
        film_hash=film_hash(film),
        side=side,
        patient=pseudonym(patient) if patient else "",
        **fields,
    )
    radiograph.path.parent.mkdir(parents=True, exist_ok=True)
    write_film(radiograph.path, film)
    RadiographFinding.objects.bulk_create(RadiographFinding(radiograph=radiograph, finding=f) for f in findings)
    return radiograph


def real_collection(name: str = "real", films: int = 30, **fields: Any) -> Collection:
    """Films of as many patients, held out."""
    collection = make_collection(name)
    for number in range(films):
        add_film(collection, number, **({"patient": f"{name}-{number}", "split": "test"} | fields))
    return collection


def make_generator(
    folder: Path, films: Sequence[dict[str, Any]] = (), *, key: bytes | None = None, **fields: Any
) -> Generator:
    """A registered generator whose file says that it was trained on `films` (rows of FilmProvenance)."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "generator.safetensors"
    path.write_bytes(f"weights in {folder}".encode())
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    description = {
        "version": 1,
        "config": {},
        "images": 1000,
        "levels": 65536,
        "sha256": sha256,
        "patient_key": key_fingerprint(key or settings.PSEUDONYM_KEY),
        "films": list(films) or [{"film_hash": "f" * 64, "patient_hash": pseudonym("trained"), "phantom_seed": None}],
    }
    path.with_suffix(".json").write_text(json.dumps(description))
    fields = {"name": folder.name, "resolution": 32, "levels": 65536, "images_shown": 1000} | fields
    return Generator.objects.create(path=str(path), sha256=sha256, **fields)


def synthetic_collection(
    generator: Generator | None, name: str = "synthetic", films: int = 30, truncation: float = 1.0
) -> Collection:
    """Films drawn by `generator`; None leaves open who drew them."""
    collection = make_collection(name, truth="synthetic")
    rows = [add_film(collection, number) for number in range(films)]
    if generator:
        batch = Batch.objects.create(
            generator=generator, collection=collection, first_seed=0, count=films, truncation=truncation
        )
        DrawnFilm.objects.bulk_create(
            DrawnFilm(batch=batch, radiograph=row, seed=seed) for seed, row in enumerate(rows)
        )
    return collection


def make_study(name: str = "chest", **plan: Any) -> Study:
    """A study in design, without arms."""
    return create_study(
        actor=ACTOR,
        **(
            {
                "name": name,
                "title": "Chest films",
                "seed": 7,
                "margin_reason": "Smaller differences would not change practice.",
                "instruction_text": "Say whether each film is real.",
                "instruction_version": "1",
                # What stands before the first film is asked where a test is about it.
                "consent_text": "",
                "consent_version": "",
                "profile_asked": False,
                "display_asked": False,
            }
            | plan
        ),
    )


def two_arms(folder: Path, films: int = 10, **plan: Any) -> Study:
    """A study in design with a real and a generator arm of `films` each, from 30 films each."""
    study = make_study(**plan)
    add_arm(study=study, actor=ACTOR, name="real", role="real", collection=real_collection(), films=films, split="test")
    drawn = synthetic_collection(make_generator(folder / "generator"))
    add_arm(study=study, actor=ACTOR, name="synthetic", role="generator", collection=drawn, films=films)
    return study
