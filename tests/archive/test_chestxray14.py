"""ChestX-ray14 in the shapes that NIH and those who passed it on have left it in."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from django.conf import settings
from django.core.exceptions import ValidationError

from gan.provenance import patient_hash
from readerstudy.archive.models import Collection
from tests.archive.files import bring_in, findings, grey8, stored, table_of, write_picture, write_table

pytestmark = [pytest.mark.database, pytest.mark.django_db]

HEADER = (
    "Image Index,Finding Labels,Follow-up #,Patient ID,Patient Age,Patient Gender,View Position,"
    "OriginalImage[Width,Height],OriginalImagePixelSpacing[x,y]"
)
ROWS = (
    "00000013_005.png,Emphysema|Pleural_Thickening,5,13,60,M,AP,3056,2544,0.139,0.139",
    "00000014_000.png,No Finding,0,14,058Y,F,PA,2992,2991,0.143,0.143",
)


def nih(folder: Path, header: str = HEADER, rows: tuple[str, ...] = ROWS, table: str = "Data_Entry_2017.csv") -> Path:
    write_picture(folder / "images_001/images/00000013_005.png", grey8(13))
    write_picture(folder / "images_002/images/00000014_000.png", grey8(14))
    write_table(folder / table, header, *rows)
    return folder


def test_films_come_in_with_what_nih_says_of_them(source: Path) -> None:
    summary = bring_in(nih(source))
    assert (summary.imported, summary.notes) == (2, [])
    film = stored("images_001/images/00000013_005.png")
    assert findings(film) == {"Emphysema", "Pleural_Thickening"}
    assert (film.age, film.sex, film.view, film.split) == (60, "M", "AP", "")
    assert (film.native_rows, film.native_columns, film.levels) == (128, 128, 256)
    assert findings(stored("images_002/images/00000014_000.png")) == {"No Finding"}
    assert stored("images_002/images/00000014_000.png").age == 58
    assert Collection.objects.get().origin == "NIH ChestX-ray14"


def test_a_patient_is_a_pseudonym_however_the_id_is_written(source: Path) -> None:
    row = "00000014_000.png,No Finding,0,00000013,58,F,PA,2992,2991,0.143,0.143"
    bring_in(nih(source, rows=(ROWS[0], row)))
    one, other = stored("images_001/images/00000013_005.png"), stored("images_002/images/00000014_000.png")
    assert one.patient == other.patient == patient_hash(settings.PSEUDONYM_KEY, "NIH ChestX-ray14", "13")


@pytest.mark.parametrize(
    ("header", "rows", "table"),
    [
        (HEADER + ",", tuple(row + "," for row in ROWS), "Data_Entry_2017.csv"),
        (HEADER, ROWS, "Data_Entry_2017_v2020.csv"),
        (HEADER.replace(" ", "_"), ROWS, "sample_labels.csv"),
        ("\ufeff" + HEADER.replace("[Width,Height]", "Width,OriginalImageHeight"), ROWS, "Data_Entry_2017.csv"),
        (HEADER.replace(",", ";"), tuple(row.replace(",", ";") for row in ROWS), "Data_Entry_2017.csv"),
    ],
    ids=["trailing commas", "v2020", "underscores", "byte order mark", "semicolons"],
)
def test_the_table_is_read_as_others_have_saved_it(
    source: Path, header: str, rows: tuple[str, ...], table: str
) -> None:
    bring_in(nih(source, header, rows, table))
    film = stored("images_001/images/00000013_005.png")
    assert (findings(film), film.age, film.view) == ({"Emphysema", "Pleural_Thickening"}, 60, "AP")


def test_a_packed_table_and_a_flat_folder_are_read(source: Path) -> None:
    write_picture(source / "00000013_005.png", grey8(13))
    (source / "Data_Entry_2017_v2020.csv.gz").write_bytes(gzip.compress("\n".join((HEADER, *ROWS)).encode()))
    summary = bring_in(source)
    assert findings(stored("00000013_005.png")) == {"Emphysema", "Pleural_Thickening"}
    assert summary.notes == ["Rows of Data_Entry_2017_v2020.csv.gz without an image here: 1."]


def test_the_lists_give_the_split(source: Path) -> None:
    nih(source)
    (source / "train_val_list.txt").write_text("00000013_005.png\n")
    (source / "test_list.txt").write_text("00000014_000.png\n")
    bring_in(source)
    assert stored("images_001/images/00000013_005.png").split == "train"
    assert stored("images_002/images/00000014_000.png").split == "test"


def test_an_image_in_both_lists_stops_the_import(source: Path) -> None:
    nih(source)
    for name in ("train_val_list.txt", "test_list.txt"):
        (source / name).write_text("00000013_005.png\n")
    with pytest.raises(ValidationError, match=r"00000013_005\.png is in train_val_list\.txt and in test_list\.txt"):
        bring_in(source)
    assert not Collection.objects.exists()


def test_an_image_without_a_row_and_one_with_two_are_refused(source: Path) -> None:
    nih(source, rows=(ROWS[0], ROWS[0].replace("Emphysema", "Edema")))
    assert bring_in(source).refused == {
        "images_001/images/00000013_005.png": "Data_Entry_2017.csv has two different rows for it.",
        "images_002/images/00000014_000.png": "Data_Entry_2017.csv has no row for it.",
    }


def test_an_impossible_age_and_an_unknown_label_are_left_open_and_named(source: Path) -> None:
    summary = bring_in(nih(source, rows=(ROWS[1], ROWS[0].replace(",60,", ",414,").replace("Emphysema", "Cough"))))
    film = stored("images_001/images/00000013_005.png")
    assert (film.age, findings(film)) == (None, {"Pleural_Thickening"})
    assert set(summary.notes) == {
        "Label left open because the value is not known here: “Cough” (1).",
        "Age left open because the value is not known here: “414” (1).",
    }


def test_two_tables_in_one_folder_stop_the_import(source: Path) -> None:
    nih(source)
    write_table(source / "Data_Entry_2017_v2020.csv", HEADER, *ROWS)
    with pytest.raises(ValidationError, match=r"Data_Entry_2017\.csv, Data_Entry_2017_v2020\.csv"):
        bring_in(source)


@pytest.mark.parametrize(
    "table",
    [
        "Data_Entry_2017_v2020.csv.gz",
        "Data_Entry_2017_original_first39999.csv",
        "Data_Entry_2017_kaggle_style_5000_trailing_comma.csv",
        "sample_labels.csv",
        "sample_labels_renamed_columns.csv",
    ],
)
def test_nihs_own_tables_are_read(real_films: Path, source: Path, table: str) -> None:
    """One phantom under the name of each table's first film and its last."""
    theirs = real_films / "metadata/nih" / table
    (source / table).write_bytes(theirs.read_bytes())
    plain = source / "plain" / "table.csv"
    plain.parent.mkdir()
    plain.write_bytes(gzip.decompress(theirs.read_bytes()) if table.endswith(".gz") else theirs.read_bytes())
    rows = table_of(plain)
    for number, row in enumerate((rows[0], rows[-1])):
        write_picture(source / next(iter(row.values())), grey8(number))
    bring_in(source)
    for row in (rows[0], rows[-1]):
        image, labels, _followup, patient, age, sex, view = list(row.values())[:7]
        film = stored(image)
        assert findings(film) == set(labels.split("|"))
        assert film.patient == patient_hash(settings.PSEUDONYM_KEY, "NIH ChestX-ray14", patient)
        assert (film.age, film.sex, film.view) == (int(age.rstrip("Y")), sex, view)
