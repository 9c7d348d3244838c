"""Drawn films as DICOM: Secondary Capture images whose every level says that they are synthetic."""

from __future__ import annotations

from pathlib import Path
from uuid import NAMESPACE_OID, uuid5

import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import UID, ExplicitVRLittleEndian, SecondaryCaptureImageStorage

from gan.pixels import FULL_SCALE, Film, film_hash
from gan.whole_file import whole_file

MAKER, MODEL = "readerstudy", "progressive generative adversarial network"


def write_dicom(path: Path, film: Film, *, generator: str, seed: int, truncation: float, images: int) -> None:
    """Write a drawn film as a DICOM file, whole or not at all.

    `generator` is the SHA-256 of the weights, `images` how many it was shown in training. The same film by the same
    generator from the same seed has the same identifiers and the same bytes; another film never has.
    """
    dataset = _patient(generator, seed) | _study(generator, seed) | _equipment(generator) | _image(film, seed)
    dataset["DerivationDescription"] = (
        "Synthetic: drawn by a generative network, no image of any patient. "
        f"Generator SHA-256 {generator}, trained on {images} images shown; seed {seed}; truncation {truncation}."
    )
    dataset["SOPInstanceUID"] = _uid(f"{generator} {seed} {film_hash(film)}")
    with whole_file(path) as file:
        _file(dataset).save_as(file, enforce_file_format=True)


def _patient(generator: str, seed: int) -> dict[str, object]:
    return {
        "PatientName": "Synthetic^Film",
        "PatientID": f"SYNTHETIC-{generator[:16]}-{seed}",
        "PatientBirthDate": "",
        "PatientSex": "",
        "PatientComments": "Synthetic. There is no such person.",
        "PatientIdentityRemoved": "YES",
        "DeidentificationMethod": "Drawn by a generative network; there is no patient",
    }


def _study(generator: str, seed: int) -> dict[str, object]:
    """Each film is a study and a series of its own, as each is of a person of its own."""
    return {
        "StudyInstanceUID": _uid(f"study {generator} {seed}"),
        "StudyDate": "",
        "StudyTime": "",
        "ReferringPhysicianName": "",
        "StudyID": "SYNTHETIC",
        "AccessionNumber": "",
        "StudyDescription": "SYNTHETIC chest radiograph",
        "SeriesInstanceUID": _uid(f"series {generator} {seed}"),
        "SeriesNumber": 1,
        "SeriesDescription": "SYNTHETIC, drawn by a generative network",
        # What it is drawn to look like, so that viewers show it as a radiograph.
        "Modality": "DX",
        "BodyPartExamined": "CHEST",
    }


def _equipment(generator: str) -> dict[str, object]:
    """The generator made the image, and nothing else captured it (PS3.3, table C.8-24)."""
    return {
        "ConversionType": "SYN",
        "Manufacturer": MAKER,
        "ManufacturerModelName": MODEL,
        "DeviceSerialNumber": generator,
        "SecondaryCaptureDeviceManufacturer": MAKER,
        "SecondaryCaptureDeviceManufacturerModelName": MODEL,
        "SecondaryCaptureDeviceID": generator,
    }


def _image(film: Film, seed: int) -> dict[str, object]:
    rows, columns = film.shape
    return {
        "SOPClassUID": SecondaryCaptureImageStorage,
        "SyntheticData": "YES",
        "ImageType": ["DERIVED", "SECONDARY", "SYNTHETIC"],
        "InstanceNumber": 1,
        "ImageComments": f"SYNTHETIC: film of seed {seed}, no image of any patient",
        "PatientOrientation": "",
        "BurnedInAnnotation": "NO",
        "RecognizableVisualFeatures": "NO",
        "LossyImageCompression": "00",
        "SamplesPerPixel": 1,
        "PhotometricInterpretation": "MONOCHROME2",
        "Rows": rows,
        "Columns": columns,
        "BitsAllocated": 16,
        "BitsStored": 16,
        "HighBit": 15,
        "PixelRepresentation": 0,
        # Viewers that are told no window look for one, each in its own way.
        "WindowCenter": (FULL_SCALE + 1) // 2,
        "WindowWidth": FULL_SCALE + 1,
        "PresentationLUTShape": "IDENTITY",
        "PixelData": np.ascontiguousarray(film, dtype="<u2").tobytes(),
    }


def _file(values: dict[str, object]) -> Dataset:
    dataset = Dataset()
    for keyword, value in values.items():
        setattr(dataset, keyword, value)
    dataset["PixelData"].VR = "OW"
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    return dataset


def _uid(name: str) -> UID:
    """An identifier of the name's own, below the root that needs no registration (PS3.5, B.2)."""
    return UID(f"2.25.{uuid5(NAMESPACE_OID, f'{MAKER} {name}').int}")
