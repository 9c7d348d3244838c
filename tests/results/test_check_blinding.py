"""The check of blinding catches every leak that is known, and finds none in the reading room as it is."""

from __future__ import annotations

import gzip
import json
import random
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command
from django.http import HttpRequest, HttpResponse
from pytest_django import Settings

from readerstudy.audit.models import AuditRow
from readerstudy.reading.models import Answer, Consent, DisplayCheck, Profile
from readerstudy.results.blinding import check as checking
from readerstudy.results.blinding.check import check_blinding
from readerstudy.results.models import BlindingCheck
from readerstudy.results.study_input import study_input
from readerstudy.studies import services
from readerstudy.studies.models import Case, CaseTruth, Reader, Slot, Study
from tests.reading.room import open_study
from tests.studies.films import ACTOR, make_generator, make_study, real_collection, synthetic_collection

pytestmark = [pytest.mark.database, pytest.mark.django_db]

SIDE = 32
# Enough for texts that must agree; numbers need many films.
FEW, MANY = 6, 100
Spoil = Callable[[bool, HttpRequest, HttpResponse], None]
SPOIL: list[Spoil] = []


def check(study: Study, **options: Any) -> BlindingCheck:
    return check_blinding(study=study, actor=ACTOR, **options)


def verdicts(done: BlindingCheck) -> dict[str, str]:
    return {channel["name"]: channel["verdict"] for channel in done.figures["channels"]}


def telling(done: BlindingCheck) -> set[str]:
    return {name for name, verdict in verdicts(done).items() if verdict == "tells"}


# The reading room as it is


def test_nothing_tells_in_the_reading_room_and_nothing_is_left_of_the_reader(tmp_path: Path) -> None:
    study = open_study(tmp_path, films=MANY, practice_films=2, repeats=3)
    rows = AuditRow.objects.count()
    done = check(study)
    assert telling(done) == set()
    assert done.outcome in ("passed", "open")
    assert done.figures["films"] == {"real": MANY, "synthetic": MANY}
    channels = {channel["name"]: channel for channel in done.figures["channels"]}
    for kind in ("slot", "film", "answer"):
        assert channels[f"{kind}: address"]["distinct"] == 1
        assert channels[f"{kind}: time"]["distinct"] == 2 * MANY
    assert channels["film: length"]["distinct"] == channels["film: level grid"]["distinct"] == 1
    assert not Reader.objects.exists()
    assert not Answer.objects.exists()
    # That it was checked is logged; what the reader did is not.
    assert AuditRow.objects.count() == rows + 1
    assert AuditRow.objects.first().action == "blinding checked"  # type: ignore[union-attr]


@pytest.mark.django_db(transaction=True)
def test_the_whole_reading_is_rolled_back_outside_of_a_test_too(tmp_path: Path) -> None:
    study = open_study(tmp_path, films=FEW)
    check(study, permutations=19)
    assert not Reader.objects.exists()
    assert not Slot.objects.exists()
    assert BlindingCheck.objects.get().study == study
    services.invite_reader(study=study, actor=ACTOR)


def test_it_comes_in_through_every_page_and_answers_all_that_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = open_study(
        tmp_path,
        films=FEW,
        consent_text="You may stop at any time.",
        consent_version="1",
        profile_asked=True,
        display_asked=True,
        remarks_asked=True,
        block_films=4,
    )
    seen = []

    def joined(*arguments: Any) -> Any:
        seen.append((Consent.objects.count(), Profile.objects.count(), DisplayCheck.objects.count()))
        seen.append((Answer.objects.count(),))
        return original(*arguments)

    original = checking._joined
    monkeypatch.setattr(checking, "_joined", joined)
    done = check(study, permutations=19)
    assert seen == [(1, 1, 1), (2 * FEW,)]
    assert "tells" not in {verdict for name, verdict in verdicts(done).items() if "text" in name}


def test_it_goes_on_after_a_purpose_blind_phase(tmp_path: Path) -> None:
    study = open_study(
        tmp_path,
        films=FEW,
        purpose_blind_films=2,
        purpose_blind_title="Chest radiographs",
        purpose_blind_instruction="Say which findings you see.",
        ethics_reference="EK 2026-1",
        debriefing_text="Some of the films were drawn by a program.",
        debriefing_version="1",
        cues="end",
    )
    assert check(study, permutations=19).figures["films"] == {"real": FEW, "synthetic": FEW}


def test_the_report_is_given_what_the_last_check_said(tmp_path: Path, leak: list[Spoil]) -> None:
    study = open_study(tmp_path, films=FEW)
    check(study, permutations=19)
    leak.append(told_after_the_answer)
    check(study, permutations=19)
    study = services.close_study(study=study, actor=ACTOR)
    study = services.unblind_study(study=study, reason="A test.", actor=ACTOR)
    assert study_input(study).blinding == "leak"


def test_pairs_are_read_film_by_film(tmp_path: Path) -> None:
    study = open_study(tmp_path, films=FEW, question="pairs", override_reason="A test.")
    done = check(study, permutations=19)
    assert done.figures["films"] == {"real": FEW, "synthetic": FEW}


def test_a_study_that_takes_no_readers_is_refused(tmp_path: Path) -> None:
    study = services.close_study(study=open_study(tmp_path, films=FEW), actor=ACTOR)
    with pytest.raises(ValidationError, match="while study"):
        check(study)


def test_too_few_films_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match="at least 5 real and 5 synthetic"):
        check(open_study(tmp_path, films=3))
    assert not Reader.objects.exists()


# What it must catch


def truths() -> dict[str, bool]:
    """Whether the film of a slot is synthetic, by the slot's code."""
    return {code: role == "generator" for code, role in Slot.objects.values_list("code", "case__truth__arm__role")}


def leaking(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Middleware that knows the truth of the slot that a reply is about, and lets each of SPOIL use it."""

    def spoiled(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        known = truths() if request.path.startswith(("/read/slot", "/read/film", "/read/answer")) else {}
        text = request.path if "/slot/" not in request.path else response.content[:60].decode()
        for code, synthetic in known.items():
            if code in text and response.status_code == 200:
                for spoil in SPOIL:
                    spoil(synthetic, request, response)
                response["Content-Length"] = str(len(response.content))
        return response

    return spoiled


@pytest.fixture
def leak(settings: Settings) -> Any:
    """Lets replies be spoiled by what is appended to it."""
    settings.MIDDLEWARE = [f"{__name__}.leaking", *settings.MIDDLEWARE]
    SPOIL.clear()
    yield SPOIL
    SPOIL.clear()


def on(kind: str) -> Callable[[Callable[[bool, HttpResponse], None]], Spoil]:
    def only(spoil: Callable[[bool, HttpResponse], None]) -> Spoil:
        def guarded(synthetic: bool, request: HttpRequest, response: HttpResponse) -> None:
            if f"/{kind}/" in request.path:
                spoil(synthetic, response)

        guarded.__name__ = spoil.__name__
        return guarded

    return only


@on("film")
def dated_by_origin(synthetic: bool, response: HttpResponse) -> None:
    response["Last-Modified"] = f"Mon, 02 Jan {2026 if synthetic else 2017} 00:00:00 GMT"


@on("film")
def dated_alike(synthetic: bool, response: HttpResponse) -> None:
    response["Last-Modified"] = "Mon, 02 Jan 2017 00:00:00 GMT"


@on("film")
def tagged(synthetic: bool, response: HttpResponse) -> None:
    response["ETag"] = f'"{hash(response.content)}"'


@on("film")
def longer(synthetic: bool, response: HttpResponse) -> None:
    response.content += b"\0" * (2 * synthetic)


@on("film")
def compressed(synthetic: bool, response: HttpResponse) -> None:
    response.content = gzip.compress(response.content, mtime=0)
    response["Content-Encoding"] = "gzip"


@on("film")
def of_another_type(synthetic: bool, response: HttpResponse) -> None:
    response["Content-Type"] = "image/png" if synthetic else "image/jpeg"


@on("film")
def from_the_cache(synthetic: bool, response: HttpResponse) -> None:
    if synthetic:
        response["X-Cache"] = "hit"


@on("film")
def partial(synthetic: bool, response: HttpResponse) -> None:
    response.status_code = 206 if synthetic else 200


@on("film")
def off_the_grid(synthetic: bool, response: HttpResponse) -> None:
    greys = np.frombuffer(response.content, "<u2")
    response.content = (greys - greys % 4 if synthetic else greys).astype("<u2").tobytes()


@on("answer")
def told_after_the_answer(synthetic: bool, response: HttpResponse) -> None:
    response["X-Arm"] = "generator" if synthetic else "real"


@pytest.mark.parametrize(
    ("spoil", "channel"),
    [
        (dated_by_origin, "film: header last-modified"),
        (dated_alike, "film: forbidden headers"),
        (tagged, "film: header etag"),
        (longer, "film: length"),
        (compressed, "film: forbidden headers"),
        (of_another_type, "film: header content-type"),
        (from_the_cache, "film: names of headers"),
        (partial, "film: status"),
        (told_after_the_answer, "answer: header x-arm"),
    ],
    ids=lambda value: value if isinstance(value, str) else value.__name__,
)
def test_what_no_reply_may_have_is_caught_on_few_films(
    tmp_path: Path, leak: list[Spoil], spoil: Spoil, channel: str
) -> None:
    leak.append(spoil)
    done = check(open_study(tmp_path, films=FEW), permutations=19)
    assert done.outcome == "leak"
    assert channel in telling(done)


@on("film")
def late(synthetic: bool, response: HttpResponse) -> None:
    time.sleep(0.03 * synthetic)


@on("film")
def dated_ahead(synthetic: bool, response: HttpResponse) -> None:
    seconds = time.time() - 20 * synthetic
    response["Date"] = time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(seconds))


@on("film")
def framed(synthetic: bool, response: HttpResponse) -> None:
    greys = np.frombuffer(response.content, "<u2").reshape(SIDE, SIDE).copy()
    if not synthetic:
        greys[:2], greys[:, :2], greys[-16:, -16:] = 0, 0, 0
    response.content = greys.tobytes()


@on("slot")
def spaced(synthetic: bool, response: HttpResponse) -> None:
    response.content = response.content.replace(b"}", b" }") if synthetic else response.content


@on("slot")
def numbered(synthetic: bool, response: HttpResponse) -> None:
    """Ids of rows that were written real films first."""
    identity = random.randrange(1000) + 1000 * synthetic
    response.content = response.content.replace(b"{", b'{"id":%d,' % identity, 1)


def test_leaks_in_numbers_are_caught_at_a_hundred_films_each(
    tmp_path: Path, leak: list[Spoil], monkeypatch: pytest.MonkeyPatch
) -> None:
    """All at once, each in a channel of its own; the codes are in the order of truth as well."""
    leak += [late, dated_ahead, framed, spaced, numbered]

    drawn = services._slots

    def slots(*arguments: Any) -> list[Slot]:
        rows = drawn(*arguments)
        roles = dict(CaseTruth.objects.values_list("case", "arm__role"))
        codes = iter(sorted(row.code for row in rows))
        for row in sorted(rows, key=lambda row: roles[row.case_id]):
            row.code = next(codes)
        return rows

    monkeypatch.setattr(services, "_slots", slots)
    done = check(open_study(tmp_path, films=MANY))
    assert done.outcome == "leak"
    told = telling(done)
    assert {
        "film: time",
        "date header",
        "film: border",
        "film: padding",
        "slot: text",
        "slot: numbers",
        "codes",
    } <= told
    assert not told & {"order", "slot: time", "answer: numbers", "answer: text", "film: length", "slot: address"}


def test_an_order_that_depends_on_truth_is_caught(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def by_turns(practice: object, main: Sequence[tuple[Case, ...]], *_more: object) -> list:
        roles = dict(CaseTruth.objects.values_list("case", "arm__role"))
        real = [film for film in main if roles[_first(film).pk] == "real"]
        drawn = [film for film in main if roles[_first(film).pk] == "generator"]
        turns = [film for pair in zip(real, drawn, strict=True) for film in pair]
        return [(Slot.Kind.MAIN, film) for film in turns]

    monkeypatch.setattr(services, "draw_order", by_turns)
    done = check(open_study(tmp_path, films=MANY // 2))
    assert telling(done) >= {"order"}


def _first(film: Any) -> Case:
    return film[0] if isinstance(film, (tuple, list)) else film


def test_greys_off_the_grid_are_caught(tmp_path: Path, leak: list[Spoil]) -> None:
    leak.append(off_the_grid)
    study = make_study()
    drawn = synthetic_collection(make_generator(tmp_path / "generator"), films=FEW)
    real = real_collection(films=FEW, levels=256)
    services.add_arm(study=study, actor=ACTOR, name="real", role="real", collection=real, films=FEW)
    services.add_arm(study=study, actor=ACTOR, name="drawn", role="generator", collection=drawn, films=FEW)
    done = check(services.freeze_study(study=study, actor=ACTOR), permutations=19)
    assert "film: level grid" in telling(done)


# The command


def test_the_command_prints_a_table_writes_json_and_ends_with_a_status(
    tmp_path: Path, leak: list[Spoil], capsys: pytest.CaptureFixture
) -> None:
    study = open_study(tmp_path, films=FEW)
    file = tmp_path / "figures.json"
    with pytest.raises(CommandError) as ended:
        call_command("check_blinding", study.name, "--json", file)
    # Twelve films exclude nothing.
    assert ended.value.returncode == 2
    figures = json.loads(file.read_text())
    assert figures["outcome"] == "open"
    assert figures["films"] == {"real": FEW, "synthetic": FEW}
    output = capsys.readouterr().out
    assert "film: time" in output
    assert "other channels are the same for all films." in output
    leak.append(told_after_the_answer)
    with pytest.raises(CommandError, match="Blinding is broken") as ended:
        call_command("check_blinding", study.name, "--films", 2 * FEW)
    assert ended.value.returncode == 1
    assert "answer: header x-arm" in capsys.readouterr().out
