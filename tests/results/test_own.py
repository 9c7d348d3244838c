"""A reader's own results."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from readerstudy.studies import services
from readerstudy.studies.models import Study
from tests.reading.room import Browser, open_study, slots_of
from tests.studies.films import ACTOR

pytestmark = [pytest.mark.database, pytest.mark.django_db]


def read_study(folder: Path, **plan: Any) -> tuple[Study, Browser]:
    """One reader takes one of four real films for synthetic, and three of four synthetic ones."""
    study = open_study(folder, films=4, **plan)
    browser = Browser(study)
    truths = {slot.code: slot.case.truth.arm.role for slot in slots_of(browser.reader)}
    ratings = {"real": [1, 2, 3, 6], "generator": [6, 5, 4, 1]}
    while not (slot := browser.slot()).get("done"):
        browser.read(rating=ratings[truths[slot["code"]]].pop())
    return study, browser


def end(study: Study) -> None:
    services.close_study(study=study, actor=ACTOR)
    services.unblind_study(study=study, reason="Reading is over.", actor=ACTOR)


def test_a_reader_sees_the_own_results_after_unblinding(tmp_path: Path) -> None:
    study, browser = read_study(tmp_path, results_shown=True)
    services.close_study(study=study, actor=ACTOR)
    assert browser.client.get("/results/own/").status_code == 404
    assert "See your results" not in browser.client.get("/read/").content.decode()
    services.unblind_study(study=study, reason="Reading is over.", actor=ACTOR)
    assert "See your results" in browser.client.get("/read/").content.decode()
    page = browser.client.get("/results/own/").content.decode()
    assert "Of 4 synthetic films you took 1 for real." in page
    assert "Of 4 real films you took 1 for synthetic." in page
    # Of 16 pairs of a real and a synthetic film 9 are in order and two tie: (9 + 1) / 16 = 0.625.
    assert "0.63" in page
    assert "drawn by a generative network" in page


def test_nobody_sees_them_where_the_design_does_not_show_them(tmp_path: Path) -> None:
    study, browser = read_study(tmp_path)
    end(study)
    assert "See your results" not in browser.client.get("/read/").content.decode()
    assert browser.client.get("/results/own/").status_code == 404


def test_strangers_and_withdrawn_readers_see_none(tmp_path: Path, client: Any) -> None:
    study, browser = read_study(tmp_path, results_shown=True)
    services.withdraw_reader(reader=browser.reader, reason="Ill.", actor=ACTOR)
    end(study)
    assert browser.client.get("/results/own/").status_code == 404
    assert client.get("/results/own/").status_code == 404
