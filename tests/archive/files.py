"""Files for these tests: phantoms as pictures, as DICOM and as NIH lays them out."""

from __future__ import annotations

import csv
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import ComputedRadiographyImageStorage, ExplicitVRLittleEndian, generate_uid

from gan.phantom import render, sample_phantom
from readerstudy.archive.importing.summary import ImportSummary
from readerstudy.archive.models import Radiograph
from readerstudy.archive.services import import_radiographs

SIDE = 128
ACTOR = "researcher"


@cache
def phantom(seed: int) -> npt.NDArray[np.uint16]:
    return render(sample_phantom(seed), SIDE)


def grey8(seed: int) -> npt.NDArray[np.uint8]:
    return (phantom(seed) >> 8).astype(np.uint8)


def write_picture(path: Path, values: npt.NDArray) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(values).save(path)
    return path


def write_table(path: Path, header: str, *rows: str) -> None:
    path.write_text("\n".join((header, *rows)) + "\n", encoding="utf-8")


def table_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8-sig") as file:
        return list(csv.DictReader(file))


def dicom(values: npt.NDArray, *, bits: int = 16, **elements: Any) -> FileDataset:
    """A computed radiograph of the chest, with elements replaced; None takes one away."""
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.MediaStorageSOPClassUID = ComputedRadiographyImageStorage
    meta.MediaStorageSOPInstanceUID = elements.get("SOPInstanceUID") or generate_uid()
    dataset = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
    there = {
        "SOPClassUID": ComputedRadiographyImageStorage,
        "SOPInstanceUID": meta.MediaStorageSOPInstanceUID,
        "Modality": "CR",
        "BodyPartExamined": "CHEST",
        "ViewPosition": "PA",
        "PatientID": "P1",
        "PatientName": "Doe^Jane",
        "PatientAge": "058Y",
        "PatientSex": "F",
        "Rows": values.shape[0],
        "Columns": values.shape[1],
        "SamplesPerPixel": 1 if values.ndim == 2 else 3,
        "PhotometricInterpretation": "MONOCHROME2",
        "BitsAllocated": values.dtype.itemsize * 8,
        "BitsStored": min(bits, values.dtype.itemsize * 8),
        "HighBit": min(bits, values.dtype.itemsize * 8) - 1,
        "PixelRepresentation": int(np.issubdtype(values.dtype, np.signedinteger)),
        "PixelData": values.tobytes(),
    }
    for keyword, value in (there | elements).items():
        if value is not None:
            setattr(dataset, keyword, value)
    dataset["PixelData"].VR = "OW" if values.dtype.itemsize == 2 else "OB"
    return dataset


def write_dicom(path: Path, values: npt.NDArray, **elements: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    dicom(values, **elements).save_as(path)
    return path


def bring_in(path: Path, collection: str = "films", **options: Any) -> ImportSummary:
    """Import a folder; every film that was found is counted once."""
    summary = import_radiographs(path=path, collection=collection, **({"truth": "real", "actor": ACTOR} | options))
    counts = summary.counts()
    assert counts.pop("found") == sum(counts.values())
    return summary


def stored(source_path: str, collection: str = "films") -> Radiograph:
    return Radiograph.objects.get(collection__name=collection, source_path=source_path)


def findings(radiograph: Radiograph) -> set[str]:
    return {row.finding for row in radiograph.findings.all()}
