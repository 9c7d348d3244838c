"""Imports of real films."""

from __future__ import annotations

import csv
import shutil
from collections import Counter
from pathlib import Path

import pydicom
import pytest

from readerstudy.archive.importing import sources
from readerstudy.archive.importing.found import FoundFilm, Refused
from readerstudy.archive.importing.polarity import looks_negative
from readerstudy.archive.models import Radiograph
from tests.archive.files import bring_in, findings, stored, table_of

pytestmark = [pytest.mark.database, pytest.mark.django_db]

EVERY = 12


def part(folder: Path, target: Path, table: str = "labels.csv") -> list[dict[str, str]]:
    """Every twelfth film of a folder, by links, with the rows of its table."""
    rows = table_of(folder / table)[::EVERY]
    for row in rows:
        (target / row["file"]).parent.mkdir(parents=True, exist_ok=True)
        (target / row["file"]).symlink_to(folder / row["file"])
    with (target / table).open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return rows


def test_nih_films_come_in_with_labels_and_split(real_films: Path, source: Path) -> None:
    rows = part(real_films / "nih", source)
    summary = bring_in(source)
    assert (summary.imported, summary.refused) == (len(rows), {})
    by_path = {row["file"]: row for row in rows}
    sides = {"train_val": "train", "test": "test"}
    for film in Radiograph.objects.prefetch_related("findings"):
        row = by_path[film.source_path]
        assert findings(film) == set(filter(None, row["labels"].split("|")))
        assert film.split == sides[row["official_split"]]
        assert (film.sex, film.view) == (row["sex"], row["view"])
        assert film.levels == 256
    (note,) = summary.notes
    assert note.startswith("Columns of labels.csv that were ignored: dataset, image_index, index_status, followup")


def test_paediatric_films_come_in_without_labels_that_are_not_nihs(real_films: Path, source: Path) -> None:
    rows = part(real_films / "extra_kermany", source)
    assert bring_in(source).imported == len(rows)
    labels = Counter(frozenset(findings(film)) for film in Radiograph.objects.prefetch_related("findings"))
    normal = sum(row["labels"] == "Normal" for row in rows)
    assert labels == {frozenset(): normal, frozenset({"Pneumonia"}): len(rows) - normal}


def test_odd_originals_come_in(real_films: Path, source: Path) -> None:
    """Rotated, negative, white borders, RGBA, lateral without a word about it: all of them are films."""
    for path in (real_films / "originals/nih_qc").iterdir():
        (source / path.name).symlink_to(path)
    summary = bring_in(source)
    assert summary.imported == summary.found == 15
    assert {"00002555_000.png", "00005618_000.png", "00017999_000.png"} == summary.doubts.keys()


# DICOM: each file alone, as the table beside the files says what is expected of it

REFUSED, ACCEPTED, DOUBTFUL, EITHER = "refused", "accepted", "doubtful", "either"


def expected(text: str) -> str:
    """What the words of the table ask for."""
    if "polarity check" in text or text.startswith("PatientPosition=XX"):
        return DOUBTFUL
    if "duplicate (same SOPInstanceUID" in text:
        return ACCEPTED  # of a file alone; together they are tried below
    if "conflict: same SOPInstanceUID" in text:
        return DOUBTFUL  # its other pixels are those of a negative
    if text.startswith(("accept or", "accept only", "accept (retired", "accept with")) or "or reject" in text:
        return EITHER
    if "or flag" in text:
        return EITHER
    if "reject" in text.lower():
        return REFUSED
    return ACCEPTED


def test_every_dicom_file_does_what_is_expected_of_it(real_films: Path) -> None:
    rows = {row["file"]: row["expect"] for row in table_of(real_films / "dicom/manifest.csv")}
    films = {film.source_path: film for film in sources.find(real_films / "dicom").films}
    assert films.keys() == rows.keys()
    wrong = {path: what for path, what in rows.items() if expected(what) not in (EITHER, outcome(films[path]))}
    assert not wrong


def outcome(film: FoundFilm) -> str:
    """Of one file alone."""
    try:
        pixels = film.read()
    except Refused:
        return REFUSED
    odd = looks_negative(pixels.film)
    return DOUBTFUL if odd or any("position is XX" in doubt for doubt in film.doubts) else ACCEPTED


def test_the_same_film_in_every_dress_is_one_film(real_films: Path, source: Path) -> None:
    """One Fuji film in nine encodings, MONOCHROME1 and 2, signed and not."""
    dresses = (
        *("explicit_le", "implicit_le", "deflated", "explicit_be", "rle", "jpegls", "j2k"),
        *("mono2_same_view", "signed_rescale", "two_windows_sigmoid"),
    )
    for dress in dresses:
        (source / f"{dress}.dcm").symlink_to(real_films / f"dicom/derived/chest10_{dress}.dcm")
    summary = bring_in(source)
    assert (summary.imported, summary.duplicates) == (1, len(dresses) - 1)


def test_duplicates_and_conflicts_of_real_files(real_films: Path, source: Path) -> None:
    for name in ("ok", "ok_duplicate", "same_uid_other_pixels"):
        (source / f"{name}.dcm").symlink_to(real_films / f"dicom/derived/nih_{name}.dcm")
    summary = bring_in(source)
    assert (summary.imported, summary.duplicates) == (1, 1)
    assert summary.refused == {"same_uid_other_pixels.dcm": "It has the SOP Instance UID of ok.dcm, but other pixels."}


def test_lossless_jpeg_is_decoded(real_films: Path, source: Path) -> None:
    """A tibia that claims to be a chest: the decoder does not care."""
    for name in ("jpeglossless_sv1", "rle"):
        dataset = pydicom.dcmread(real_films / f"dicom/real_nonchest/nonchest_rg3_tibia_mono1_10bit_{name}.dcm")
        dataset.BodyPartExamined = "CHEST"
        dataset.save_as(source / f"{name}.dcm")
    summary = bring_in(source)
    assert (summary.imported, summary.duplicates) == (1, 1)


def test_a_jpeg_of_twelve_bits_is_refused_with_the_decoders_reason(real_films: Path, source: Path) -> None:
    dataset = pydicom.dcmread(real_films / "dicom/real_nonchest/nonchest_rg2_hip_mono2_10bit_jpegextended.dcm")
    dataset.BodyPartExamined = "CHEST"
    dataset.save_as(source / "hip.dcm")
    assert "does not support 'JPEG Extended' for samples with 12-bit" in bring_in(source).refused["hip.dcm"]


def test_no_name_of_a_patient_stays(real_films: Path, source: Path) -> None:
    names = ("derived/nih_full_synthetic_phi.dcm", "real_chest/canon_dx_mono1_12bit_j2k_privname.dcm")
    for number, name in enumerate(names):
        shutil.copy(real_films / "dicom" / name, source / f"{number}.dcm")
    bring_in(source)
    for number in range(2):
        film = stored(f"{number}.dcm")
        header = pydicom.dcmread(source / f"{number}.dcm", stop_before_pixels=True)
        row = " ".join(str(value) for value in Radiograph.objects.filter(pk=film.pk).values_list().get())
        for secret in (str(header.get("PatientName", "")), str(header.get("PatientID", ""))):
            assert not secret or secret not in row
