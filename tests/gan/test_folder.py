"""Plain folders of films, and what labels.csv says of them."""

from __future__ import annotations

import hashlib
import hmac
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from gan.folder import FolderFilms, coarsest_levels, film_paths, read_canonical
from gan.pixels import canonical, film_hash

KEY = b"secret"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    random = np.random.default_rng(0)
    (tmp_path / "b").mkdir()
    for name in ("b/one.png", "a.PNG", "c.jpeg", "b/two.jpg"):
        Image.fromarray(random.integers(0, 256, (9, 12)).astype(np.uint8)).save(tmp_path / name)
    (tmp_path / "notes.txt").write_text("no film")
    return tmp_path


def test_films_of_all_folders_come_in_the_order_of_their_paths(folder: Path) -> None:
    names = ["a.PNG", "b/one.png", "b/two.jpg", "c.jpeg"]
    assert film_paths(folder) == [folder / name for name in names]
    films = FolderFilms(folder)
    for (film, row), path in zip(films, film_paths(folder), strict=True):
        with Image.open(path) as image:
            assert np.array_equal(film, canonical(np.asarray(image, dtype=float)))
        assert (row.film_hash, row.patient_hash, row.phantom_seed) == (film_hash(film), None, None)


def test_the_coarsest_file_decides_how_many_greys_there_are(folder: Path) -> None:
    deep = folder / "deep.png"
    Image.fromarray(np.arange(100, dtype=np.uint16).reshape(10, 10)).save(deep)
    assert coarsest_levels([deep]) == 65536
    assert coarsest_levels([deep, folder / "a.PNG"]) == 256


def test_labels_name_patients_by_a_keyed_hash_and_phantoms_by_their_seed(folder: Path) -> None:
    (folder / "labels.csv").write_text(
        "\ufefffile,patient_id,phantom_seed\nb/one.png,00013,\nb/two.jpg,13,\nc.jpeg,,7\n", encoding="utf-8"
    )
    of_13 = hmac.new(KEY, b"nih:13", hashlib.sha256).hexdigest()
    rows = [row for _, row in FolderFilms(folder, key=KEY, origin="nih")]
    assert [row.patient_hash for row in rows] == [None, of_13, of_13, None]
    assert [row.phantom_seed for row in rows] == [None, None, None, 7]
    # The same number elsewhere is another patient; and without a key no patient is named at all.
    assert of_13 not in {row.patient_hash for _, row in FolderFilms(folder, key=KEY, origin="elsewhere")}
    assert {row.patient_hash for _, row in FolderFilms(folder)} == {None}


def test_labels_that_name_no_file_are_refused(folder: Path) -> None:
    (folder / "labels.csv").write_text("image,patient_id\na.PNG,1\n")
    with pytest.raises(ValueError, match="has no column “file”"):
        FolderFilms(folder)


def test_labels_that_name_a_film_twice_are_refused(folder: Path) -> None:
    (folder / "labels.csv").write_text("file,patient_id\na.PNG,1\nc.jpeg,2\na.PNG,3\n")
    with pytest.raises(ValueError, match=r"labels\.csv names a\.PNG again in line 4; leave one row for each film"):
        FolderFilms(folder)


def test_a_seed_that_is_no_number_is_refused(folder: Path) -> None:
    (folder / "labels.csv").write_text("file,phantom_seed\na.PNG,seven\n")
    with pytest.raises(ValueError, match=r"phantom_seed of .*a\.PNG in labels\.csv is no whole number: 'seven'"):
        list(FolderFilms(folder))


def test_what_is_no_folder_of_films_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="There are no PNG or JPEG films below"):
        film_paths(tmp_path)
    with pytest.raises(ValueError, match="nowhere is not a folder"):
        film_paths(tmp_path / "nowhere")


@pytest.mark.parametrize("content", [b"", b"\x89PNG\r\n\x1a\n", b"text"])
def test_a_film_that_cannot_be_read_is_named(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "torn.png"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"The film .*torn\.png cannot be read \(.*\); mend it or take it away"):
        read_canonical(path)
