from __future__ import annotations

from pathlib import Path

import pytest

from readerstudy.studies.models import Study
from tests.reading.room import Browser, open_study


@pytest.fixture
def study(tmp_path: Path) -> Study:
    return open_study(tmp_path, films=4, practice_films=2, repeats=1)


@pytest.fixture
def browser(study: Study) -> Browser:
    return Browser(study)
