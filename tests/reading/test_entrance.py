"""What is asked before the first film: consent, the profile, the display. Until then nothing of a film is sent."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from readerstudy.audit.models import AuditRow
from readerstudy.reading.models import Consent, DisplayCheck, Profile
from readerstudy.studies import services, texts
from readerstudy.studies.models import Study
from readerstudy.studies.purpose_blind import words_that_name_the_purpose
from tests.reading.room import ENTRANCE, Browser, open_study, slots_of
from tests.studies.films import ACTOR

pytestmark = [pytest.mark.database, pytest.mark.django_db]

ASKED = {
    "consent_text": "You read films.\n\nYou may stop.",
    "consent_version": "7",
    "profile_asked": True,
    "display_asked": True,
}
BLIND = {
    "purpose_blind_films": 2,
    "purpose_blind_title": "Chest films, part one",
    "purpose_blind_consent": "We study reading.",
    "ethics_reference": "EK 12/26",
}
PROFILE, DISPLAY = ENTRANCE["profile"], ENTRANCE["display"]


@pytest.fixture
def study(tmp_path: Path) -> Study:
    return open_study(tmp_path, films=2, **ASKED)


@pytest.fixture
def blind(tmp_path: Path) -> Study:
    return open_study(tmp_path, films=3, **ASKED | BLIND)


def text(browser: Browser, page: str = "/read/") -> str:
    return " ".join(browser.client.get(page, follow=True).content.decode().split())


def send(browser: Browser, form: str, fields: dict[str, Any]) -> str:
    reply = browser.client.post(f"/read/{form}/", fields, follow=True)
    assert reply.status_code == 200
    return " ".join(reply.content.decode().split())


def audited() -> list[tuple[str, dict[str, Any]]]:
    entrance = ["consent given", "profile given", "display checked", "display refused"]
    rows = AuditRow.objects.filter(action__in=entrance, actor="R01", subject="study:chest reader:R01")
    return list(rows.order_by("pk").values_list("action", "detail"))


# From page to page


def test_one_page_follows_the_other_and_then_the_start(browser: Browser) -> None:
    assert "<p>You read films.</p> <p>You may stop.</p>" in text(browser)
    assert "About you" in send(browser, "consent", {})
    assert "Your display" in send(browser, "profile", PROFILE)
    assert "Begin" in send(browser, "display", DISPLAY)
    assert "/read/room/" in text(browser)
    assert browser.slot()["number"] == 1


def test_a_study_asks_what_its_design_asks(tmp_path: Path) -> None:
    browser = Browser(open_study(tmp_path, films=1, display_asked=True))
    assert "Your display" in text(browser)
    assert "Begin" in send(browser, "display", DISPLAY)


@pytest.mark.parametrize("passed", [[], ["consent"], ["consent", "profile"]], ids=str)
def test_nothing_of_a_film_is_sent_or_taken_before(browser: Browser, passed: list[str]) -> None:
    for form in passed:
        send(browser, form, ENTRANCE[form])
    code = slots_of(browser.reader)[0].code
    assert browser.slot() == {"done": True}
    assert browser.client.get("/read/room/")["Location"] == "/read/"
    assert browser.film(code).status_code == 403
    assert browser.answer(code).status_code == 403
    report = browser.client.post(f"/read/report/{code}/", '{"kind": "shows_name"}', content_type="application/json")
    remark = browser.client.post(f"/read/remark/{code}/", '{"milliseconds": 1}', content_type="application/json")
    assert (report.status_code, remark.status_code) == (403, 403)


@pytest.mark.parametrize("form", ["profile", "display"])
def test_no_page_is_passed_over(browser: Browser, form: str) -> None:
    assert "You read films." in send(browser, form, ENTRANCE[form])
    assert not Profile.objects.exists()
    assert not DisplayCheck.objects.exists()


def test_a_page_that_was_passed_leads_on(browser: Browser) -> None:
    browser.come_in()
    for form in ENTRANCE:
        assert "Begin" in text(browser, f"/read/{form}/")
        assert "Begin" in send(browser, form, ENTRANCE[form])
    assert (Consent.objects.count(), Profile.objects.count(), DisplayCheck.objects.count()) == (1, 1, 1)


def test_a_reader_who_comes_back_is_asked_for_the_display_alone(browser: Browser) -> None:
    browser.come_in()
    browser.client.get(f"/read/{browser.token}/")
    assert "Begin" in text(browser)
    elsewhere = Client()
    elsewhere.get(f"/read/{browser.token}/")
    assert "Your display" in elsewhere.get("/read/").content.decode()


def test_a_reader_with_nothing_left_to_read_is_asked_for_no_display(browser: Browser) -> None:
    browser.come_in()
    for _ in range(4):
        browser.read()
    elsewhere = Client()
    elsewhere.get(f"/read/{browser.token}/")
    assert "Thank you for reading." in elsewhere.get("/read/").content.decode()
    assert elsewhere.get("/read/slot/").json() == {"done": True}


def test_two_readers_at_one_browser_check_the_display_each(browser: Browser, study: Study) -> None:
    browser.come_in()
    _, token = services.invite_reader(study=study, actor=ACTOR)
    browser.client.get(f"/read/{token}/")
    send(browser, "consent", {})
    assert "Your display" in send(browser, "profile", PROFILE)


@pytest.mark.parametrize("form", ENTRANCE)
def test_strangers_find_no_form(study: Study, form: str) -> None:
    assert Client().get(f"/read/{form}/").status_code == 404
    assert Client().post(f"/read/{form}/", ENTRANCE[form]).status_code == 404


@pytest.mark.parametrize("form", ENTRANCE)
def test_other_sites_cannot_send_a_form(study: Study, form: str) -> None:
    browser = Browser(study, enforce_csrf_checks=True)
    assert browser.client.post(f"/read/{form}/", ENTRANCE[form]).status_code == 403


def test_a_closed_study_and_a_withdrawn_reader_are_told_before_anything_is_asked(study: Study) -> None:
    withdrawn, other = Browser(study), Browser(study)
    services.withdraw_reader(reader=withdrawn.reader, reason="Moved away.", actor=ACTOR)
    assert "You have been withdrawn" in send(withdrawn, "consent", {})
    services.close_study(study=study, actor=ACTOR)
    assert "This study is closed." in send(other, "consent", {})
    assert other.slot() == {"done": True}
    assert not Consent.objects.exists()


def test_pages_run_our_own_script_only_and_are_not_kept(browser: Browser) -> None:
    for form in ENTRANCE:
        reply = browser.client.get("/read/")
        assert "script-src 'self'; style-src 'self'" in reply["Content-Security-Policy"]
        assert "no-store" in reply["Cache-Control"]
        assert "style=" not in reply.content.decode()
        send(browser, form, ENTRANCE[form])


# Consent


def test_consent_is_stored_with_version_and_hash_of_the_text(browser: Browser) -> None:
    assert "Version 7 of this text." in text(browser)
    send(browser, "consent", {})
    text_hash = hashlib.sha256(b"You read films.\n\nYou may stop.").hexdigest()
    consent = Consent.objects.get()
    assert (consent.reader, consent.stage, consent.given) == (browser.reader, "entry", True)
    assert (consent.version, consent.text_hash) == ("7", text_hash)
    assert audited() == [("consent given", {"version": "7", "text_hash": text_hash})]


def test_who_does_not_agree_leaves_nothing_and_can_still_agree(browser: Browser) -> None:
    before = AuditRow.objects.count()
    assert "You have not agreed, so you do not take part. Nothing was stored" in send(
        browser, "consent", {"decline": "1"}
    )
    assert not Consent.objects.exists()
    assert AuditRow.objects.count() == before
    assert browser.slot() == {"done": True}
    assert "You read films." in text(browser)
    assert "About you" in send(browser, "consent", {})


# Profile


def test_the_profile_is_stored(browser: Browser) -> None:
    send(browser, "consent", {})
    send(browser, "profile", PROFILE | {"years": "0", "subspecialty": " thorax "})
    profile = Profile.objects.get(reader=browser.reader)
    assert (profile.position, profile.years, profile.subspecialty, profile.exposure) == ("chest", 0, "thorax", "never")
    # The log says that it was given, not what.
    assert audited()[-1] == ("profile given", {})


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"position": ""}, "Choose one of these."),
        ({"position": "surgeon"}, "Choose one of these."),
        ({"years": ""}, "Give a whole number of years from 0 to 70."),
        ({"years": "-1"}, "Give a whole number of years from 0 to 70."),
        ({"years": "71"}, "Give a whole number of years from 0 to 70."),
        ({"years": "ten"}, "Give a whole number of years from 0 to 70."),
        ({"subspecialty": "x" * 101}, "Say it in at most 100 letters."),
        ({"exposure": ""}, "Choose one of these."),
    ],
    ids=str,
)
def test_what_is_wrong_is_said_beside_its_field(browser: Browser, change: dict[str, str], said: str) -> None:
    send(browser, "consent", {})
    page = send(browser, "profile", PROFILE | change)
    (field,) = change
    assert f'<ul class="errorlist" id="id_{field}_error"><li>{said}</li></ul>' in page
    assert page.count("errorlist") == 1
    assert not Profile.objects.exists()


# Display


def pass_to_display(browser: Browser) -> None:
    send(browser, "consent", {})
    assert "Your display" in send(browser, "profile", PROFILE)


@pytest.mark.parametrize(
    ("patches", "seen"),
    [("both", (True, True)), ("dark", (True, False)), ("bright", (False, True)), ("neither", (False, False))],
)
def test_the_display_is_stored(browser: Browser, patches: str, seen: tuple[bool, bool]) -> None:
    pass_to_display(browser)
    send(browser, "display", DISPLAY | {"patches": patches, "width": 3000, "height": 2000, "pixel_ratio": 1.25})
    check = DisplayCheck.objects.get(reader=browser.reader)
    assert (check.display, check.room) == ("diagnostic", "dark")
    assert (check.dark_patch_seen, check.bright_patch_seen) == seen
    assert (check.width, check.height, check.pixel_ratio, check.small) == (3000, 2000, 1.25, False)
    assert audited()[-1] == ("display checked", {"width": 2400, "height": 1600})


@pytest.mark.parametrize(
    "change",
    [
        {"width": ""},
        {"height": "0"},
        {"width": "-5"},
        {"pixel_ratio": "nan"},
        {"pixel_ratio": "0"},
        {"width": str(10**30)},
    ],
    ids=str,
)
def test_a_browser_that_does_not_tell_its_screen_is_asked_for_its_script(
    browser: Browser, change: dict[str, str]
) -> None:
    pass_to_display(browser)
    page = send(browser, "display", DISPLAY | change)
    assert "Your browser has not told the size of the screen. Allow JavaScript for this page, and go on." in page
    assert not DisplayCheck.objects.exists()


# 1024 × 600 is the smallest unless the design says otherwise; a telephone's pixels are counted as its pages have them.
TELEPHONE = {"width": 1170, "height": 2532, "pixel_ratio": 3, "display": "tablet"}
SMALLEST = {"width": 1024, "height": 600, "pixel_ratio": 1}


@pytest.mark.parametrize(
    ("screen", "small"),
    [
        (TELEPHONE, True),
        (SMALLEST, False),
        (SMALLEST | {"width": 1023}, True),
        (SMALLEST | {"height": 599}, True),
        ({"width": 2048, "height": 1200, "pixel_ratio": 2}, False),
    ],
    ids=str,
)
def test_a_small_screen_is_flagged(browser: Browser, screen: dict[str, Any], small: bool) -> None:
    pass_to_display(browser)
    assert "Begin" in send(browser, "display", DISPLAY | screen)
    assert DisplayCheck.objects.get().small is small


def test_a_small_screen_is_refused_where_the_design_says_so(tmp_path: Path) -> None:
    design = {"small_screen": "refuse", "smallest_width": 1200, "smallest_height": 800}
    browser = Browser(open_study(tmp_path, films=1, **ASKED | design))
    pass_to_display(browser)
    page = send(browser, "display", DISPLAY | TELEPHONE)
    assert "This screen has 390 × 844 pixels, and this study needs 1200 × 800. Open your personal link" in page
    assert not DisplayCheck.objects.exists()
    assert audited()[-1] == ("display refused", {"width": 390, "height": 844})
    assert browser.slot() == {"done": True}
    assert "Begin" in send(browser, "display", DISPLAY)


# A purpose-blind phase


def test_a_purpose_blind_phase_has_a_consent_of_its_own_and_does_not_ask_for_exposure(blind: Study) -> None:
    browser = Browser(blind)
    page = text(browser)
    assert "We study reading." in page
    assert "You read films." not in page
    send(browser, "consent", {})
    assert Consent.objects.get().text_hash == hashlib.sha256(b"We study reading.").hexdigest()
    assert "exposure" not in text(browser)
    send(browser, "profile", PROFILE)
    assert Profile.objects.get().exposure == ""


def test_no_page_names_the_purpose_in_a_purpose_blind_phase(blind: Study) -> None:
    browser = Browser(blind)
    pages = [browser.client.get("/read/"), browser.client.post("/read/consent/", {"decline": "1"})]
    browser.client.post("/read/consent/")
    pages += [browser.client.get("/read/"), browser.client.post("/read/profile/", {})]
    browser.client.post("/read/profile/", PROFILE)
    pages += [browser.client.get("/read/"), browser.client.post("/read/display/", {})]
    browser.client.post("/read/display/", DISPLAY)
    pages += [browser.client.get("/read/"), browser.client.get("/"), browser.client.get("/nowhere/")]
    # Once the study is closed nobody is in that phase any more.
    services.withdraw_reader(reader=browser.reader, reason="Moved.", actor=ACTOR)
    pages.append(browser.client.get("/read/"))
    services.withdraw_link(reader=browser.reader, actor=ACTOR)
    pages.append(browser.client.get("/read/"))
    assert [page.status_code for page in pages] == [200] * 8 + [404, 200, 410]
    assert "Chest films, part one" in pages[6].content.decode()
    for page in pages:
        seen = page.content.decode().replace(str(page.context.get("csrf_token")), "")
        assert words_that_name_the_purpose(f"{seen} {page.headers} {page.cookies.output()}") == []


def test_the_start_of_a_purpose_blind_phase_tells_its_own_instruction_and_no_scale(blind: Study) -> None:
    browser = Browser(blind)
    browser.come_in()
    page = text(browser)
    assert texts.PURPOSE_BLIND_INSTRUCTION in page
    assert "There are 2 films to read." in page
    assert "Definitely" not in page


@pytest.mark.parametrize(
    ("question", "said"),
    [
        ("rating", "Rate each film by one of six answers"),
        ("confidence", "Say first whether the film is real or synthetic"),
        ("pairs", "There are 2 pairs of films to read."),
    ],
)
def test_the_start_tells_how_the_question_is_answered(tmp_path: Path, question: str, said: str) -> None:
    browser = Browser(open_study(tmp_path, films=2, question=question, override_reason="Noise has no findings."))
    assert said in text(browser)
