"""Drawn films as DICOM: they say that they are synthetic, hold to the standard, and keep every pixel."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset

from gan.drawing import Drawer
from gan.pixels import Film, canonical
from gan.synthetic_dicom import write_dicom

PRETRAINED = Path(__file__).parents[2] / "gan" / "pretrained" / "phantoms-128.safetensors"
GENERATOR = "9c" * 32


@pytest.fixture(scope="module")
def film() -> Film:
    return Drawer(PRETRAINED).films([7])[0]


def written(path: Path, film: Film, **changes: object) -> Dataset:
    origin: dict[str, object] = {"generator": GENERATOR, "seed": 7, "truncation": 0.8, "images": 120_000}
    write_dicom(path, film, **(origin | changes))  # type: ignore[arg-type]
    return pydicom.dcmread(path)


def test_a_film_keeps_every_pixel_and_comes_back_in_canonical_form(tmp_path: Path, film: Film) -> None:
    said = written(tmp_path / "film.dcm", film)
    assert np.array_equal(said.pixel_array, film)
    assert np.array_equal(canonical(said.pixel_array), film)
    assert (said.BitsStored, said.PhotometricInterpretation, said.Rows, said.Columns) == (16, "MONOCHROME2", 128, 128)
    assert [path.name for path in tmp_path.iterdir()] == ["film.dcm"]


def test_patient_study_series_and_image_say_that_it_is_synthetic(tmp_path: Path, film: Film) -> None:
    said = written(tmp_path / "film.dcm", film)
    assert said.SOPClassUID.name == "Secondary Capture Image Storage"
    # PS3.3, table C.8-24: SYN, synthetic image.
    assert (said.ConversionType, list(said.ImageType)) == ("SYN", ["DERIVED", "SECONDARY", "SYNTHETIC"])
    for text in (said.PatientName, said.PatientID, said.StudyDescription, said.SeriesDescription, said.ImageComments):
        assert "synthetic" in str(text).lower()
    assert (said.BurnedInAnnotation, said.PatientIdentityRemoved) == ("NO", "YES")
    assert said.DerivationDescription == (
        "Synthetic: drawn by a generative network, no image of any patient. "
        f"Generator SHA-256 {GENERATOR}, trained on 120000 images shown; seed 7; truncation 0.8."
    )


def test_identifiers_follow_from_generator_and_film(tmp_path: Path, film: Film) -> None:
    one = written(tmp_path / "one.dcm", film)
    written(tmp_path / "again.dcm", film)
    assert (tmp_path / "one.dcm").read_bytes() == (tmp_path / "again.dcm").read_bytes()
    others = [
        written(tmp_path / "seed.dcm", film, seed=8),
        written(tmp_path / "generator.dcm", film, generator="00" * 32),
        written(tmp_path / "film.dcm", film[::-1]),
    ]
    identifiers = [said.SOPInstanceUID for said in (one, *others)]
    assert len(set(identifiers)) == 4
    assert all(uid.is_valid and uid.startswith("2.25.") for uid in identifiers)
    assert others[2].PatientID == one.PatientID != others[0].PatientID != others[1].PatientID


def test_a_steered_film_says_its_target_and_is_not_known_by_its_seed(tmp_path: Path, film: Film) -> None:
    plain = written(tmp_path / "plain.dcm", film)
    steered = written(tmp_path / "steered.dcm", film, target="Effusion")
    other = written(tmp_path / "other.dcm", film[::-1], target="Mass without Hernia", seed=2**63 - 1)
    assert steered.ImageComments.endswith("Target Effusion (classifier, unverified)")
    assert "unverified" not in plain.ImageComments
    assert "steered from seed 7 to a target" in steered.DerivationDescription
    for element in ("PatientID", "StudyInstanceUID", "SeriesInstanceUID"):
        assert len({said[element].value for said in (plain, steered, other)}) == 3
    assert len(other.PatientID) <= 64


@pytest.mark.skipif(not shutil.which("dciodvfy"), reason="dciodvfy (Debian: dicom3tools) is not installed.")
@pytest.mark.parametrize(("side", "target"), [(4, ""), (128, ""), (128, "Cardiomegaly with Effusion")])
def test_the_standards_validator_finds_no_error(tmp_path: Path, film: Film, side: int, target: str) -> None:
    written(tmp_path / "film.dcm", film[:side, :side], target=target)
    found = subprocess.run(["dciodvfy", tmp_path / "film.dcm"], capture_output=True, text=True, check=False)
    lines = found.stderr.splitlines()
    assert "SCImage" in lines
    assert [line for line in lines if "Error" in line] == []
