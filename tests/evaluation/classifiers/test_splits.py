"""Patients are never on two sides."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluation.classifiers.films import LabelledFilms
from evaluation.classifiers.splits import in_part, official, require_apart, seen, set_aside
from tests.evaluation.classifiers.made import small_films
from tests.evaluation.classifiers.test_training import description


def films_of(patients: list[str]) -> LabelledFilms:
    """Rows without pixels worth a look."""
    return LabelledFilms(
        greys=np.zeros((len(patients), 1, 1), np.uint16),
        names=[f"{row}.png" for row in range(len(patients))],
        labels=np.zeros((len(patients), 1), np.float32),
        patients=tuple(patients),
        hashes=tuple(f"hash {row}" for row in range(len(patients))),
        findings=("Mass",),
        side=1,
    )


several_films_each = st.lists(st.integers(0, 30).map(str), min_size=2, max_size=60).filter(lambda p: len(set(p)) > 1)


@given(several_films_each, st.floats(0.01, 0.9), st.integers(0, 5))
def test_films_set_aside_are_all_films_of_their_patients(patients: list[str], share: float, seed: int) -> None:
    films = films_of(patients)
    count = max(1, round(share * len(set(patients))))
    if count == len(set(patients)):
        with pytest.raises(ValueError, match="cannot be divided"):
            set_aside(films, share, seed)
        return
    rest, aside = set_aside(films, share, seed)
    require_apart(rest, aside)
    assert sorted(rest.names + aside.names) == sorted(films.names)
    assert len(set(aside.patients)) == count


@given(st.sets(st.text(max_size=5), max_size=40), st.integers(1, 4), st.integers(0, 3))
def test_every_patient_is_in_just_one_part_whoever_else_is_there(names: set[str], parts: int, seed: int) -> None:
    divided = [in_part(names, part, parts, seed) for part in range(1, parts + 1)]
    assert sum(map(len, divided)) == len(names)
    assert frozenset().union(*divided) == names
    for name in names:
        assert any(in_part([name], part, parts, seed) <= divided[part - 1] for part in range(1, parts + 1))
        assert sum(len(in_part([name], part, parts, seed)) for part in range(1, parts + 1)) == 1


def test_parts_are_of_about_equal_size() -> None:
    sizes = [len(in_part(map(str, range(3000)), part, 3)) for part in (1, 2, 3)]
    # Four standard deviations of a binomial with 3,000 draws of one third.
    assert all(abs(size - 1000) < 104 for size in sizes)
    with pytest.raises(ValueError, match="no part 4 of 3"):
        in_part(["a"], 4, 3)


def test_films_of_one_patient_or_of_the_same_pixels_on_both_sides_are_refused() -> None:
    films = small_films(6, films_each=3)
    with pytest.raises(ValueError, match="1 patients and 0 films"):
        require_apart(films.chosen([0, 1]), films.chosen([2, 3]))
    with pytest.raises(ValueError, match="0 patients and 6 films"):
        require_apart(films, small_films(6, prefix="somebody else"))


def test_a_classifier_knows_whom_it_has_seen() -> None:
    films = small_films(6, films_each=2)
    assert seen(description(patients=("patient-1",), films=(films.hashes[5],)), films) == [2, 3, 5]


def lists(folder: Path, train: str, test: str) -> tuple[Path, Path]:
    (folder / "train_val_list.txt").write_text(train)
    (folder / "test_list.txt").write_text(test)
    return folder / "train_val_list.txt", folder / "test_list.txt"


def test_official_lists_go_by_the_images_index_or_by_the_files_name(tmp_path: Path) -> None:
    (tmp_path / "labels.csv").write_text("file,image_index\n0.png,00000001_000.png\n1.png,00000002_000.png\n")
    films = films_of(["1", "2", "3", "4"])
    train, test = official(tmp_path, films, *lists(tmp_path, "00000001_000.png\n", "00000002_000.png\r\n2.png\n"))
    assert (train.names, test.names) == (["0.png"], ["1.png", "2.png"])


@pytest.mark.parametrize(
    ("train", "test", "said"),
    [
        ("0.png", "0.png\n1.png", r"both name 0\.png"),
        ("0.png", "unheard-of.png", r"None of the films in .* is named in .*test_list\.txt"),
        ("0.png", "1.png", "1 patients and 0 films"),
    ],
)
def test_lists_that_divide_nothing_or_divide_a_patient_are_refused(
    tmp_path: Path, train: str, test: str, said: str
) -> None:
    with pytest.raises(ValueError, match=said):
        official(tmp_path, films_of(["1", "1"]), *lists(tmp_path, train, test))


def test_nihs_own_lists_divide_its_films_as_the_table_says(real_films: Path) -> None:
    with (real_films / "nih" / "labels.csv").open(newline="", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["image_index"]]
    films = films_of([row["patient_id"] for row in rows])
    films.names[:] = [row["file"] for row in rows]
    table = real_films / "metadata" / "nih"
    train, test = official(real_films / "nih", films, table / "train_val_list.txt", table / "test_list.txt")
    for side, word in ((train, "train_val"), (test, "test")):
        assert side.names == [row["file"] for row in rows if row["official_split"] == word]
