"""What the analysis is given is what was frozen, read and written down."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import pytest
from django.core.exceptions import ValidationError

from gan.pixels import read_film
from readerstudy.reading.models import Answer
from readerstudy.results.services import simulate_readers
from readerstudy.results.study_input import study_input
from readerstudy.studies import services
from readerstudy.studies.models import CaseTruth, Slot, Study
from readerstudy.studies.rendering import DITHER, Form, film_of, render
from readerstudy.synthesis.models import Generator
from tests.studies.films import ACTOR, make_generator, make_study, real_collection, synthetic_collection, two_arms

pytestmark = [pytest.mark.database, pytest.mark.django_db]


@pytest.fixture
def study(tmp_path: Path) -> Study:
    study = two_arms(tmp_path, films=6, practice_films=2, repeats=2, override_reason="A trial.")
    study = services.freeze_study(study=study, actor=ACTOR)
    simulate_readers(study=study, readers=2, d_prime=1.0, seed=0, actor=ACTOR)
    return study


def unblinded(study: Study) -> Study:
    services.close_study(study=study, actor=ACTOR)
    return services.unblind_study(study=study, reason="All have read.", actor=ACTOR)


def test_nothing_is_given_before_unblinding(study: Study) -> None:
    services.close_study(study=study, actor=ACTOR)
    study.refresh_from_db()
    with pytest.raises(ValidationError, match="only after closing and unblinding"):
        study_input(study)


def test_plan_and_arms_are_those_of_the_manifest(study: Study) -> None:
    given = study_input(unblinded(study))
    plan = given.plan
    assert (plan.margin, plan.seed, plan.side, plan.levels) == (0.1, 7, 32, 65536)
    assert plan.manifest_hash == study.manifest_hash
    assert plan.unblinding_reason == "All have read."
    real, synthetic = given.arms
    assert (real.name, real.role, real.films) == ("real", "real", 6)
    assert real.source == "collection real, origin hospital, split: held out"
    assert synthetic.selection == "plain random draw, from 30 films"
    assert synthetic.generators[0].name == "generator"
    assert synthetic.generators[0].detail == "32 × 32 pixels, trained on 1000 images, truncation 1"
    assert given.simulated


def test_films_are_the_main_payloads_with_their_patients(study: Study) -> None:
    withdrawn = study.cases.filter(kind="main")[0]
    services.withdraw_film(case=withdrawn, reason="A name is burnt in.", actor=ACTOR)
    given = study_input(unblinded(study))
    truths = {t.case.code: t for t in CaseTruth.objects.filter(case__kind="main").select_related("case", "arm")}
    assert {film.case for film in given.films} == set(truths) - {withdrawn.code}
    for film in given.films:
        truth = truths[film.case]
        assert (film.arm, film.patient) == (truth.arm.name, truth.patient)
        assert np.array_equal(film.pixels, film_of(truth.case.path.read_bytes(), 32))


def test_a_payload_that_has_changed_since_freezing_is_not_analysed(study: Study) -> None:
    changed = study.cases.filter(kind="main")[2]
    payload = bytearray(changed.path.read_bytes())
    payload[0] ^= 1
    changed.path.write_bytes(payload)
    study = unblinded(study)
    with pytest.raises(ValidationError, match=f"The payload of case {changed} .* has changed since freezing"):
        study_input(study)
    changed.path.unlink()
    with pytest.raises(ValidationError, match=f"The payload of case {changed} cannot be read"):
        study_input(study)


def test_deviations_say_how_many_readings_they_left_out(study: Study) -> None:
    repeated = Slot.objects.filter(kind="repeat", sitting__reader__pseudonym="S01")[0].case
    looks = Slot.objects.filter(case=repeated).count()
    services.withdraw_film(case=repeated, reason="A name is burnt in.", actor=ACTOR)
    services.withdraw_reader(reader=study.readers.get(pseudonym="S02"), reason="Asked to.", actor=ACTOR)
    services.record_deviation(study=study, reason="The lamp was on.", actor=ACTOR)
    given = study_input(unblinded(study))
    assert [(d.kind, d.about, d.readings_left_out) for d in given.deviations] == [
        ("film withdrawn", repeated.code, looks),
        ("reader withdrawn", "S02", 16),
        ("other", "", 0),
    ]
    assert {reading.reader for reading in given.readings} == {"S01"}


def test_what_nobody_read_is_told(tmp_path: Path) -> None:
    study = services.freeze_study(study=two_arms(tmp_path, films=6), actor=ACTOR)
    services.invite_reader(study=study, actor=ACTOR)
    given = study_input(unblinded(study))
    assert given.readings == []
    assert not given.simulated
    (deviation,) = given.deviations
    assert (deviation.kind, deviation.reason) == ("not read", "12 films of the readers' lists were not read.")


def test_first_answers_are_given_only_where_one_was_amended(study: Study) -> None:
    slot = Slot.objects.filter(kind="main")[0]
    first = slot.answers.get().rating
    Answer.objects.create(slot=slot, revision=2, rating=7 - first, milliseconds=10)
    given = study_input(unblinded(study))
    code = slot.case.code
    ratings = [
        next(r.rating for r in readings if r.case == code and r.reader == "S01" and r.position == slot.position)
        for readings in (given.readings, given.first_readings)
    ]
    assert ratings == [7 - first, first]


def test_no_first_answers_where_none_was_amended(study: Study) -> None:
    assert study_input(unblinded(study)).first_readings == []


def test_a_finding_mix_and_a_truncation_are_told(tmp_path: Path) -> None:
    study = two_arms(tmp_path, films=4)
    mixed = real_collection("mixed", 8)
    for number, film in enumerate(mixed.radiographs.all()):
        film.findings.create(finding="Hernia" if number % 2 else "Mass")
    plan = {"study": study, "actor": ACTOR, "films": 4}
    services.add_arm(name="mixed", role="real", collection=mixed, mix_of=mixed, **plan)
    drawn = synthetic_collection(make_generator(tmp_path / "other"), "other", truncation=0.5)
    selection = {"selection": "truncation", "selection_detail": "0.5"}
    services.add_arm(name="other", role="generator", collection=drawn, **selection, **plan)
    arms = {arm.name: arm for arm in study_input(unblinded(services.freeze_study(study=study, actor=ACTOR))).arms}
    assert arms["mixed"].finding_targets == {"Hernia": 0.5, "Mass": 0.5}
    assert arms["mixed"].finding_shares == {"Hernia": 0.5, "Mass": 0.5}
    assert arms["mixed"].selection == "plain random draw, to the finding mix of mixed, from 8 films"
    assert arms["other"].selection == "random draw with truncation: 0.5, from 30 films"
    assert arms["other"].generators[0].detail.endswith("truncation 0.5")


def drawn_by(generator: Generator | None) -> Study:
    study = make_study(override_reason="A trial.")
    add = partial(services.add_arm, study=study, actor=ACTOR, films=6)
    add(name="real", role="real", collection=real_collection(), split="test")
    add(name="synthetic", role="generator", collection=synthetic_collection(generator))
    return unblinded(services.freeze_study(study=study, actor=ACTOR))


def test_training_films_come_in_the_form_that_readers_saw_as_far_as_the_archive_has_them(tmp_path: Path) -> None:
    trained = {film.film_hash: film for film in real_collection("trained", films=3, split="train").radiographs.all()}
    rows = [{"film_hash": film.film_hash, "patient_hash": film.patient} for film in trained.values()]
    study = drawn_by(make_generator(tmp_path / "drawer", [*rows, {"film_hash": "e" * 64}]))
    (training,) = study_input(study).training.values()
    assert training.missing == "1 of its 4 training films are not in the archive."
    assert list(training.patients) == [trained[film_hash].patient for film_hash in sorted(trained)]
    assert len(training.films) == 3
    manifest = study.manifest.content
    form = Form(32, 65536, manifest["margin"], manifest["dither"]["standard_deviation"] / DITHER)
    for index, film_hash in enumerate(sorted(trained)):
        payload = render(read_film(trained[film_hash].path), form, seed=f"7:{film_hash}")
        assert np.array_equal(training.films[index], film_of(payload, 32))


def test_training_films_that_are_not_known_are_none_and_it_is_said_why(tmp_path: Path) -> None:
    (training,) = study_input(drawn_by(None)).training.values()
    assert len(training.films) == 0
    assert training.missing == "The films come from no registered generator."


def test_a_generator_whose_file_has_gone_keeps_no_study_from_its_analysis(tmp_path: Path) -> None:
    generator = make_generator(tmp_path / "drawer")
    study = drawn_by(generator)
    generator.file.with_suffix(".json").unlink()
    (training,) = study_input(study).training.values()
    assert len(training.films) == 0
    assert "cannot say what it was trained on" in training.missing
