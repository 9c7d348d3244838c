"""What readers said beside the question: of single films, and of all of them together. Only of unblinded studies."""

from __future__ import annotations

import json
from pathlib import Path

from evaluation.readers.rows import write_rows
from readerstudy.reading.models import OverallRemark, Remark
from readerstudy.results.table import require_unblinded, withdrawn
from readerstudy.studies.models import Deviation, Study

COLUMNS = (
    "reader",
    "moment",
    "case",
    "case_on_the_right",
    "sitting",
    "position",
    "kind",
    "cues",
    "findings",
    "regions",
    "text",
    "seconds",
)
OF_ONE_FILM = "film"


def write_remarks(path: Path, study: Study) -> int:
    """Write all remarks as a CSV file, whole or not at all, and return their number.

    Those of single films come first, by reader, sitting and position. `moment` is “film”, or when all films were spoken
    of (`OverallRemark.Moment`). Cues are joined with |; findings (certainty by name) and regions are JSON. Remarks of
    withdrawn readers and films are left out. Raises ValidationError before unblinding.
    """
    require_unblinded(study)
    rows = [_of_film(remark) for remark in _remarks(study)]
    rows += [_of_all(remark) for remark in overall_remarks(study)]
    write_rows(path, COLUMNS, [[row.get(name) for name in COLUMNS] for row in rows])
    return len(rows)


def overall_remarks(study: Study) -> list[OverallRemark]:
    """What readers who stay in the analysis said of all films together."""
    left = Deviation.objects.filter(study=study, kind=Deviation.Kind.READER_WITHDRAWN).values("reader")
    remarks = OverallRemark.objects.filter(reader__study=study).exclude(reader__in=left)
    return list(remarks.select_related("reader").order_by("reader_id", "made_at"))


def _remarks(study: Study) -> list[Remark]:
    remarks = Remark.objects.filter(slot__sitting__reader__study=study).exclude(withdrawn(study, "slot__"))
    return list(
        remarks.select_related("slot__sitting__reader", "slot__case", "slot__other_case").order_by(
            "slot__sitting__reader_id", "slot__sitting__number", "slot__position"
        )
    )


def _of_film(remark: Remark) -> dict[str, object]:
    slot = remark.slot
    return {
        "reader": slot.sitting.reader.pseudonym,
        "moment": OF_ONE_FILM,
        "case": slot.case.code,
        "case_on_the_right": slot.other_case.code if slot.other_case else "",
        "sitting": slot.sitting.number,
        "position": slot.position,
        "kind": slot.kind,
        "cues": "|".join(remark.cues),
        "findings": json.dumps(remark.findings, sort_keys=True) if remark.findings else "",
        "regions": json.dumps(remark.regions) if remark.regions else "",
        "text": remark.text,
        "seconds": remark.milliseconds / 1000,
    }


def _of_all(remark: OverallRemark) -> dict[str, object]:
    return {
        "reader": remark.reader.pseudonym,
        "moment": remark.moment,
        "cues": "|".join(remark.cues),
        "text": remark.text,
    }
