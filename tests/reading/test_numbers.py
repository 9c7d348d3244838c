"""“Film 12 of R01”: which case a reader means, and where a researcher finds it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from readerstudy.reading.models import Answer
from readerstudy.studies import services
from readerstudy.studies.models import CaseTruth, Deviation, Slot, Study
from tests.reading.room import Browser, open_study, slots_of
from tests.studies.films import ACTOR

pytestmark = [pytest.mark.database, pytest.mark.django_db]
ROW = re.compile(r"<tr>\s*<td>(\d+)</td>\s*<td>\s*(.*?)\s*</td>\s*<td>([\w -]+)</td>(.*?)</tr>", re.DOTALL)


def withdraw(*arguments: str) -> None:
    call_command("withdraw_film", "chest", *arguments, "--reason", "A name is burnt in.")


def withdrawn() -> list[str]:
    return list(Deviation.objects.order_by("pk").values_list("case__code", flat=True))


def read_to_the_end(browser: Browser) -> dict[str, str]:
    """What the reader saw above each film, by the case's code."""
    cases = dict(Slot.objects.values_list("code", "case__code"))
    seen = {}
    while not (slot := browser.slot()).get("done"):
        seen[f"{'Practice film' if slot['practice'] else 'Film'} {slot['number']}"] = cases[slot["code"]]
        browser.read()
    return seen


def table(client: Client, browser: Browser) -> list[tuple[str, ...]]:
    """Position, what the reader sees, kind, case, answered, withdrawn."""
    page = client.get(f"/admin/studies/reader/{browser.reader.pk}/change/").content.decode()
    rows = []
    for position, seen, kind, rest in ROW.findall(page):
        rows.append((position, seen, kind, *re.findall(r">\s*([\w-]+)\s*</(?:a|td)>", rest)))
    return rows


def test_the_film_that_a_reader_names_is_withdrawn(browser: Browser) -> None:
    slots = slots_of(browser.reader)
    for _ in range(5):
        browser.read()
    # Two films for practice come first.
    withdraw("--reader", "R01", "--film", "3")
    assert withdrawn() == [slots[4].case.code]
    # The one that the reader is looking at.
    browser.film(browser.slot()["code"])
    withdraw("--reader", "R01", "--film", "4")
    assert withdrawn()[1:] == [slots[5].case.code]


def test_numbers_are_those_that_the_reader_saw_whatever_was_withdrawn(browser: Browser, admin_client: Client) -> None:
    slots = slots_of(browser.reader)
    for _ in range(3):
        browser.read()
    # One that was read, and two that were not: of the practice nothing is left to withdraw.
    for slot in (slots[2], slots[4], slots[6]):
        if slot.case.code not in withdrawn():
            services.withdraw_film(case=slot.case, reason="A name is burnt in.", actor=ACTOR)
    first = {f"Practice film {n}": slots[n - 1].case.code for n in (1, 2)} | {"Film 1": slots[2].case.code}
    seen = first | read_to_the_end(browser)
    rows = table(admin_client, browser)
    assert {row[1]: row[3] for row in rows if row[1] != "–"} == seen
    assert [row[0] for row in rows] == [str(slot.position) for slot in slots]


def test_the_readers_page_lists_the_films_and_neither_truth_nor_ratings(browser: Browser, admin_client: Client) -> None:
    slots = slots_of(browser.reader)
    for _ in range(3):
        browser.read(rating=5)
    services.withdraw_film(case=slots[3].case, reason="A name is burnt in.", actor=ACTOR)
    with CaptureQueriesContext(connection) as captured:
        rows = table(admin_client, browser)
    assert rows[0] == ("1", "Practice film 1", "practice", slots[0].case.code, "yes", "no")
    assert rows[2] == ("3", "Film 1", slots[2].kind, slots[2].case.code, "yes", "no")
    assert rows[3] == ("4", "–", slots[3].kind, slots[3].case.code, "no", "yes")
    assert rows[4] == ("5", "Film 2", slots[4].kind, slots[4].case.code, "no", "no")
    assert len(rows) == len(slots)
    asked = [query["sql"] for query in captured]
    assert len([sql for sql in asked if 'FROM "studies_slot"' in sql.split("WHERE")[0]]) == 1
    for table_of_truth in (CaseTruth._meta.db_table, "studies_arm", "studies_manifest"):
        assert table_of_truth not in str(asked)
    assert "rating" not in str(asked)
    assert Answer.objects.count() == 3


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ([], "either by the code of its case or by --reader and --film"),
        (["--reader", "R01"], "either by the code of its case or by --reader and --film"),
        (["--film", "1"], "either by the code of its case or by --reader and --film"),
        (["code", "--reader", "R01", "--film", "1"], "either by the code of its case or by --reader and --film"),
        (["--reader", "R07", "--film", "1"], "no reader “R07”; there are: R01"),
        (["--reader", "R01", "--film", "0"], "Reader R01 has no film 0; the films are numbered from 1 to 9"),
        (["--reader", "R01", "--film", "10"], "Reader R01 has no film 10; the films are numbered from 1 to 9"),
        (["--reader", "R01", "--film", "9"], "Reader R01 has not come to film 9 yet"),
    ],
)
def test_a_film_that_is_not_named_well_is_not_withdrawn(
    browser: Browser, study: Study, arguments: list[str], reason: str
) -> None:
    with pytest.raises(CommandError, match=reason):
        withdraw(*arguments)
    assert withdrawn() == []


# Numbers that come twice


def post(browser: Browser, what: str, code: str, **said: Any) -> None:
    reply = browser.client.post(f"/read/{what}/{code}/", json.dumps(said), content_type="application/json")
    assert reply.status_code == 200, reply.content


def test_a_reported_film_hands_its_number_on_and_neither_is_taken_for_the_other(
    browser: Browser, admin_client: Client
) -> None:
    slots = slots_of(browser.reader)
    for _ in range(3):
        browser.read()
    post(browser, "report", browser.slot()["code"], kind="shows_name")
    assert browser.slot()["number"] == 2
    browser.read()
    browser.read()
    # The second film was reported, so the film behind it was the second one too.
    withdraw("--reader", "R01", "--film", "3")
    assert withdrawn() == [slots[5].case.code]
    both = rf"more than one film as film 2: {slots[3].case} \(.*, reported\); {slots[4].case} \(.*\)\. Name"
    with pytest.raises(CommandError, match=both):
        withdraw("--reader", "R01", "--film", "2")
    rows = table(admin_client, browser)
    assert [row[1] for row in rows[2:6]] == ["Film 1", "Film 2", "Film 2", "Film 3"]
    assert [row[4] for row in rows[2:6]] == ["yes", "reported", "yes", "yes"]


def test_films_of_a_purpose_blind_phase_are_counted_by_themselves(tmp_path: Path, admin_client: Client) -> None:
    browser = Browser(open_study(tmp_path, films=2, purpose_blind_films=2, ethics_reference="EC 17/2026"))
    slots = slots_of(browser.reader)
    for slot in slots[:2]:
        browser.film(slot.code)
        post(browser, "remark", slot.code, findings={"Mass": 1}, milliseconds=1)
    browser.client.post("/read/noticed/", {"text": ""})
    browser.client.post("/read/going-on/", {"agree": "1"})
    for _ in range(4):
        browser.read()
    assert [row[1] for row in table(admin_client, browser)] == [
        "Film 1",
        "Film 2",
        "Film 1",
        "Film 2",
        "Film 3",
        "Film 4",
    ]
    assert {row[4] for row in table(admin_client, browser)} == {"yes"}
    withdraw("--reader", "R01", "--film", "3")
    assert withdrawn() == [slots[4].case.code]
    with pytest.raises(CommandError, match="more than one film as film 1"):
        withdraw("--reader", "R01", "--film", "1")


def test_each_sitting_counts_from_one(tmp_path: Path, admin_client: Client) -> None:
    browser = Browser(open_study(tmp_path, films=2, sittings=2, washout_days=0))
    slots = slots_of(browser.reader)
    for _ in range(6):
        browser.read()
    seen = [row[1] for row in table(admin_client, browser)]
    assert seen == [f"Film {n}" for n in (1, 2, 3, 4)] + [f"Film {n}, sitting 2" for n in (1, 2, 3, 4)]
    withdraw("--reader", "R01", "--film", "4")
    assert withdrawn() == [slots[3].case.code]
    first, again = slots[0].case, slots[4].case
    assert first != again
    with pytest.raises(CommandError, match=rf"as film 1: {first} \(main, sitting 1\); {again} \(main, sitting 2\)\."):
        withdraw("--reader", "R01", "--film", "1")


def test_pairs_are_numbered_as_pairs_with_both_cases(tmp_path: Path, admin_client: Client) -> None:
    design = {"question": "pairs", "practice_films": 2, "override_reason": "Noise has no findings."}
    browser = Browser(open_study(tmp_path, films=2, **design))
    slots = slots_of(browser.reader)
    services.withdraw_film(case=slots[2].other_case, reason="A name is burnt in.", actor=ACTOR)
    rows = table(admin_client, browser)
    assert [row[1] for row in rows] == ["Practice pair 1", "Pair 1", "–"]
    assert rows[1][3:] == (slots[1].case.code, slots[1].other_case.code, "no", "no")
    assert rows[2][-1] == "yes"
