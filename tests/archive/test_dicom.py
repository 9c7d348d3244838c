"""DICOM of computed and digital radiography: which files come in, and that their pixels are right."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from django.conf import settings
from PIL import Image
from pydicom.datadict import tag_for_keyword
from pydicom.dataelem import DataElement
from pydicom.encaps import encapsulate
from pydicom.uid import JPEG2000Lossless, JPEGBaseline8Bit, JPEGLSLossless, RLELossless

from gan.pixels import canonical, read_film
from gan.provenance import patient_hash
from readerstudy.archive.models import Radiograph
from tests.archive.files import SIDE, bring_in, dicom, findings, grey8, phantom, stored, write_dicom, write_picture

pytestmark = [pytest.mark.database, pytest.mark.django_db]

CORRECT = canonical(phantom(1))


def pixels(source_path: str = "film.dcm") -> np.ndarray:
    return read_film(stored(source_path).path)


def nearly(one: np.ndarray, other: np.ndarray, greys: int) -> bool:
    """The same but for the rounding to `greys` greys."""
    return int(np.abs(one.astype(int) - other.astype(int)).max()) <= 65536 // greys + 1


def test_a_film_comes_in_with_patient_age_sex_and_view_and_nothing_else(source: Path) -> None:
    write_dicom(source / "1/film.dcm", phantom(1))
    assert bring_in(source, origin="hospital").imported == 1
    film = stored("1/film.dcm")
    assert film.patient == patient_hash(settings.PSEUDONYM_KEY, "hospital", "P1")
    assert (film.age, film.sex, film.view, film.levels) == (58, "F", "PA", 65536)
    assert findings(film) == set()
    row = " ".join(str(value) for value in Radiograph.objects.values_list().get())
    assert "Doe" not in row
    assert b"Doe" not in film.path.read_bytes()
    assert np.array_equal(read_film(film.path), CORRECT)


def test_a_file_is_known_by_its_signature_not_its_name_and_a_dicomdir_is_none(source: Path) -> None:
    write_dicom(source / "IM000001", phantom(1))
    write_dicom(source / "DICOMDIR", phantom(2))
    (source / "index.csv").write_text("a,b\n")
    summary = bring_in(source)
    assert (summary.found, summary.imported) == (1, 1)
    assert summary.notes == ["Files that are not DICOM and were passed over: 2, such as DICOMDIR, index.csv."]


@pytest.mark.parametrize("bits", [8, 10, 12, 15, 16])
def test_eight_to_sixteen_bits_show_the_same_film(source: Path, bits: int) -> None:
    values = phantom(1) >> (16 - bits)
    write_dicom(source / "film.dcm", values.astype(np.uint8) if bits == 8 else values, bits=bits)
    bring_in(source)
    assert stored("film.dcm").levels == 2**bits
    assert nearly(pixels(), CORRECT, greys=2 ** (bits - 1))


@pytest.mark.parametrize(
    ("values", "elements"),
    [
        (65535 - phantom(1), {"PhotometricInterpretation": "MONOCHROME1"}),
        ((phantom(1).astype(np.int32) - 32768).astype(np.int16), {"RescaleIntercept": 32768, "RescaleSlope": 1}),
        (65535 - phantom(1), {"RescaleIntercept": 0, "RescaleSlope": -1}),
        (phantom(1), {"WindowCenter": [100, 2000], "WindowWidth": [50, 10]}),
        (np.repeat(grey8(1)[..., None], 3, axis=2), {"PhotometricInterpretation": "RGB", "PlanarConfiguration": 0}),
    ],
    ids=["MONOCHROME1", "signed with an intercept", "negative slope", "windows are not applied", "grey as RGB"],
)
def test_films_are_stored_as_they_are_meant_to_be_seen(
    source: Path, values: np.ndarray, elements: dict[str, Any]
) -> None:
    write_dicom(source / "film.dcm", values, **elements)
    bring_in(source)
    assert nearly(pixels(), CORRECT, greys=128 if values.ndim == 3 else 65536)


def test_padding_has_no_say_in_the_greys_and_is_black(source: Path) -> None:
    values = (phantom(1) >> 4).copy()
    values[:, :20] = 4095
    write_dicom(source / "film.dcm", values, bits=12, PixelPaddingValue=4095)
    bring_in(source)
    film = values[:, 20:][values[:, 20:] < 4095]
    low, high = np.percentile(film, [0.5, 99.5])
    expected = np.clip((values[:, 20:].astype(float) - low) / (high - low), 0, 1) * 65535
    expected[values[:, 20:] == 4095] = 0
    assert not pixels()[:, :20].any()
    assert nearly(pixels()[:, 20:], expected, greys=65536)


@pytest.mark.parametrize("syntax", [RLELossless, JPEGLSLossless, JPEG2000Lossless])
def test_compressed_films_are_the_same_film(source: Path, syntax: pydicom.uid.UID) -> None:
    dataset = dicom(phantom(1) >> 4, bits=12)
    dataset.compress(syntax, generate_instance_uid=False)
    dataset.save_as(source / "film.dcm")
    bring_in(source)
    assert np.array_equal(pixels(), canonical(phantom(1) >> 4))


def test_a_jpeg_inside_is_read(source: Path) -> None:
    dataset = dicom(grey8(1))
    file = io.BytesIO()
    Image.fromarray(grey8(1)).save(file, "JPEG", quality=100)
    dataset.PixelData = encapsulate([file.getvalue()])
    dataset.file_meta.TransferSyntaxUID = JPEGBaseline8Bit
    dataset.save_as(source / "film.dcm")
    bring_in(source)
    assert nearly(pixels(), CORRECT, greys=32)


REFUSED: list[tuple[str, dict[str, Any]]] = [
    ("modality is CT", {"Modality": "CT"}),
    ("body part is HAND", {"BodyPartExamined": "HAND"}),
    ("does not speak of the chest", {"BodyPartExamined": None, "StudyDescription": "Teeth"}),
    ("view is “LL”", {"ViewPosition": "LL"}),
    ("writing is burnt into", {"BurnedInAnnotation": "YES"}),
    ("2 frames", {"NumberOfFrames": 2}),
    ("does not give Rows", {"Rows": None}),
    ("does not give PhotometricInterpretation", {"PhotometricInterpretation": None}),
    ("more than any film", {"Rows": 65535, "Columns": 65535}),
    ("high bit is 13", {"BitsStored": 10, "HighBit": 13}),
    ("not square", {"PixelSpacing": [0.2, 0.1]}),
    ("holds no pixels", {"PixelData": b""}),
    ("photometric interpretation is PALETTE COLOR", {"PhotometricInterpretation": "PALETTE COLOR"}),
    ("less than expected", {"PixelData": phantom(1).tobytes()[:20000]}),
    ("12 of 12 bits", {"BitsAllocated": 12, "BitsStored": 12, "HighBit": 11}),
]


@pytest.mark.parametrize(("reason", "elements"), REFUSED, ids=[reason for reason, _elements in REFUSED])
def test_what_is_no_frontal_chest_film_is_refused(source: Path, reason: str, elements: dict[str, Any]) -> None:
    write_dicom(source / "film.dcm", phantom(1), **elements)
    write_dicom(source / "good.dcm", phantom(2))
    summary = bring_in(source)
    assert summary.imported == 1
    assert reason in summary.refused["film.dcm"]


# Values as no header should hold them, written past pydicom's checks.
MALFORMED: list[tuple[str, str, Any]] = [
    ("NumberOfFrames", "IS", "1\\2"),
    ("NumberOfFrames", "IS", "two"),
    ("PixelSpacing", "DS", "0.2"),
    ("PixelAspectRatio", "IS", "1"),
    ("Rows", "US", [SIDE, SIDE]),
    ("BitsStored", "US", [16, 16]),
    ("PixelPaddingValue", "US", [0, 0]),
    ("PhotometricInterpretation", "CS", "MONOCHROME2\\MONOCHROME1"),
    ("SamplesPerPixel", "US", [1, 1]),
    ("PixelRepresentation", "US", [0, 0]),
    ("RescaleSlope", "DS", ""),
    ("RescaleSlope", "DS", "1\\2"),
    ("RescaleIntercept", "DS", "1\\2"),
]


@pytest.mark.parametrize(("keyword", "vr", "value"), MALFORMED)
def test_a_malformed_header_is_refused_in_one_sentence_and_the_rest_come_in(
    source: Path, keyword: str, vr: str, value: Any
) -> None:
    dataset = dicom(phantom(1), RescaleSlope=1, RescaleIntercept=0)
    element = DataElement(tag_for_keyword(keyword), vr, None)
    element._value = value.split("\\") if isinstance(value, str) and "\\" in value else value
    dataset[keyword] = element
    dataset.save_as(source / "film.dcm")
    write_dicom(source / "good.dcm", phantom(2))
    summary = bring_in(source)
    assert (summary.imported, list(summary.refused)) == (1, ["film.dcm"])
    assert summary.refused["film.dcm"].endswith(".")


def test_a_film_in_colour_and_a_tiny_one_are_refused(source: Path) -> None:
    colours = np.stack([grey8(1), grey8(2), grey8(3)], axis=2)
    write_dicom(source / "colour.dcm", colours, PhotometricInterpretation="RGB", PlanarConfiguration=0)
    write_dicom(source / "tiny.dcm", phantom(1)[:64, :64])
    assert bring_in(source).refused == {
        "colour.dcm": "It is in colour.",
        "tiny.dcm": "It has 64 × 64 pixels, too few for a radiograph.",
    }


@pytest.mark.parametrize("said", [{"ConversionType": "SYN"}, {"SyntheticData": "YES"}])
def test_a_film_that_says_it_is_synthetic_may_be_tiny_and_stays_from_among_real_ones(
    source: Path, said: dict[str, str]
) -> None:
    write_dicom(source / "film.dcm", phantom(1)[:64, :64], **said)
    assert "it is synthetic" in bring_in(source).refused["film.dcm"]
    assert bring_in(source, "drawn", truth="synthetic").imported == 1


def make_empty(path: Path) -> None:
    path.touch()


def make_page(path: Path) -> None:
    path.write_text("<html>Sign in</html>")


def make_preamble_only(path: Path) -> None:
    path.write_bytes(b"\0" * 128 + b"DICM")


def make_stream_that_ends_its_decoder(path: Path) -> None:
    dataset = dicom(phantom(1))
    dataset.PixelData = encapsulate([b"\xff\x4f\xff\x51" + bytes(range(256)) * 8])
    dataset.file_meta.TransferSyntaxUID = JPEG2000Lossless
    dataset.save_as(path)


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (make_empty, "The file is empty."),
        (make_page, "It is not a DICOM file"),
        (make_preamble_only, "It holds no image."),
        (make_stream_that_ends_its_decoder, "Its pixels cannot be decoded"),
    ],
)
def test_broken_files_are_named_and_the_rest_come_in(source: Path, make: Callable[[Path], None], reason: str) -> None:
    make(source / "broken.dcm")
    after = dicom(phantom(1))
    after.compress(RLELossless, generate_instance_uid=False)
    after.save_as(source / "good.dcm")
    summary = bring_in(source)
    assert summary.imported == 1
    assert summary.refused["broken.dcm"].startswith(reason)


def test_what_is_missing_or_odd_is_to_be_looked_at(source: Path) -> None:
    write_dicom(source / "film.dcm", phantom(1), PatientID=None, ViewPosition=None, PatientPosition="XX")
    write_dicom(source / "long.dcm", phantom(2), PixelData=phantom(2).tobytes() + bytes(4096))
    write_dicom(source / "false.dcm", phantom(3), PhotometricInterpretation="MONOCHROME1")
    summary = bring_in(source)
    assert summary.notes == [
        "Films whose header does not give PatientID: 1.",
        "Films whose header does not give ViewPosition: 1.",
    ]
    assert summary.doubts == {
        "film.dcm": "Its patient position is XX, which is no position.",
        "long.dcm": "It holds more pixels than its rows and columns.",
        "false.dcm": "The chest is darker than what surrounds it: a negative, or a white border.",
    }
    assert stored("film.dcm").patient == ""


def test_one_instance_uid_with_two_films_is_a_contradiction_also_in_a_later_run(source: Path) -> None:
    write_dicom(source / "a.dcm", phantom(1), SOPInstanceUID="1.2.3")
    write_dicom(source / "b.dcm", phantom(1), SOPInstanceUID="1.2.3")
    assert bring_in(source).duplicates == 1
    write_dicom(source / "c.dcm", phantom(2), SOPInstanceUID="1.2.3")
    summary = bring_in(source)
    assert (summary.already_present, summary.duplicates) == (1, 1)
    assert summary.refused == {"c.dcm": "It has the SOP Instance UID of a.dcm, but other pixels."}


def test_a_folder_of_dicom_and_pictures_needs_a_format(source: Path) -> None:
    write_dicom(source / "a.dcm", phantom(1))
    write_picture(source / "b.png", phantom(2))
    with pytest.raises(Exception, match="say by --format which to import"):
        bring_in(source)
    assert bring_in(source, form="dicom").found == 1
    assert bring_in(source, form="folder").found == 1
