"""Films that `python -m gan generate` drew into files come into the archive as the generator drew them."""

from __future__ import annotations

from pathlib import Path

import pytest

from gan.__main__ import main
from gan.drawing import Drawer
from gan.pixels import film_hash, read_film
from readerstudy.archive.models import Radiograph
from tests.archive.files import bring_in

pytestmark = [pytest.mark.database, pytest.mark.django_db]

PRETRAINED = Path(__file__).parents[2] / "gan" / "pretrained" / "phantoms-128.safetensors"


def generate(folder: Path, form: str) -> Path:
    given = ["generate", "--generator", PRETRAINED, "--out", folder, "--count", 3, "--seed", 4, "--form", form]
    assert main([str(part) for part in given]) == 0
    return folder


@pytest.mark.parametrize("form", ["dicom", "png16"])
def test_drawn_files_are_imported_to_the_same_film(tmp_path: Path, form: str) -> None:
    folder = generate(tmp_path / "drawn", form)
    summary = bring_in(folder, "drawn", truth="synthetic")
    assert (summary.found, summary.imported) == (3, 3)
    films = Radiograph.objects.filter(collection__name="drawn").order_by("id")
    for film, expected in zip(films, Drawer(PRETRAINED).films([4, 5, 6]), strict=True):
        assert film.film_hash == film_hash(read_film(film.path)) == film_hash(expected)
    assert {film.levels for film in films} == {65536}


def test_a_file_that_says_it_is_synthetic_does_not_come_among_real_films(tmp_path: Path) -> None:
    summary = bring_in(generate(tmp_path / "drawn", "dicom"), "chest", truth="real")
    assert summary.imported == 0
    assert len(summary.refused) == 3
    assert set(summary.refused.values()) == {
        "Its header says that it is synthetic; bring it into a collection of synthetic films."
    }
    assert not Radiograph.objects.exists()
