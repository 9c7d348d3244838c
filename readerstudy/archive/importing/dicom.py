"""DICOM files of computed and digital radiography (CR, DX).

From the header come patient, age, sex and view, and nothing else: names, dates and private tags stay outside. The
values of interest (VOI) are not applied; the one intensity rule of `gan.pixels` takes their place.
"""

from __future__ import annotations

import logging
import warnings
from collections import Counter
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pydicom
from django.utils.translation import gettext as _
from pydicom.dataset import Dataset
from pydicom.pixels.processing import apply_modality_lut
from pydicom.pixels.utils import pixel_array

from gan.findings import FINDINGS, NO_FINDING
from gan.pixels import canonical
from readerstudy.archive.importing.decoding import Decoder, Undecodable, in_one_line
from readerstudy.archive.importing.facts import Facts, frontal_view
from readerstudy.archive.importing.found import FoundFilm, Known, Pixels, Refused, Source
from readerstudy.archive.importing.walk import files_below, place_in

SUFFIXES = (".dcm", ".dicom", ".dic", ".ima")
MODALITIES = ("CR", "DX")
CHEST = ("CHEST", "THORAX", "LUNG", "CXR")
# Some archives write the finding where the description belongs.
SPEAKS_OF_CHEST = (*CHEST, *(name.upper().replace("_", " ") for name in (*FINDINGS, NO_FINDING)))
NEEDED = ("Rows", "Columns", "BitsAllocated", "BitsStored", "HighBit", "PhotometricInterpretation")
# Films come in without these; how many do is said once.
WANTED = ("Modality", "BodyPartExamined", "ViewPosition", "PatientID", "SOPInstanceUID")
GREY = ("MONOCHROME1", "MONOCHROME2")
SMALLEST_SIDE = 128
# A film of 43 × 43 cm at 0.05 mm has 74 million pixels; a header that claims more is wrong.
MOST_PIXELS = 100_000_000

# What pydicom would say of odd values is said here, once for each film and in the summary.
pydicom.config.settings.reading_validation_mode = pydicom.config.IGNORE
logging.getLogger("pydicom").setLevel(logging.ERROR)


def is_here(folder: Path) -> bool:
    return any(_is_dicom(path) for path in files_below(folder))


def find(folder: Path) -> Source:
    paths = files_below(folder)
    facts, decoder = Facts(), Decoder()
    missing: Counter[str] = Counter()
    films = [_found(path, folder, facts, missing, decoder) for path in paths if _is_dicom(path)]
    others = [path.name for path in paths if not _is_dicom(path)]
    notes = [
        _("Files that are not DICOM and were passed over: %(count)d, such as %(examples)s.")
        % {"count": len(others), "examples": ", ".join(others[:5])}
    ]
    gaps = [
        _("Films whose header does not give %(element)s: %(count)d.") % {"element": element, "count": count}
        for element, count in sorted(missing.items())
    ]
    return Source("dicom", films, [*(notes if others else []), *gaps, *facts.notes()])


def read_dicom(path: Path, decoder: Decoder) -> Pixels:
    """Raises Refused."""
    try:
        return _read(path, decoder)
    except Refused:
        raise
    # An element with no value, or with two where one belongs, breaks whatever computes with it.
    except Exception as error:
        raise Refused(_malformed(error)) from error


def _read(path: Path, decoder: Decoder) -> Pixels:
    dataset = _opened(path, stop_before_pixels=False)
    _check_pixels(dataset)
    stored = _grey(_decoded(dataset, path, decoder), dataset)
    outside = _padding(dataset, stored)
    values = apply_modality_lut(stored, dataset)
    try:
        film = canonical(values, inverted=dataset.PhotometricInterpretation == "MONOCHROME1", outside=outside)
    except ValueError as error:
        raise Refused(str(error)) from error
    doubts = (_("It holds more pixels than its rows and columns."),) if _has_more_pixels(dataset, stored) else ()
    return Pixels(film, (int(dataset.Rows), int(dataset.Columns)), 2 ** int(dataset.BitsStored), doubts)


def _is_dicom(path: Path) -> bool:
    """By its name, or by its signature where it has another name; DICOMDIR is a list of files and no film."""
    if path.suffix.lower() in SUFFIXES:
        return True
    if path.name.upper() == "DICOMDIR":
        return False
    try:
        with path.open("rb") as file:
            return file.read(132)[128:] == b"DICM"
    except OSError:
        return False


def _found(path: Path, folder: Path, facts: Facts, missing: Counter[str], decoder: Decoder) -> FoundFilm:
    known, refusal, instance = Known(), "", ""
    doubts: tuple[str, ...] = ()
    try:
        header = _opened(path, stop_before_pixels=True)
        _check_kind(header)
        known, doubts = _known(header, facts), _doubts(header)
        instance = str(_value(header, "SOPInstanceUID"))
        missing.update(element for element in WANTED if not _text(header, element))
    except Refused as error:
        refusal = str(error)
    # As in `read_dicom`.
    except Exception as error:
        refusal = _malformed(error)
    reader = partial(read_dicom, decoder=decoder)
    return FoundFilm(path, place_in(folder, path), reader, known, refusal, doubts, instance)


def _malformed(error: Exception) -> str:
    return _("A value in its header is not of the form that DICOM asks for: %(reason)s.") % {
        "reason": in_one_line(error)
    }


def _opened(path: Path, *, stop_before_pixels: bool) -> Dataset:
    try:
        if not path.stat().st_size:
            raise Refused(_("The file is empty."))
        return pydicom.dcmread(path, stop_before_pixels=stop_before_pixels)
    except pydicom.errors.InvalidDicomError as error:
        raise Refused(_("It is not a DICOM file: it lacks the preamble with the letters DICM.")) from error
    except Refused:
        raise
    # A broken file raises whatever the reader stumbles over.
    except Exception as error:
        raise Refused(_("Its header cannot be read: %(reason)s.") % {"reason": in_one_line(error)}) from error


def _value(dataset: Dataset, keyword: str) -> Any:
    """An element's value, "" where it is missing. Raises Refused where it cannot be read."""
    try:
        value = dataset.get(keyword)
    except Exception as error:
        raise Refused(
            _("%(element)s in its header cannot be read: %(reason)s.")
            % {"element": keyword, "reason": in_one_line(error)}
        ) from error
    return "" if value is None else value


def _text(dataset: Dataset, keyword: str) -> str:
    return str(_value(dataset, keyword)).strip().upper()


def _check_kind(header: Dataset) -> None:
    """Refuse what is no frontal film of a chest, or is not to be shown."""
    if not len(header):
        raise Refused(_("It holds no image."))
    modality = _text(header, "Modality")
    if modality and modality not in MODALITIES:
        raise Refused(_("Its modality is %(modality)s, not CR or DX.") % {"modality": modality})
    part = _text(header, "BodyPartExamined")
    if part and not any(word in part for word in CHEST):
        raise Refused(_("Its body part is %(part)s, not the chest.") % {"part": part})
    description = " ".join(_text(header, f"{level}Description") for level in ("Study", "Series")).strip()
    if not part and description and not any(word in description for word in SPEAKS_OF_CHEST):
        raise Refused(
            _("Its body part is not given, and its description does not speak of the chest: “%(description)s”.")
            % {"description": description}
        )
    frontal_view(_text(header, "ViewPosition"))
    if _text(header, "BurnedInAnnotation") == "YES":
        raise Refused(_("Its header says that writing is burnt into the film, which may name the patient."))
    if int(_value(header, "NumberOfFrames") or 1) > 1:
        raise Refused(_("It has %(frames)s frames; a film is one.") % {"frames": header.NumberOfFrames})


def _known(header: Dataset, facts: Facts) -> Known:
    known = facts.known(
        {
            "patient_id": str(_value(header, "PatientID")),
            "age": str(_value(header, "PatientAge")),
            "sex": str(_value(header, "PatientSex")),
            "view": _text(header, "ViewPosition"),
        }
    )
    return replace(known, is_synthetic=_is_synthetic(header))


def _is_synthetic(header: Dataset) -> bool:
    """Conversion Type says it since there are secondary captures, Synthetic Data since 2022."""
    return _text(header, "ConversionType") == "SYN" or _text(header, "SyntheticData") == "YES"


def _doubts(header: Dataset) -> tuple[str, ...]:
    """What is odd but no reason to refuse."""
    if _text(header, "PatientPosition") == "XX":
        return (_("Its patient position is XX, which is no position."),)
    return ()


def _check_pixels(dataset: Dataset) -> None:
    """Refuse pixels that would be misread, before they are decoded."""
    missing = [name for name in NEEDED if _value(dataset, name) == ""]
    if missing:
        raise Refused(_("Its header does not give %(missing)s.") % {"missing": ", ".join(missing)})
    rows, columns = int(dataset.Rows), int(dataset.Columns)
    if rows * columns > MOST_PIXELS:
        raise Refused(_("It claims %(rows)d × %(columns)d pixels, more than any film.") % _size(rows, columns))
    # A generator may draw films as small as it likes; they are radiographs of nobody.
    if min(rows, columns) < SMALLEST_SIDE and not _is_synthetic(dataset):
        raise Refused(_("It has %(rows)d × %(columns)d pixels, too few for a radiograph.") % _size(rows, columns))
    allocated, stored, high = (int(_value(dataset, name)) for name in ("BitsAllocated", "BitsStored", "HighBit"))
    if allocated not in (8, 16) or not 8 <= stored <= allocated:
        raise Refused(
            _("It stores %(stored)d of %(allocated)d bits; films of 8 to 16 bits in 8 or 16 are read.")
            % {"stored": stored, "allocated": allocated}
        )
    if high != stored - 1:
        raise Refused(
            _("Its high bit is %(high)d where %(stored)d bits are stored, so its values lie shifted.")
            % {"high": high, "stored": stored}
        )
    if not _has_square_pixels(dataset):
        raise Refused(_("Its pixels are not square, so the film would be shown out of shape."))
    if not dataset.get("PixelData"):
        raise Refused(_("It holds no pixels."))


def _size(rows: int, columns: int) -> dict[str, int]:
    return {"rows": rows, "columns": columns}


def _has_square_pixels(dataset: Dataset) -> bool:
    for keyword in ("PixelAspectRatio", "PixelSpacing", "ImagerPixelSpacing"):
        value = _value(dataset, keyword)
        if value and len(value) == 2 and all(float(side) > 0 for side in value):
            down, across = (float(side) for side in value)
            if abs(down / across - 1) > 0.01:
                return False
    return True


def _decoded(dataset: Dataset, path: Path, decoder: Decoder) -> npt.NDArray:
    """Stored values. Raises Refused."""
    try:
        syntax = dataset.file_meta.TransferSyntaxUID
        if syntax.is_encapsulated:
            return decoder.decode(path)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return pixel_array(dataset)
    except (Undecodable, AttributeError, ValueError, NotImplementedError, RuntimeError) as error:
        raise Refused(_("Its pixels cannot be decoded: %(reason)s.") % {"reason": in_one_line(error)}) from error


def _grey(stored: npt.NDArray, dataset: Dataset) -> npt.NDArray:
    """(rows, columns) of a grey film, also of one that was stored in three equal channels. Raises Refused."""
    if stored.ndim == 3 and stored.shape[2] == 3:
        red, green, blue = (stored[..., channel].astype(int) for channel in range(3))
        # In a JPEG the channels of a grey film differ by a step or two.
        if max(np.abs(red - green).max(), np.abs(green - blue).max()) > 2:
            raise Refused(_("It is in colour."))
        return stored[..., 1]
    if dataset.PhotometricInterpretation not in GREY:
        raise Refused(_("Its photometric interpretation is %(name)s.") % {"name": dataset.PhotometricInterpretation})
    return stored


def _has_more_pixels(dataset: Dataset, stored: npt.NDArray) -> bool:
    """Beyond the one byte that makes an odd length even; of a compressed stream the length says nothing."""
    expected = stored.size * int(dataset.SamplesPerPixel or 1) * int(dataset.BitsAllocated) // 8
    return not dataset.file_meta.TransferSyntaxUID.is_encapsulated and len(dataset.PixelData) > expected + 1


def _padding(dataset: Dataset, stored: npt.NDArray) -> npt.NDArray[np.bool_] | None:
    """Where the header says that there is no film: in the padding value, or between it and the range's limit."""
    first = _value(dataset, "PixelPaddingValue")
    if first == "":
        return None
    limit = _value(dataset, "PixelPaddingRangeLimit")
    low, high = sorted((int(first), int(first if limit == "" else limit)))
    return (stored >= low) & (stored <= high)
