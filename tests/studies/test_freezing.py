"""Freezing: what it refuses, what it fixes, and that a failure leaves nothing behind."""

from __future__ import annotations

import hashlib
import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.exceptions import ValidationError

from gan.pixels import film_hash, read_film
from readerstudy.archive.models import Radiograph
from readerstudy.audit.models import AuditRow
from readerstudy.studies import drawing, freezing
from readerstudy.studies.models import Arm, Case, CaseTruth, Manifest, Study
from readerstudy.studies.rendering import Form, common_step, film_of, frozen_payload, grey_step, render
from readerstudy.studies.services import add_arm, freeze_study
from tests.studies.films import (
    ACTOR,
    add_film,
    make_collection,
    make_generator,
    make_study,
    pseudonym,
    real_collection,
    synthetic_collection,
    two_arms,
)

pytestmark = [pytest.mark.database, pytest.mark.django_db]


def freeze(study: Study) -> Study:
    return freeze_study(study=study, actor=ACTOR)


def refused(study: Study, reason: str) -> None:
    """Freezing says why it refuses, and leaves nothing behind."""
    with pytest.raises(ValidationError, match=reason):
        freeze(study)
    study.refresh_from_db()
    assert study.state == Study.State.DESIGN
    assert not Case.objects.exists()
    assert not Manifest.objects.exists()
    assert not settings.STUDIES.exists() or not list(settings.STUDIES.iterdir())


def test_freezing_fixes_cases_payloads_and_manifest(tmp_path: Path) -> None:
    study = freeze(two_arms(tmp_path, films=10, practice_films=5))
    assert study.state == Study.State.FROZEN
    assert (study.side, study.levels) == (32, 65536)
    counts = {
        (kind, arm): CaseTruth.objects.filter(case__kind=kind, arm__name=arm).count()
        for kind in ("main", "practice")
        for arm in ("real", "synthetic")
    }
    assert counts == {
        ("main", "real"): 10, ("main", "synthetic"): 10, ("practice", "real"): 3, ("practice", "synthetic"): 2,
    }  # fmt: skip
    assert {path.name for path in study.folder.iterdir()} == {f"{case.code}.bin" for case in study.cases.all()}
    films = {
        case: read_film(case.truth.radiograph.path) for case in study.cases.select_related("truth__radiograph", "study")
    }
    step = common_step([grey_step(film, 32) for film in films.values()], 65536)
    for case, film in films.items():
        payload = case.path.read_bytes()
        assert hashlib.sha256(payload).hexdigest() == case.payload_hash
        assert payload == render(film, Form(32, 65536, 0, step), seed=f"{study.seed}:{film_hash(film)}")
    row = AuditRow.objects.get(action="study frozen")
    assert row.detail["manifest_hash"] == study.manifest_hash


def test_the_manifest_can_be_checked_by_its_hash(tmp_path: Path) -> None:
    study = freeze(two_arms(tmp_path))
    manifest = Manifest.objects.get(study=study).content
    text = json.dumps(manifest, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert hashlib.sha256(text.encode()).hexdigest() == study.manifest_hash
    assert manifest["plan"]["margin_reason"] == study.margin_reason
    assert manifest["arms"][1]["generators"][0]["sha256"]
    films = {row["code"]: row["film_hash"] for row in manifest["cases"]}
    assert films == dict(study.cases.values_list("code", "truth__radiograph__film_hash"))


def test_everything_that_a_designer_sets_is_in_the_manifest(tmp_path: Path) -> None:
    study = freeze(two_arms(tmp_path, practice_films=2, repeats=1, ratio_told=True))
    manifest = Manifest.objects.get(study=study).content
    designed = {field.name for field in Study._meta.fields if field.editable} - {"id"}
    assert manifest["plan"] == {name: getattr(study, name) for name in designed}
    fields = {field.name for field in Arm._meta.fields} - {"id", "study"}
    for arm in manifest["arms"]:
        assert fields <= set(arm)


def test_the_seed_draws_the_same_films_again_and_another_seed_others(tmp_path: Path) -> None:
    study = two_arms(tmp_path)

    def drawn() -> list[int]:
        return [case.candidate.radiograph for case in drawing.draw_films(study).cases]

    first = drawn()
    assert drawn() == first
    study.seed += 1
    assert drawn() != first


def test_the_order_of_cases_says_nothing_of_their_arms(tmp_path: Path) -> None:
    study = freeze(two_arms(tmp_path, films=30))
    arms = list(CaseTruth.objects.filter(study=study).order_by("case_id").values_list("arm__name", flat=True))
    # 60 films in 2 blocks would have 2 runs; at random they have 31 on average with a deviation of 3.8.
    runs = 1 + sum(a != b for a, b in pairwise(arms))
    assert 12 < runs < 50


def test_nobody_is_two_cases_though_arms_share_a_collection(tmp_path: Path) -> None:
    study = two_arms(tmp_path, films=10, practice_films=4)
    real = make_collection("shared")
    for number in range(60):
        add_film(real, number, patient=f"patient-{number % 25}")
    for name, role in (("second", "real"), ("control", "control-real")):
        add_arm(study=study, actor=ACTOR, name=name, role=role, collection=real, films=11)
    freeze(study)
    patients = CaseTruth.objects.filter(study=study).exclude(patient="").values_list("patient", flat=True)
    assert len(set(patients)) == len(patients) == 10 + 11 + 11 + 2


def test_a_degraded_control_is_rendered_in_blocks_and_a_real_control_is_not(tmp_path: Path) -> None:
    study = two_arms(tmp_path, films=5)
    synthetic = study.arms.get(name="synthetic").collection
    add_arm(study=study, actor=ACTOR, name="degraded", role="control-degraded", collection=synthetic, films=3)
    freeze(study)
    for truth in CaseTruth.objects.filter(study=study, arm__role="control-degraded").select_related("case"):
        shown = film_of(frozen_payload(truth.case), 32)
        blocks = shown.reshape(8, 4, 8, 4).astype(float)
        # Noise of one 16-bit film is wide between blocks; within them there is what freezing adds.
        assert blocks.std(axis=(1, 3)).max() < 200 < blocks.mean(axis=(1, 3)).std()
    manifest = Manifest.objects.get(study=study).content
    assert manifest["degradation"] == {"rule": "mean over square blocks, at most 64 across", "block_side": 4}


def test_matrix_and_grid_are_the_smallest_and_coarsest_of_the_study(tmp_path: Path) -> None:
    study = two_arms(tmp_path, films=25)
    real = study.arms.get(name="real").collection
    real.radiographs.update(levels=256)
    study.arms.get(name="synthetic").collection.batches.get().generator.__class__.objects.update(resolution=16)
    frozen = freeze(study)
    assert (frozen.side, frozen.levels) == (16, 256)
    assert {path.stat().st_size for path in frozen.folder.iterdir()} == {512}


def test_films_are_drawn_to_a_finding_mix_and_the_rest_is_told(tmp_path: Path) -> None:
    study = two_arms(tmp_path, films=5)
    target, source = make_collection("training"), make_collection("held-out")
    for number in range(40):
        findings = ["No Finding"] if number < 30 else ["Effusion", "Mass"]
        add_film(target, number, patient=f"t{number}", findings=findings)
        findings = ["No Finding"] if number < 9 else ["Effusion", "Mass"] if number < 30 else ["Hernia"]
        add_film(source, number, patient=f"s{number}", findings=findings)
    arm = add_arm(study=study, actor=ACTOR, name="mixed", role="real", collection=source, films=20, mix_of=target)
    frozen = freeze(study)
    drawn = arm.cases.filter(radiograph__findings__finding="No Finding").count()
    assert drawn == 9  # of 15 asked for; the films hold no more
    told = next(row for row in Manifest.objects.get(study=frozen).content["arms"] if row["name"] == "mixed")
    assert told["finding_mix"] == {
        "Effusion": {"target": 0.25, "drawn": 0.55},
        "Mass": {"target": 0.25, "drawn": 0.55},
        "No Finding": {"target": 0.75, "drawn": 0.45},
    }


# What freezing refuses


@pytest.mark.parametrize(
    "trained_on",
    [
        lambda film: {"film_hash": film.film_hash},
        lambda film: {"film_hash": "0" * 64, "patient_hash": film.patient},
        lambda film: {"film_hash": "0" * 64, "phantom_seed": film.phantom_seed},
    ],
    ids=["film", "patient", "phantom"],
)
def test_films_that_the_generator_has_seen_are_refused(tmp_path: Path, trained_on: Any) -> None:
    real = real_collection(films=19)
    seen = add_film(real, 99, patient="seen", split="train", phantom_seed=5)
    drawn = synthetic_collection(make_generator(tmp_path / "generator", [trained_on(seen)]))
    study = make_study(override_reason="A trial of the programme.")
    arm = add_arm(study=study, actor=ACTOR, name="real", role="real", collection=real, films=5)
    add_arm(study=study, actor=ACTOR, name="synthetic", role="generator", collection=drawn, films=5)
    refused(study, "1 of the films that arm “real” may draw belongs to .* held-out split")
    arm.split = "test"
    arm.save()
    assert freeze(study).state == Study.State.FROZEN


@pytest.mark.parametrize(
    ("films", "key", "told"),
    [
        ([{"film_hash": "0" * 64}], None, "1 training films have no patient known under"),
        ([{"film_hash": "0" * 64, "patient_hash": "1" * 64}], b"another key", "1 training films have no patient known"),
    ],
    ids=["no patient", "another key"],
)
def test_unknown_training_patients_need_a_reason(tmp_path: Path, films: list, key: bytes | None, told: str) -> None:
    drawn = synthetic_collection(make_generator(tmp_path / "generator", films, key=key))
    study = make_study()
    add_arm(study=study, actor=ACTOR, name="real", role="real", collection=real_collection(), films=5)
    add_arm(study=study, actor=ACTOR, name="synthetic", role="generator", collection=drawn, films=5)
    refused(study, f"{told}.*Give a reason")
    study.override_reason = "The generator was published without its patients."
    study.save()
    manifest = freeze(study).manifest.content
    assert told in manifest["not_known"][0]
    assert manifest["plan"]["override_reason"] == study.override_reason


def test_real_films_without_patients_and_synthetic_ones_without_generator_need_a_reason(tmp_path: Path) -> None:
    study = make_study()
    real, synthetic = real_collection(patient=""), synthetic_collection(None)
    add_arm(study=study, actor=ACTOR, name="real", role="real", collection=real, films=5)
    add_arm(study=study, actor=ACTOR, name="synthetic", role="generator", collection=synthetic, films=5)
    refused(study, "30 films have no known patient.*30 films come from a generator that is not registered")
    study.override_reason = "Films of a public archive."
    study.save()
    assert len(freeze(study).manifest.content["not_known"]) == 2


def test_a_classifier_whose_training_films_are_not_known_needs_a_reason(tmp_path: Path) -> None:
    study = two_arms(tmp_path, films=5)
    arm = study.arms.get(name="synthetic")
    arm.selection, arm.selection_detail = "classifier", "chest-net, p ≥ 0.9"
    arm.save()
    refused(study, "“synthetic”: it is not known which films the classifier was trained on .chest-net, p ≥ 0.9.")
    study.override_reason = "It was trained at another hospital."
    study.save()
    assert len(freeze(study).manifest.content["not_known"]) == 1


def test_phantoms_that_the_generator_has_not_seen_need_no_reason(tmp_path: Path) -> None:
    real = make_collection("phantoms")
    for number in range(6):
        add_film(real, number, patient=f"phantom-{number}", phantom_seed=number)
    trained = [{"film_hash": "0" * 64, "phantom_seed": 1_000_000}]
    study = make_study()
    add_arm(study=study, actor=ACTOR, name="real", role="real", collection=real, films=5)
    drawn = synthetic_collection(make_generator(tmp_path / "generator", trained, key=b"of the publisher"))
    add_arm(study=study, actor=ACTOR, name="synthetic", role="generator", collection=drawn, films=5)
    assert freeze(study).manifest.content["not_known"] == []


def test_a_generator_file_that_changed_is_refused(tmp_path: Path) -> None:
    study = two_arms(tmp_path)
    (tmp_path / "generator" / "generator.safetensors").write_bytes(b"other weights")
    refused(study, "Generator “generator” cannot say what it was trained on")


def test_too_few_patients_are_refused_with_their_number(tmp_path: Path) -> None:
    study = two_arms(tmp_path, films=30)
    study.practice_films = 2
    study.save()
    refused(
        study,
        "needs 1 films of patients that are not yet in the study, but of the films with the split “held out” in "
        "collection “real” only 0 are left",
    )


@pytest.mark.parametrize("missing", ["real", "generator"])
def test_a_study_needs_real_and_synthetic_films(tmp_path: Path, missing: str) -> None:
    study = two_arms(tmp_path)
    study.arms.filter(role=missing).delete()
    refused(study, f"no arm with the role “{missing}”")


def test_more_repeats_than_fit_are_refused(tmp_path: Path) -> None:
    refused(two_arms(tmp_path, films=10, repeats=15), "At most 14 of the 20 films can be repeated")


@pytest.mark.parametrize(("truncation", "rule", "reason"), [(0.7, "random", "with"), (1.0, "truncation", "without")])
def test_truncation_is_declared_as_it_was(tmp_path: Path, truncation: float, rule: str, reason: str) -> None:
    study = two_arms(tmp_path, films=5)
    drawn = synthetic_collection(make_generator(tmp_path / "other"), "other", truncation=truncation)
    add_arm(
        study=study,
        actor=ACTOR,
        name="other",
        role="generator",
        collection=drawn,
        films=5,
        selection=rule,
        selection_detail="0.7",
    )
    refused(study, f"30 films of arm “other” were drawn {reason} truncation")


def test_a_film_that_is_lost_or_changed_leaves_nothing_behind(tmp_path: Path) -> None:
    study = two_arms(tmp_path, films=30)
    last = Radiograph.objects.filter(collection__name="synthetic").first()
    assert last
    whole = last.path.read_bytes()
    last.path.unlink()
    refused(study, "cannot be read .* import it again")
    last.path.write_bytes(Radiograph.objects.filter(collection__name="real")[0].path.read_bytes())
    refused(study, "has changed since it came into the archive")
    last.path.write_bytes(whole)
    freeze(study)


def test_an_error_while_rows_are_written_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    study = two_arms(tmp_path)
    monkeypatch.setattr("readerstudy.studies.services.record", lambda **_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        freeze(study)
    assert not CaseTruth.objects.exists()
    assert not list(settings.STUDIES.iterdir())


def test_a_design_that_changes_while_it_is_frozen_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    study = two_arms(tmp_path)
    render_cases = freezing.render_cases

    def somebody_changes_the_plan_meanwhile(*args: Any) -> Any:
        Study.objects.filter(pk=study.pk).update(margin=0.2)
        return render_cases(*args)

    monkeypatch.setattr(freezing, "render_cases", somebody_changes_the_plan_meanwhile)
    refused(study, "changed while it was being frozen")


def test_payloads_left_by_a_crash_do_not_stop_the_next_freezing(tmp_path: Path) -> None:
    study = two_arms(tmp_path)
    study.folder.mkdir(parents=True)
    (study.folder / "old.bin").write_bytes(b"left behind")
    assert not (freeze(study).folder / "old.bin").exists()


def test_a_frozen_study_is_not_frozen_again(tmp_path: Path) -> None:
    study = freeze(two_arms(tmp_path))
    with pytest.raises(ValidationError, match="is frozen already"):
        freeze(study)
    assert study.folder.exists()


@pytest.mark.parametrize(
    ("plan", "reason"),
    [
        ({"role": "generator"}, "has the role “generator”, but the films of collection “real” are real"),
        ({"selection": "hand-picked"}, "“hand-picked” is refused: films are never hand-picked"),
        ({"selection": "classifier"}, "always drawn plainly at random"),
        ({"mix_split": "train"}, "no collection to take the mix of"),
        ({"films": 0}, "greater than or equal to 1"),
    ],
)
def test_an_arm_that_makes_no_sense_is_refused(plan: dict, reason: str) -> None:
    study = make_study()
    fields = {"name": "arm", "role": "real", "collection": real_collection(films=1), "films": 1} | plan
    with pytest.raises(ValidationError, match=reason):
        add_arm(study=study, actor=ACTOR, **fields)
    assert not Arm.objects.exists()


def test_a_patient_known_in_another_collection_of_the_same_origin_is_the_same_patient(tmp_path: Path) -> None:
    study = two_arms(tmp_path, films=10)
    twin = make_collection("twin")
    for number in range(30):
        add_film(twin, number, patient=f"real-{number}")
    assert pseudonym("real-3") in twin.radiographs.values_list("patient", flat=True)
    add_arm(study=study, actor=ACTOR, name="twin", role="control-real", collection=twin, films=21)
    refused(study, "needs 21 films .* only 20 are left")
