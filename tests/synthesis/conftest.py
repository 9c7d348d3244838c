from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from gan import config
from readerstudy.archive.models import Collection
from tests.studies.films import add_film, make_collection


@pytest.fixture(autouse=True)
def tiny(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A preset small enough to train within a second."""
    folder = tmp_path / "presets"
    folder.mkdir()
    sizes = [[4, 8], [8, 8], [16, 8]]
    tiny = {"resolution": 16, "kimg": 0.2, "latent": 8, "fmap_base": 64, "fmap_max": 8, "minibatch": sizes}
    (folder / "tiny.json").write_text(json.dumps(tiny | {"loss": "non-saturating-r1"}))
    monkeypatch.setattr(config, "PRESETS", folder)
    torch.set_num_threads(1)


@pytest.fixture
def collection(db: None) -> Collection:
    """Twelve films of six patients, the last four held out."""
    collection = make_collection("nih")
    for number in range(12):
        split = "train" if number < 8 else "test"
        add_film(collection, number, patient=f"p{number // 2}", split=split, levels=256)
    return collection
