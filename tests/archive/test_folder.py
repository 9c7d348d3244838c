"""Folders of PNG and JPEG, with and without a table."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from django.core.exceptions import ValidationError
from PIL import Image

from gan.pixels import canonical, read_film
from readerstudy.archive.models import Collection, Radiograph
from tests.archive.files import bring_in, findings, grey8, phantom, stored, write_picture, write_table

pytestmark = [pytest.mark.database, pytest.mark.django_db]


def test_a_folder_without_a_table_comes_in_with_nothing_known(source: Path) -> None:
    write_picture(source / "a.png", grey8(1))
    write_picture(source / "deep/er/b.JPG", grey8(2))
    assert bring_in(source).imported == 2
    film = stored("deep/er/b.JPG")
    assert (film.patient, film.age, film.sex, film.view, film.split) == ("", None, "", "", "")
    assert findings(film) == set()


def test_a_table_says_what_is_known_and_its_other_columns_are_named(source: Path) -> None:
    write_picture(source / "images/a.png", grey8(1))
    write_table(
        source / "labels.csv",
        "file,scanner,labels,patient_id,age,sex,view,official_split,phantom_seed",
        "images/a.png,X1,Mass|Nodule,7,030M,female,pa,test,41",
    )
    summary = bring_in(source)
    film = stored("images/a.png")
    assert findings(film) == {"Mass", "Nodule"}
    assert (film.age, film.sex, film.view, film.split, film.phantom_seed) == (2, "F", "PA", "test", 41)
    assert summary.notes == ["Columns of labels.csv that were ignored: scanner."]


def test_paths_of_another_system_are_understood(source: Path) -> None:
    write_picture(source / "images/a.png", grey8(1))
    write_table(source / "labels.csv", "file,labels", r".\images\a.png,Hernia")
    bring_in(source)
    assert findings(stored("images/a.png")) == {"Hernia"}


def test_labels_that_are_not_known_are_no_finding_at_all(source: Path) -> None:
    for name, seed in (("a.png", 1), ("b.png", 2), ("c.png", 3)):
        write_picture(source / name, grey8(seed))
    write_table(source / "labels.csv", "file,labels", "a.png,", "b.png,Normal", "c.png,Pneumonia|virus")
    summary = bring_in(source)
    assert [findings(stored(name)) for name in ("a.png", "b.png", "c.png")] == [set(), set(), {"Pneumonia"}]
    assert summary.notes == ["Label left open because the value is not known here: “Normal” (1), “virus” (1)."]


def test_films_and_rows_that_miss_each_other_are_named(source: Path) -> None:
    write_picture(source / "a.png", grey8(1))
    write_table(source / "labels.csv", "file,labels", "b.png,Mass")
    assert bring_in(source).notes == [
        "Rows of labels.csv about films that are not there: 1, such as b.png.",
        "Films without a row in labels.csv, of which nothing is known: 1.",
    ]


def test_a_table_that_cannot_be_read_stops_the_import(source: Path) -> None:
    write_picture(source / "a.png", grey8(1))
    (source / "labels.csv").write_bytes(b"file,labels\na.png,Tumeur \xe9tendue\n")
    with pytest.raises(ValidationError, match=r"labels\.csv cannot be read"):
        bring_in(source)
    assert not Collection.objects.exists()


def test_a_lateral_film_and_contradictory_labels_are_refused(source: Path) -> None:
    for name, seed in (("a.png", 1), ("b.png", 2), ("c.png", 3)):
        write_picture(source / name, grey8(seed))
    write_table(
        source / "labels.csv",
        "file,labels,view",
        "a.png,,Lateral",
        "b.png,No Finding|Mass,PA",
        "c.png,,AP Supine",
    )
    summary = bring_in(source)
    assert summary.refused == {
        "a.png": "Its view is “Lateral”, not frontal (AP or PA).",
        "b.png": "Its labels contradict each other: No Finding|Mass.",
    }
    assert stored("c.png").view == "AP"


def test_sixteen_bits_stay_sixteen(source: Path) -> None:
    write_picture(source / "a.png", phantom(1))
    bring_in(source)
    film = stored("a.png")
    assert film.levels == 65536
    pixels = read_film(film.path)
    assert np.array_equal(pixels, canonical(phantom(1)))
    assert len(np.unique(pixels)) > 256


def test_colours_transparency_and_palettes_are_grey_in_the_end(source: Path) -> None:
    grey = Image.fromarray(grey8(1))
    grey.save(source / "grey.png")
    grey.convert("RGBA").save(source / "rgba.png")
    grey.convert("LA").save(source / "transparent.png")
    grey.convert("P").save(source / "palette.png")
    summary = bring_in(source)
    assert (summary.imported, summary.duplicates) == (1, 3)


def test_each_bad_file_is_named_and_the_rest_come_in(source: Path) -> None:
    good = write_picture(source / "good.png", grey8(1))
    (source / "empty.png").touch()
    (source / "page.jpg").write_text("<html>Not found</html>")
    (source / "short.png").write_bytes(good.read_bytes()[:2000])
    write_picture(source / "black.png", np.zeros((64, 64), np.uint8))
    (source / "notes.txt").write_text("Ignored.")
    (source / ".DS_Store").write_text("Ignored.")
    write_picture(source / "._good.png", grey8(2))
    (source / "missing.png").symlink_to(source / "nowhere.png")
    os.mkfifo(source / "pipe.png")
    summary = bring_in(source)
    assert summary.imported == 1
    assert summary.refused.keys() == {"empty.png", "page.jpg", "short.png", "black.png", "missing.png"}
    assert "No such file" in summary.refused["missing.png"]
    assert summary.refused["empty.png"] == "The file is empty."
    assert "cannot be read as PNG or JPEG" in summary.refused["page.jpg"]
    assert "cannot be read as PNG or JPEG" in summary.refused["short.png"]
    assert "shows nothing" in summary.refused["black.png"]


def test_a_negative_comes_in_and_is_named(source: Path) -> None:
    write_picture(source / "negative.png", 255 - grey8(1))
    write_picture(source / "positive.png", grey8(1))
    summary = bring_in(source)
    assert summary.imported == 2
    assert summary.doubts == {
        "negative.png": "The chest is darker than what surrounds it: a negative, or a white border."
    }


def test_a_row_cannot_reach_outside_its_folder(source: Path) -> None:
    write_picture(source / "secret.png", grey8(1))
    write_picture(source / "films/a.png", grey8(2))
    write_table(source / "films/labels.csv", "file,labels", "../secret.png,Mass", "a.png,Mass")
    assert bring_in(source / "films").imported == 1
    assert Radiograph.objects.get().source_path == "a.png"


def test_a_name_that_is_no_text_is_spelt_out(source: Path) -> None:
    write_picture(source / "a.png", grey8(1)).rename(os.fsdecode(os.fsencode(source) + b"/caf\xe9.png"))
    assert bring_in(source).imported == 1
    assert Radiograph.objects.get().source_path == r"caf\udce9.png"
