"""What a folder of films says of its findings and patients, and how films reach a network."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from evaluation.classifiers.films import LabelledFilms, films_of_folder
from gan.folder import read_canonical
from gan.pixels import film_hash, resample, write_film
from gan.provenance import patient_hash
from tests.evaluation.classifiers.made import small_films

ROWS = """file,labels,patient_id,phantom_seed,unknown
a.png,Mass|Effusion,00000013,,
b.png,No Finding,13,,Nodule
c.png,,,,
d.png,Effusion,phantom_7,7,Mass
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    random = np.random.default_rng(0)
    for name in "abcd":
        write_film(tmp_path / f"{name}.png", random.integers(0, 65536, (48, 48)).astype(np.uint16))
    (tmp_path / "labels.csv").write_text(ROWS)
    return tmp_path


def test_labels_are_there_absent_or_not_known(folder: Path) -> None:
    films = films_of_folder(folder, ("Mass", "Nodule", "Effusion"), 32)
    assert np.array_equal(films.labels, [[1, 0, 1], [0, np.nan, 0], [np.nan] * 3, [np.nan, 0, 1]], equal_nan=True)
    assert films.names == ["a.png", "b.png", "c.png", "d.png"]


def test_a_patient_has_one_name_however_it_is_written_and_a_film_of_nobody_its_own(folder: Path) -> None:
    films = films_of_folder(folder, ("Mass",), 32)
    unknown = film_hash(read_canonical(folder / "c.png"))
    assert films.patients == ("13", "13", unknown, "phantom_7")
    hashed = films_of_folder(folder, ("Mass",), 32, key=b"key", origin="nih").patients
    assert hashed == (*[patient_hash(b"key", "nih", "13")] * 2, unknown, "phantom_7")


def test_films_are_canonical_resampled_once_and_reach_the_network_as_minus_one_to_one(folder: Path) -> None:
    films = films_of_folder(folder, ("Mass",), 32)
    expected = resample(read_canonical(folder / "b.png"), 32) / 32767.5 - 1
    assert films.greys.dtype == np.uint16
    given = films.tensor([1, 3])
    assert given.shape == (2, 1, 32, 32)
    # Half a grey level, from rounding.
    assert np.abs(given[0, 0].numpy() - expected).max() <= 0.51 / 32767.5
    assert (given[0].min() < -0.8, given[0].max() > 0.8) == (True, True)


@pytest.mark.parametrize(
    ("row", "said"),
    [("a.png,Masss", "Masss: no finding"), ("a.png,No Finding|Mass", "“No Finding” stands beside Mass")],
)
def test_labels_that_say_nothing_sound_are_refused_by_name(folder: Path, row: str, said: str) -> None:
    (folder / "labels.csv").write_text(f"file,labels\n{row}\n")
    with pytest.raises(ValueError, match=rf"The labels of a\.png in .*labels\.csv cannot be used: {said}"):
        films_of_folder(folder, ("Mass",), 32)


def test_films_are_chosen_and_joined() -> None:
    films = small_films(6, films_each=2)
    some = films.of_patients({"patient-0", "patient-2"})
    assert some.names == [films.names[row] for row in (0, 1, 4, 5)]
    joined = LabelledFilms.joined([films.chosen([2, 3]), some])
    assert joined.hashes == tuple(films.hashes[row] for row in (2, 3, 0, 1, 4, 5))
    assert np.array_equal(joined.greys, films.greys[[2, 3, 0, 1, 4, 5]])
    assert len(films.chosen([])) == 0
    assert np.array_equal(films.about(["Nodule"]).labels[:, 0], films.labels[:, 1])
    with pytest.raises(ValueError, match="Nothing is known of Hernia"):
        films.about(["Mass", "Hernia"])
    with pytest.raises(ValueError, match="cannot be joined"):
        LabelledFilms.joined([films, films.about(["Mass"])])
