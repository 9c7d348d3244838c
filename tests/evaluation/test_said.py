"""What the report prints of a study's design, and of what readers said beside their ratings."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from evaluation.cues import cue_counts
from evaluation.readers.reading import Reading
from evaluation.study import Person, Remark
from tests.evaluation.studies import reading, study
from tests.evaluation.test_report import report

WORDS = {"ribs": "ribs: count, course or texture", "noise": "uniform grain or noise"}


def said(case: str, role: str, rating: float, cues: str, **fields: Any) -> Reading:
    return replace(reading("R1", case, role, role, rating), extra={"cues": cues}, **fields)


def test_cues_are_counted_of_films_that_were_rated_synthetic() -> None:
    rows = [
        said("1", "generator", 6, "ribs|noise"),
        said("2", "generator", 4, "ribs"),
        said("3", "generator", 3, "noise"),
        said("4", "generator", 5, ""),
        said("5", "real", 5, "noise"),
        said("6", "real", 1, "ribs"),
        said("7", "control-degraded", 6, "noise"),
        said("1", "generator", 6, "noise", kind="repeat"),
    ]
    assert cue_counts(rows, WORDS, 4) == {
        "of_hits": 3,
        "of_false_alarms": 1,
        "cues": [
            {"cue": WORDS["ribs"], "hits": 2, "false_alarms": 0},
            {"cue": WORDS["noise"], "hits": 1, "false_alarms": 1},
        ],
    }
    assert cue_counts([replace(row, extra={}) for row in rows], WORDS, 4) is None


def test_the_report_has_a_table_of_cues_where_they_were_asked_for(tmp_path: Path) -> None:
    given = study()
    page, _, _ = report(tmp_path / "none", given)
    assert "What readers said" not in page.text
    rows = [replace(row, extra={"cues": "ribs" if row.truth == "synthetic" else ""}) for row in given.readings]
    page, _, figures = report(tmp_path / "cues", replace(given, readings=rows, cues=WORDS))
    hits = sum(row.truth == "synthetic" and row.rating >= 4 for row in rows)
    assert figures["cue_counts"]["cues"][0] == {"cue": WORDS["ribs"], "hits": hits, "false_alarms": 0}
    assert WORDS["ribs"] in page.text


def test_what_struck_readers_before_they_were_told_is_quoted(tmp_path: Path) -> None:
    noticed = [Remark("R1", "All very <clean>."), Remark("R2", ""), Remark("R3", "Nothing.")]
    page, html, _ = report(tmp_path, replace(study(), noticed=noticed))
    assert "2 of 3 wrote something" in page.text
    assert "R1: “All very <clean>.”" in page.text
    assert "R2:" not in page.text
    assert "<clean>" not in html


def test_readers_and_displays_are_described_where_they_were_asked(tmp_path: Path) -> None:
    people = [Person("R1", "radiologist", 12, displays=["laptop, room: dim", "clinical display"]), Person("R2")]
    page, _, figures = report(tmp_path, replace(study(), people=people))
    assert "laptop, room: dim; clinical display" in page.text
    assert "synthetic films seen before" not in page.text
    assert [person["years"] for person in figures["people"]] == [12, None]
    page, _, _ = report(tmp_path / "seen", replace(study(), people=[replace(people[0], exposure="a few times")]))
    assert "synthetic films seen before" in page.text


@pytest.mark.parametrize(
    ("plan", "printed"),
    [
        ({}, ["a six-point rating of each film", "none", "no pauses", "each answer was locked at once", "nothing"]),
        ({"question": "confidence"}, ["real or synthetic, then how sure"]),
        ({"practice_films": 6}, ["6 films per reader, without feedback"]),
        ({"practice_films": 6, "practice_feedback": True}, ["6 films per reader, each followed by its truth"]),
        ({"repeats": 4, "repeat_lag": 10}, ["4 films per reader and sitting, with at least 10 others between"]),
        ({"sittings": 2, "washout_days": 28}, ["2, at least 28 days apart"]),
        ({"block_films": 50}, ["a pause after every 50 films"]),
        ({"amend_seconds": 30}, ["the last answer, for 30 seconds; 3 answers were amended"]),
        ({"consent_version": "en-1"}, ["text of version en-1"]),
        ({"asked_beside": ["cues, after each film", "regions"]}, ["cues, after each film; regions"]),
        (
            {"purpose_blind_films": 8, "ethics_reference": "EK 12/2026", "debriefing_version": "en-2"},
            ["8 films read for findings, before", "ethics committee: EK 12/2026; debriefing of version en-2"],
        ),
    ],
)
def test_the_factors_of_the_design_are_printed(tmp_path: Path, plan: dict[str, Any], printed: list[str]) -> None:
    small: Any = [("real", "real", 3, 0.0), ("pggan", "generator", 3, 0.7)]
    page, _, _ = report(tmp_path, study(small, readers=2, plan=plan, amended=3))
    for words in printed:
        assert words in page.text
