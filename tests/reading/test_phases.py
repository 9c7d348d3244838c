"""What stands between the films: a purpose-blind phase and its reveal, sittings with a washout, cues at the end."""

from __future__ import annotations

import json
import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from threading import Barrier
from types import SimpleNamespace
from typing import Any

import pytest
from django.contrib.staticfiles import finders
from django.db import Error, connection, transaction
from django.utils import timezone

from readerstudy.reading.models import Answer, Consent, OverallRemark, Profile, Remark
from readerstudy.reading.phases import answer_reveal
from readerstudy.studies import services
from readerstudy.studies.models import Deviation, Reader, Slot, Study
from readerstudy.studies.purpose_blind import words_that_name_the_purpose
from tests.reading.room import Browser, open_study, slots_of
from tests.studies.films import ACTOR

pytestmark = [pytest.mark.database, pytest.mark.django_db]
BLIND = {
    "purpose_blind_films": 2,
    "ethics_reference": "EC 17/2026",
    "consent_text": "You will be shown films that a computer program drew.",
    "consent_version": "3",
    "profile_asked": True,
    "display_asked": True,
}
PAIRS = {
    "question": "pairs",
    "purpose_blind_films": 2,
    "ethics_reference": "EC 17/2026",
    "override_reason": "The findings of these films are not known.",
}
REVEAL = {"agree": "1", "exposure": "some"}


def say(browser: Browser, code: str, **said: Any) -> Any:
    body = json.dumps({"milliseconds": 5000} | said)
    return browser.client.post(f"/read/remark/{code}/", body, content_type="application/json")


def read_findings(browser: Browser) -> None:
    """Read one film of the purpose-blind phase."""
    slot = browser.slot()
    assert slot["asks"] == "findings"
    assert browser.film(slot["code"]).status_code == 200
    assert say(browser, slot["code"], findings={"Effusion": 2}).status_code == 200


@pytest.fixture
def blind(tmp_path: Path) -> Browser:
    return Browser(open_study(tmp_path, films=2, **BLIND))


def test_the_phases_come_in_order_and_the_question_never_before_the_reveal(blind: Browser) -> None:
    browser = blind
    browser.come_in()
    kinds = [slot.kind for slot in slots_of(browser.reader)]
    assert kinds == ["purpose_blind"] * 2 + ["main"] * 4
    read_findings(browser)
    later = slots_of(browser.reader)[2]
    # No way leads past the first phase.
    assert browser.answer(later.code).status_code == 409
    assert browser.answer(browser.slot()["code"], 5).status_code == 409
    assert browser.slot()["ahead"] is None
    read_findings(browser)
    assert browser.slot() == {"done": True}
    assert browser.film(later.code).status_code == 404
    assert browser.client.get("/read/room/").status_code == 302
    assert "Did anything about these films strike you" in browser.client.get("/read/").content.decode()
    # The reveal is not reached before that question.
    browser.client.post("/read/going-on/", REVEAL)
    assert not Consent.objects.filter(stage="reveal").exists()
    browser.client.post("/read/noticed/", {"text": "The ribs looked odd."})
    page = browser.client.get("/read/").content.decode()
    assert "drawn by a generative network" in page
    assert "films that a computer program drew" in page
    browser.client.post("/read/going-on/", REVEAL)
    assert browser.slot()["asks"] == "question"
    for _ in range(4):
        browser.read()
    assert "You have read every film" in browser.client.get("/read/").content.decode()
    assert Answer.objects.count() == 4
    assert Remark.objects.count() == 2
    assert OverallRemark.objects.get().text == "The ribs looked odd."
    assert Profile.objects.get().exposure == "some"
    assert [(consent.stage, consent.given) for consent in Consent.objects.order_by("pk")] == [
        ("entry", True),
        ("reveal", True),
    ]


def test_the_first_phase_announces_no_practice_because_it_comes_with_the_question(tmp_path: Path) -> None:
    browser = Browser(open_study(tmp_path, films=2, **BLIND | {"practice_films": 2}))
    browser.come_in()
    page = browser.client.get("/read/").content.decode()
    assert "There are 2 films to read." in page
    assert "practice" not in page


def test_nothing_that_comes_to_the_browser_before_the_reveal_names_the_purpose(blind: Browser) -> None:
    seen: list[str] = []

    def look(response: Any) -> Any:
        seen.append(" ".join(f"{name}: {value}" for name, value in response.items()))
        seen.append(str(response.cookies))
        if response["Content-Type"] != "application/octet-stream":
            text = response.content.decode()
            seen.append(text)
            for name in re.findall(r"/static/([\w./-]+)", text):
                seen.append(with_imports(name))
        return response

    client = blind.client
    for page in ("/", "/read/", "/nowhere/", "/read/nobody-knows-this-link/"):
        look(client.get(page))
    for page, said in (("consent", {}), ("profile", {}), ("display", {})):
        look(client.get("/read/"))
        look(client.post(f"/read/{page}/", said | {"width": "1"}))
    blind.come_in()
    for _ in range(2):
        for page in ("/read/", "/read/room/", "/read/slot/"):
            look(client.get(page))
        code = blind.slot()["code"]
        look(blind.film(code))
        look(say(blind, code, findings={"Lion": 1}))
        look(say(blind, code))
        look(blind.answer(code))
        look(say(blind, code, findings={"No Finding": 3}))
    look(client.get("/read/"))
    look(client.post("/read/noticed/", {"text": "x" * 2001}))
    look(client.get("/read/slot/"))
    look(client.get("/read/room/", follow=True))
    told = {word for text in seen for word in words_that_name_the_purpose(text)}
    # "Film" is everywhere; what would tell is not. The words of the language itself are none of them.
    assert told == set()
    assert any("Cardiomegaly" in text for text in seen)


def with_imports(name: str) -> str:
    """A script with all that it imports, or a sheet."""
    path = Path(str(finders.find(name)))
    text = path.read_text(encoding="utf-8")
    imported = [with_imports(f"{Path(name).parent}/{other}") for other in re.findall(r'from "\./([\w.-]+)"', text)]
    return "\n".join([text, *imported])


def test_whom_the_reveal_did_not_reach_is_told_once_the_study_is_closed(blind: Browser) -> None:
    blind.come_in()
    assert "generative network" not in blind.client.get("/read/").content.decode()
    services.close_study(study=blind.reader.study, actor=ACTOR)
    page = blind.client.get("/read/").content.decode()
    assert "takes no more answers" in page
    assert "generative network" in page


def test_who_withdraws_at_the_reveal_is_left_out_and_reads_no_further(blind: Browser) -> None:
    blind.come_in()
    for _ in range(2):
        read_findings(blind)
    blind.client.post("/read/noticed/", {"text": ""})
    blind.client.post("/read/going-on/", {"decline": "1"})
    assert Deviation.objects.get().kind == "reader_withdrawn"
    assert [consent.given for consent in Consent.objects.filter(stage="reveal")] == [False]
    assert blind.slot() == {"done": True}
    assert "withdrawn" in blind.client.get("/read/").content.decode()


def test_a_film_of_the_first_phase_wants_its_findings(blind: Browser) -> None:
    blind.come_in()
    code = blind.slot()["code"]
    assert say(blind, code, findings={"Mass": 1}).status_code == 409, "It has not been shown."
    blind.film(code)
    for wrong in ({}, {"findings": {}}, {"findings": {"Mass": 4}}, {"findings": {"No Finding": 3, "Mass": 1}}):
        assert say(blind, code, **wrong).status_code == 400, wrong
    assert say(blind, code, findings={"Mass": 1}, cues=["ribs"]).status_code == 400
    assert say(blind, code, findings={"Mass": 1}).status_code == 200
    # The same again gets the same reply, something else does not pass.
    assert say(blind, code, findings={"Mass": 1}).status_code == 200
    assert say(blind, code, findings={"Mass": 2}).status_code == 409
    with pytest.raises(Error), transaction.atomic():
        Remark.objects.update(text="Changed.")


def test_the_database_freezes_no_purpose_blind_study_without_ethics(tmp_path: Path) -> None:
    study = open_study(tmp_path, films=2)
    with pytest.raises(Error), transaction.atomic():
        Study.objects.filter(pk=study.pk).update(purpose_blind_films=2)


# Sittings


def test_a_second_sitting_opens_when_the_washout_is_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    browser = Browser(open_study(tmp_path, films=2, sittings=2, washout_days=28, practice_films=2))
    slots = slots_of(browser.reader)
    assert [(slot.sitting.number, slot.kind) for slot in slots] == [(1, "practice")] * 2 + [(1, "main")] * 4 + [
        (2, "main")
    ] * 4
    for _ in range(6):
        last = browser.read()
    assert last == {"done": True}
    assert browser.film(slots[6].code).status_code == 404
    assert browser.answer(slots[6].code).status_code == 409
    opens = timezone.localtime(Answer.objects.latest("pk").answered_at + timedelta(days=28))
    page = browser.client.get("/read/").content.decode()
    # Readers of one study sit in several time zones.
    assert f"{opens.day} {opens:%B %Y} at {opens:%H:%M} UTC" in page
    assert "Your personal link leads to it." in page
    now = timezone.now() + timedelta(days=28, minutes=1)
    monkeypatch.setattr("readerstudy.reading.worklist.timezone", SimpleNamespace(now=lambda: now))
    slot = browser.slot()
    assert (slot["code"], slot["number"], slot["total"]) == (slots[6].code, 1, 4)
    for _ in range(4):
        last = browser.read()
    assert last == {"done": True}
    assert "You have read every film" in browser.client.get("/read/").content.decode()


@pytest.mark.parametrize("link", [{"link_use": "once"}, {"link_days": 27}])
def test_whose_link_will_not_open_the_next_sitting_is_told_to_ask_for_a_new_one(
    tmp_path: Path, link: dict[str, Any]
) -> None:
    browser = Browser(open_study(tmp_path, films=1, sittings=2, washout_days=28, **link))
    browser.client.post(f"/read/{browser.token}/")
    for _ in range(2):
        browser.read()
    page = browser.client.get("/read/").content.decode()
    assert "Ask for a new personal link then" in page
    assert "leads to it" not in page


def test_both_sittings_show_the_same_films_in_orders_of_their_own(tmp_path: Path) -> None:
    browser = Browser(open_study(tmp_path, films=8, sittings=2))
    orders = [[slot.case_id for slot in slots_of(browser.reader) if slot.sitting.number == n] for n in (1, 2)]
    assert sorted(orders[0]) == sorted(orders[1])
    assert orders[0] != orders[1]


# Blocks, remarks, slips


def test_a_pause_is_due_after_each_block_and_not_at_its_beginning(tmp_path: Path) -> None:
    browser = Browser(open_study(tmp_path, films=3, practice_films=2, block_films=2))
    pauses = []
    while not (slot := browser.slot()).get("done"):
        pauses.append((slot["practice"], slot["number"], slot["pause"]))
        browser.read()
    assert [(number, pause) for practice, number, pause in pauses if not practice] == [
        (1, False),
        (2, False),
        (3, True),
        (4, False),
        (5, True),
        (6, False),
    ]


def test_what_is_asked_after_a_rating_comes_after_it_and_before_the_next_film(tmp_path: Path) -> None:
    browser = Browser(open_study(tmp_path, films=2, cues="film", regions_asked=True, remarks_asked=True))
    first = browser.slot()["code"]
    browser.film(first)
    assert say(browser, first, cues=["ribs"]).status_code == 409, "Cues teach, so the rating comes first."
    following = browser.answer(first, 5).json()["next"]
    assert (following["code"], following["asks"], following["number"]) == (first, "remark", 1)
    assert browser.film(first).status_code == 200
    ahead = following["ahead"]
    assert browser.answer(ahead).status_code == 409
    for wrong in (
        {"cues": ["tail"]},
        {"findings": {"Mass": 1}},
        {"regions": [{"x": 2, "y": 0, "radius": 0.1}]},
        {"regions": [{"x": 0.5, "y": 0.5}]},
    ):
        assert say(browser, first, **wrong).status_code == 400, wrong
    region = {"x": 0.25, "y": 0.5, "radius": 0.1}
    reply = say(browser, first, cues=["ribs", "markers"], regions=[region], text=" Letters are garbled. ")
    assert (reply.json()["next"]["code"], reply.json()["next"]["asks"]) == (ahead, "question")
    remark = Remark.objects.get()
    assert (remark.cues, remark.regions, remark.text) == (["markers", "ribs"], [region], "Letters are garbled.")
    # Nothing to add is an answer too.
    browser.film(ahead)
    browser.answer(ahead)
    assert say(browser, ahead).status_code == 200


def test_cues_can_be_asked_once_at_the_end(tmp_path: Path) -> None:
    browser = Browser(open_study(tmp_path, films=2, cues="end"))
    browser.client.post("/read/cues/", {"cues": ["ribs"]})
    assert not OverallRemark.objects.exists()
    for _ in range(4):
        assert browser.slot()["asks"] == "question"
        browser.read()
    assert "What did you go by?" in browser.client.get("/read/").content.decode()
    browser.client.post("/read/cues/", {"cues": ["ribs", "noise"], "text": "Grain."})
    remark = OverallRemark.objects.get()
    assert (remark.moment, remark.cues, remark.text) == ("end", ["noise", "ribs"], "Grain.")
    assert "You have read every film" in browser.client.get("/read/").content.decode()


def amend(browser: Browser, code: str, rating: int, revision: int) -> Any:
    body = json.dumps({"rating": rating, "milliseconds": 900, "revision": revision})
    return browser.client.post(f"/read/answer/{code}/", body, content_type="application/json")


def test_the_last_answer_can_be_amended_while_the_design_lets_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = Browser(open_study(tmp_path, films=3, amend_seconds=60))
    first = browser.slot()["code"]
    following = browser.read(rating=2)
    assert following["amendable"] == {"code": first, "revision": 2, "seconds": 60}
    assert browser.film(first).status_code == 200
    assert amend(browser, first, 5, revision=3).status_code == 409
    reply = amend(browser, first, 5, revision=2)
    assert reply.status_code == 200
    assert reply.json()["next"]["amendable"]["revision"] == 3
    # The same again is the same; something else under that number is refused, and what was said first is kept.
    assert amend(browser, first, 5, revision=2).status_code == 200
    assert amend(browser, first, 6, revision=2).status_code == 409
    rows = Answer.objects.filter(slot__code=first).order_by("revision")
    assert [(row.revision, row.rating) for row in rows] == [(1, 2), (2, 5)]
    # The next answer locks it.
    second = browser.slot()["code"]
    browser.read(rating=1)
    assert amend(browser, first, 3, revision=3).status_code == 409
    now = timezone.now() + timedelta(seconds=61)
    monkeypatch.setattr("readerstudy.reading.worklist.timezone", SimpleNamespace(now=lambda: now))
    assert browser.slot()["amendable"] is None
    assert amend(browser, second, 3, revision=2).status_code == 409


def test_without_an_interval_an_answer_is_locked_at_once(browser: Browser) -> None:
    code = browser.slot()["code"]
    assert browser.read()["amendable"] is None
    assert amend(browser, code, 5, revision=2).status_code == 409


def test_a_reported_film_is_passed_over_and_counts_no_more(tmp_path: Path) -> None:
    browser = Browser(open_study(tmp_path, films=2))
    slot = browser.slot()
    report = f"/read/report/{slot['code']}/"
    ahead = slot["ahead"]
    for wrong in ({}, {"kind": "ugly"}):
        assert browser.client.post(report, wrong, content_type="application/json").status_code == 400
    late = browser.client.post(f"/read/report/{ahead}/", {"kind": "shows_name"}, content_type="application/json")
    assert late.status_code == 409
    for _ in range(2):
        reply = browser.client.post(report, {"kind": "shows_name"}, content_type="application/json")
        following = reply.json()["next"]
        assert (following["code"], following["number"], following["total"]) == (ahead, 1, 3)
    assert browser.answer(slot["code"]).status_code == 409
    assert Slot.objects.get(code=slot["code"]).report.kind == "shows_name"


def test_feedback_is_given_on_practice_films_alone_and_where_the_design_says_so(tmp_path: Path) -> None:
    browser = Browser(open_study(tmp_path, films=2, practice_films=2, practice_feedback=True))
    truths = {slot.code: slot.case.truth.arm.role for slot in slots_of(browser.reader)}
    told = []
    while not (slot := browser.slot()).get("done"):
        browser.film(slot["code"])
        told.append((slot["practice"], truths[slot["code"]], browser.answer(slot["code"]).json().get("feedback")))
    assert [row for row in told if row[0]] == [
        (True, role, "real" if role == "real" else "synthetic") for _, role, _ in told[:2]
    ]
    assert {feedback for practice, _role, feedback in told if not practice} == {None}


def test_before_the_reveal_of_a_study_of_pairs_films_are_announced_one_at_a_time(tmp_path: Path) -> None:
    browser = Browser(open_study(tmp_path, films=2, **PAIRS))
    assert "There are 2 films to read." in browser.client.get("/read/").content.decode()
    read_findings(browser)
    assert "You have read 1 of 2 films." in browser.client.get("/read/").content.decode()
    read_findings(browser)
    browser.client.post("/read/noticed/", {"text": ""})
    browser.client.post("/read/going-on/", {"agree": "1"})
    assert "There are 2 pairs of films to read." in browser.client.get("/read/").content.decode()


@pytest.mark.django_db(transaction=True)
def test_who_clicks_twice_at_the_reveal_decides_once(blind: Browser) -> None:
    blind.come_in()
    for _ in range(2):
        read_findings(blind)
    blind.client.post("/read/noticed/", {"text": ""})
    clicks = 8
    together = Barrier(clicks)

    def decide(_click: int) -> int:
        try:
            reader = Reader.objects.select_related("study").get(pk=blind.reader.pk)
            together.wait()
            return answer_reveal(reader=reader, agrees=True, exposure="some").pk
        finally:
            connection.close()

    with ThreadPoolExecutor(clicks) as threads:
        stored = list(threads.map(decide, range(clicks)))
    assert stored == [Consent.objects.get(stage="reveal").pk] * clicks


def test_the_last_answer_is_locked_before_the_cues_at_the_end(tmp_path: Path) -> None:
    browser = Browser(open_study(tmp_path, films=1, cues="end", amend_seconds=60))
    first = browser.slot()["code"]
    browser.read(rating=2)
    assert amend(browser, first, 5, revision=2).status_code == 200
    last = browser.slot()["code"]
    browser.read(rating=2)
    assert "What did you go by?" in browser.client.get("/read/").content.decode()
    assert amend(browser, last, 5, revision=2).status_code == 409
    assert browser.film(last).status_code == 404


def test_another_choice_of_a_pair_is_refused_in_words_of_its_own(tmp_path: Path) -> None:
    browser = Browser(open_study(tmp_path, films=2, **PAIRS | {"purpose_blind_films": 0}))
    code = browser.slot()["code"]
    browser.film(code)

    def choose(side: str) -> Any:
        body = json.dumps({"chosen": side, "milliseconds": 900})
        return browser.client.post(f"/read/answer/{code}/", body, content_type="application/json")

    assert choose("left").status_code == 200
    reply = choose("right")
    assert reply.status_code == 409
    assert reply.json()["error"] == "Of this pair you have chosen the film on the left already; that choice stands."
