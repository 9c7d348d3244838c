"""Drawn films as DICOM: Secondary Capture images whose every level says that they are synthetic.

The element Synthetic Data (0008,001C) is left out: it came into the standard in 2022, and validators from before refuse
a file that has it. Conversion Type SYN says the same, and always has.
"""

from __future__ import annotations

from pathlib import Path
from uuid import NAMESPACE_OID, uuid5

import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import UID, ExplicitVRLittleEndian, SecondaryCaptureImageStorage

from gan.pixels import FULL_SCALE, Film, film_hash
from gan.whole_file import whole_file

MAKER, MODEL = "readerstudy", "progressive generative adversarial network"


def write_dicom(
    path: Path, film: Film, *, generator: str, seed: int, images: int, truncation: float = 1.0, target: str = ""
) -> None:
    """Write a drawn film as a DICOM file, whole or not at all.

    `generator` is the SHA-256 of the weights, `images` how many it was shown in training. `target` says in plain ASCII
    what a film was steered to from the latent of its seed. The same film by the same generator from the same seed has
    the same identifiers and the same bytes; another film never has.
    """
    # A film is not known by its seed where it was steered, to one target or another.
    name = f"{seed}-{film_hash(film)[:16]}" if target else str(seed)
    dataset = _patient(generator, name) | _study(generator, name) | _equipment(generator) | _image(film)
    dataset["ImageComments"] = f"SYNTHETIC: film of seed {seed}, no image of any patient" + (
        f". Target {target} (classifier, unverified)" if target else ""
    )
    way = f"steered from seed {seed} to a target" if target else f"seed {seed}; truncation {truncation}"
    dataset["DerivationDescription"] = (
        "Synthetic: drawn by a generative network, no image of any patient. "
        f"Generator SHA-256 {generator}, trained on {images} images shown; {way}."
    )
    dataset["SOPInstanceUID"] = _uid(f"{generator} {seed} {film_hash(film)}")
    with whole_file(path) as file:
        _file(dataset).save_as(file, enforce_file_format=True)


def _patient(generator: str, name: str) -> dict[str, object]:
    return {
        "PatientName": "Synthetic^Film",
        "PatientID": f"SYNTHETIC-{generator[:16]}-{name}",
        "PatientBirthDate": "",
        "PatientSex": "",
        "PatientComments": "Synthetic. There is no such person.",
        "PatientIdentityRemoved": "YES",
        "DeidentificationMethod": "Drawn by a generative network; there is no patient",
    }


def _study(generator: str, name: str) -> dict[str, object]:
    """Each film is a study and a series of its own, as each is of a person of its own."""
    return {
        "StudyInstanceUID": _uid(f"study {generator} {name}"),
        "StudyDate": "",
        "StudyTime": "",
        "ReferringPhysicianName": "",
        "StudyID": "SYNTHETIC",
        "AccessionNumber": "",
        "StudyDescription": "SYNTHETIC chest radiograph",
        "SeriesInstanceUID": _uid(f"series {generator} {name}"),
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


def _image(film: Film) -> dict[str, object]:
    rows, columns = film.shape
    return {
        "SOPClassUID": SecondaryCaptureImageStorage,
        "ImageType": ["DERIVED", "SECONDARY", "SYNTHETIC"],
        "InstanceNumber": 1,
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
