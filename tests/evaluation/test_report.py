"""The report: one page that needs nothing else, says how each figure came about, and survives odd studies."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from evaluation.analysis import analyse
from evaluation.readers.imrmc import read_imrmc
from evaluation.readers.table import read_table
from evaluation.report import write_report
from evaluation.study import Deviation, StudyInput, Training
from tests.evaluation.studies import rated, study, withdrawn

VOID = {"meta", "img", "link", "br", "hr", "input"}


class Page(HTMLParser):
    """Text, addresses and images of a page; fails on elements that are not closed in their order."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.text, self.addresses, self.images, self.stack = "", [], [], []  # type: ignore[var-annotated]
        self.feed(html)
        assert self.stack == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        self.addresses += [values[name] for name in ("src", "href", "srcset", "action", "data") if name in values]
        if tag == "img":
            self.images.append(values)
        if tag not in VOID:
            self.stack.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.stack.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.stack and self.stack[-1] != "style":
            self.text += data


def report(folder: Path, given: StudyInput) -> tuple[Page, str, dict[str, Any]]:
    """The page parsed, its HTML, and the figures beside it."""
    path = write_report(analyse(given), given, folder / "report")
    html = path.read_text(encoding="utf-8")
    figures = json.loads(
        (path.parent / "report.json").read_text(encoding="utf-8"), parse_constant=lambda name: pytest.fail(name)
    )
    page = Page(html)
    assert not re.search(r"\b(nan|inf|none|undefined)\b", page.text, re.IGNORECASE) or "None is recorded" in page.text
    assert not re.search(r"\b(nan|inf|undefined)\b", page.text, re.IGNORECASE)
    assert "indistinguishable" not in html.lower()
    return page, html, figures


CONTROLLED = [("real", "real", 20, 0.0), ("pggan", "generator", 16, 0.7), ("old", "generator", 12, 1.5),
              ("blurred", "control-degraded", 6, 3.0), ("other", "control-real", 8, 0.0)]  # fmt: skip


def test_the_page_needs_nothing_from_anywhere(tmp_path: Path) -> None:
    page, html, _ = report(tmp_path, study(CONTROLLED))
    beside = {"report.json", "answers.csv", "answers.imrmc"}
    assert {address for address in page.addresses if not address.startswith("data:")} == beside
    assert {path.name for path in (tmp_path / "report").iterdir()} == beside | {"report.html"}
    assert "<script" not in html
    assert "@import" not in html
    assert not re.search(r"url\((?!data:)", html)


def test_there_are_figures_and_a_strip_of_films_for_every_arm(tmp_path: Path) -> None:
    page, _, _ = report(tmp_path, study(CONTROLLED))
    words = [image["alt"] for image in page.images]
    assert all(words)
    assert sum(image["src"].startswith("data:image/svg+xml;base64,") for image in page.images) == 3
    assert sum(image["src"].startswith("data:image/png;base64,") for image in page.images) == 5
    assert any(alt.startswith("ROC curves") for alt in words)
    for name in ("real", "pggan", "old", "blurred", "other"):
        assert any(f"films of arm {name}," in alt for alt in words)
    assert "drawn at random by the study's seed and not picked" in page.text


def test_every_arm_has_all_that_machines_say_of_it(tmp_path: Path) -> None:
    page, _, figures = report(tmp_path, study(CONTROLLED))
    rows = page.text.split("What else machines say of the films")[1].split("Plan, as frozen")[0]
    for row in (
        "Fréchet distance, all films",
        "the same of infinitely many films",
        "kernel distance, p",
        "CMMD",
        "precision, recall",
        "density, coverage",
        "AUC of a classifier, p",
        "similarity within the set, and within real films",
        "nearer to a training film than nine in ten real films are, by features",
    ):
        assert row in rows
    for arm in figures["images"]["arms"].values():
        assert f"{arm['density']:.2f}, {arm['coverage']:.2f}" in rows
        assert f"p = {arm['two_sample']['p']:.3f}, n = {arm['two_sample']['n']}" in rows
    assert "fewer than three films a side for each feature, so nothing is extrapolated" in rows


def test_drawn_films_stand_above_the_training_films_that_they_come_near(tmp_path: Path) -> None:
    given = study()
    drawn = [film.pixels for film in given.films if film.arm == "pggan"]
    training = Training([255 * 257 - film for film in drawn[:3]] + drawn[3:5], missing="7 are not in the archive.")
    page, _, figures = report(tmp_path, replace(given, training={"pggan": training}))
    assert "8 films of arm pggan above, the training film that is nearest to each below." in [
        image["alt"] for image in page.images
    ]
    assert "Compared with 5 training films of its generators. 7 are not in the archive." in page.text
    pairs = figures["images"]["arms"]["pggan"]["memorisation"]["in_pixels"]["pairs"]
    assert {(pair["synthetic"], pair["real"]) for pair in pairs[:2]} == {(3, 3), (4, 4)}
    without, _, _ = report(tmp_path / "without", replace(given, training={"pggan": Training(missing="It is gone.")}))
    assert "Not compared with training films. It is gone." in without.text


def test_figures_say_what_they_rest_on(tmp_path: Path) -> None:
    page, _, figures = report(tmp_path, study(CONTROLLED))
    for words in (
        "Means of 3 readers over 48 films (20 real, 28 synthetic), 144 readings",
        "Obuchowski and Rockette's model with Hillis' degrees of freedom",
        "readers and films random",
        "Empirical ROC curves (3 readers, 48 films)",
        "144 readings of 3 readers, 48 films",
        "exact (Clopper–Pearson) 95 % intervals",
        "extractor texture 1, no weights",
        "n = 20 real, 16 synthetic; d = 64; covariance n-1; floor n = 10, mean over 10 splits, patients kept apart; "
        "k = 5, rule <=; kernel ((x·y)/d + 1)³, unbiased",
        "not comparable with an Inception distance",
        "The findings of these arms are not known",
    ):
        assert words in page.text
    assert "Fleiss' kappa, decisions" in page.text
    assert figures["readers"]["protocol"]["covariance"] == "jackknife"


def test_words_of_the_tables_are_explained(tmp_path: Path) -> None:
    page, _, _ = report(tmp_path, study())
    _, words = page.text.split("\n  Words\n")
    for word in (
        "Extractor",
        "Fréchet distance",
        "Floor",
        "Kernel distance",
        "Density, coverage",
        "Nearer to a training film",
        "Protocol line",
    ):
        assert f"\n    {word}" in words
    assert "median seconds" in page.text
    assert "compare their values only within their row" in page.text


def test_the_answers_beside_the_page_are_those_analysed(tmp_path: Path) -> None:
    given = study()
    report(tmp_path, given)
    assert read_table(tmp_path / "report" / "answers.csv") == given.readings
    assert len(read_imrmc(tmp_path / "report" / "answers.imrmc")) == len(given.readings)


def test_words_of_the_study_are_shown_as_words(tmp_path: Path) -> None:
    deviation = Deviation("other", "<script>alert(1)</script>", "today")
    page, html, _ = report(tmp_path, replace(study(), deviations=[deviation]))
    assert "Films & <b>drawings</b>" in page.text
    assert "<script" not in html
    assert "<script>alert(1)</script>" in page.text


def test_simulated_readers_are_named_at_the_top_and_on_every_printed_page(tmp_path: Path) -> None:
    page, html, figures = report(tmp_path / "simulated", study(simulated=True))
    assert "The readers of this study are simulated: no person has read these films." in page.text
    assert html.index('class="banner"') < html.index("Answer")
    assert "@bottom-left" in html
    assert figures["simulated"] is True
    page, html, _ = report(tmp_path / "persons", study())
    assert "simulated" not in page.text
    assert "@bottom-left" not in html


def constant(row: Any) -> float:
    return 3


def perfect(row: Any) -> float:
    return 6 if row.truth == "synthetic" else 1


def one_perfect_one_constant(row: Any) -> float:
    return perfect(row) if row.reader == "R1" else 4 if row.reader == "R2" else row.rating


def without(given: StudyInput, **readings: str) -> StudyInput:
    """No readings of an arm by a reader: arm=reader."""
    kept = [row for row in given.readings if readings.get(row.arm) != row.reader]
    return replace(given, readings=kept)


THREE = [("real", "real", 9, 0.0), *((name, "generator", 9, 0.7) for name in ("old", "new", "newest"))]
TWO = [("real", "real", 2, 0.0), ("pggan", "generator", 2, 0.0)]


@pytest.mark.parametrize(
    "given",
    [
        pytest.param(withdrawn(study(), "R2"), id="a withdrawn reader"),
        pytest.param(study(readers=1), id="one reader"),
        pytest.param(study(readers=12), id="twelve readers"),
        pytest.param(rated(study(), constant), id="constant raters"),
        pytest.param(rated(study(), perfect), id="all perfect"),
        pytest.param(rated(study(CONTROLLED), perfect), id="all perfect with controls"),
        pytest.param(rated(study(THREE), perfect), id="three generators, all perfect"),
        pytest.param(
            without(study(THREE), old="R1", new="R2", newest="R3"), id="three generators, read by no reader in full"
        ),
        pytest.param(rated(study(), one_perfect_one_constant), id="one perfect and one constant"),
        pytest.param(rated(study(readers=1), perfect), id="one perfect reader"),
        pytest.param(rated(study(readers=1), constant), id="one constant reader"),
        pytest.param(study(TWO), id="two films an arm"),
        pytest.param(study([("real", "real", 1, 0.0), ("pggan", "generator", 1, 0.0)]), id="one film an arm"),
        pytest.param(study(TWO, readers=1), id="one reader of two films an arm"),
        pytest.param(study([*TWO, ("blurred", "control-degraded", 1, 3.0)]), id="one control film"),
        pytest.param(study([("pggan", "generator", 5, 0.0)]), id="no real film"),
        pytest.param(study([("real", "real", 5, 0.0)]), id="no synthetic film"),
        pytest.param(study(plan={"primary_end_point": "deception_rate"}), id="deception rate"),
        pytest.param(
            rated(study(plan={"primary_end_point": "deception_rate"}), perfect), id="deception rate, all perfect"
        ),
        pytest.param(study(plan={"alpha": 0.5, "margin": 0.499}), id="odd alpha and margin"),
        pytest.param(study(plan={"decision_cut": 2, "not_known": ["Nothing is."], "override_reason": "A trial."}),
                     id="cut at two"),
    ],
)  # fmt: skip
def test_odd_studies_have_a_report_without_holes(tmp_path: Path, given: StudyInput) -> None:
    page, _, figures = report(tmp_path, given)
    assert figures["answer"]["headline"] in page.text
    assert not re.search(r"\S [.,;:)]", page.text)
    assert len(figures["readers"]["readers"]) == len({row.reader for row in given.readings})


def test_readers_whose_figures_lack_the_same_share_a_sentence(tmp_path: Path) -> None:
    page, _, _ = report(tmp_path, rated(study(), one_perfect_one_constant))
    assert page.text.count("The AUC has no interval") == 2
    page, _, _ = report(tmp_path, rated(study(), perfect))
    assert "R1, R2, R3: The AUC has no interval" in page.text


def test_an_imbalance_is_shown_only_where_a_mix_was_asked_for(tmp_path: Path) -> None:
    given = study()
    for asked in ({}, {"effusion": 0.25}):
        arms = [
            replace(arm, finding_shares={"effusion": 0.3}, finding_targets=asked if arm.role == "generator" else {})
            for arm in given.arms
        ]
        page, _, _ = report(tmp_path / f"asked-{len(asked)}", replace(given, arms=arms))
        assert "30.0 %" in page.text
        for words in ("asked", "“Asked” is the mix", "largest imbalance", "5.0 points"):
            assert (words in page.text) == bool(asked)


def test_one_reader_is_said_to_be_fixed(tmp_path: Path) -> None:
    page, _, figures = report(tmp_path, study(readers=1))
    assert "There is one reader, so intervals let films vary but not readers." in page.text
    assert "films random, readers fixed" in page.text
    assert "There is one reader, so there is no agreement between readers to show." in page.text
    assert "Fleiss' kappa, decisions" not in page.text
    assert "readers and films random" not in page.text.split("Words")[0]
    assert figures["readers"]["overall"]["obuchowski_rockette"]["random"] == "cases"


def test_a_withdrawn_reader_is_printed_as_a_deviation(tmp_path: Path) -> None:
    page, _, _ = report(tmp_path, withdrawn(study(), "R2"))
    assert "Took back the consent." in page.text
    assert "reader withdrawn" in page.text


def test_the_same_study_gives_the_same_report(tmp_path: Path) -> None:
    _, first, _ = report(tmp_path / "first", study())
    _, second, _ = report(tmp_path / "second", study())
    assert first == second
