from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A folder of films outside; the product's own films lie beside it."""
    folder = tmp_path / "source"
    folder.mkdir()
    return folder
