"""A study of pairs: each synthetic film gets a real partner with its findings, and readers see both side by side."""

from __future__ import annotations

from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ValidationError

from readerstudy.archive.models import Collection, RadiographFinding
from readerstudy.studies import services
from readerstudy.studies.models import CaseTruth, Slot, Study
from tests.studies.films import ACTOR, add_film, make_collection, make_generator, make_study, synthetic_collection

pytestmark = [pytest.mark.database, pytest.mark.django_db]

# Of 30 synthetic films a half has a mass, of 60 real ones one sixth: a plain draw does not fit.
MASS, NOTHING = ["Mass"], ["No Finding"]


def held_out_films(name: str = "real", films: int = 60) -> Collection:
    collection = make_collection(name)
    for number in range(films):
        findings = MASS if number < films / 6 else NOTHING
        add_film(collection, number, patient=f"{name}-{number}", split="test", findings=findings)
    return collection


def drawn_films(folder: Path, name: str = "drawn", *, known: bool = True) -> Collection:
    collection = synthetic_collection(make_generator(folder / name), name)
    if known:
        RadiographFinding.objects.bulk_create(
            RadiographFinding(radiograph=film, finding=(MASS if number % 2 else NOTHING)[0])
            for number, film in enumerate(collection.radiographs.order_by("pk"))
        )
    return collection


def pairs_study(folder: Path, arms: dict[str, int] | None = None, *, known: bool = True, **plan: Any) -> Study:
    """A study of pairs in design; `arms` gives the number of films by role."""
    study = make_study(question="pairs", **plan)
    real, drawn = held_out_films(), drawn_films(folder, known=known)
    for role, films in (arms or {"real": 10, "generator": 8, "control-degraded": 2}).items():
        collection = real if "real" in role else drawn
        services.add_arm(study=study, actor=ACTOR, name=role, role=role, collection=collection, films=films)
    return study


def freeze(study: Study) -> Study:
    return services.freeze_study(study=study, actor=ACTOR)


def pairs_of(study: Study, kind: str = "main") -> list[list[CaseTruth]]:
    truths = CaseTruth.objects.filter(study=study, case__kind=kind).select_related("arm", "case", "radiograph")
    pairs = defaultdict(list)
    for truth in truths.order_by("radiograph__collection__truth"):
        pairs[truth.pair].append(truth)
    return list(pairs.values())


def findings(truth: CaseTruth) -> list[str]:
    return sorted(truth.radiograph.findings.values_list("finding", flat=True))


def test_each_synthetic_film_gets_a_real_one_with_its_findings(tmp_path: Path) -> None:
    study = freeze(pairs_study(tmp_path))
    pairs = pairs_of(study)
    assert [len(pair) for pair in pairs] == [2] * 10
    assert all(real.arm.role == "real" != synthetic.arm.role for real, synthetic in pairs)
    assert all(findings(real) == findings(synthetic) for real, synthetic in pairs)
    assert {tuple(findings(synthetic)) for _, synthetic in pairs} == {("Mass",), ("No Finding",)}
    assert study.manifest.content["pairs"] == {"pairs": 10, "matched": 10, "not_known": 0}
    numbers = dict(CaseTruth.objects.filter(study=study).values_list("case__code", "pair"))
    assert {row["code"]: row["pair"] for row in study.manifest.content["cases"]} == numbers
    assert sorted(numbers.values()) == sorted([*range(1, 11)] * 2)


def test_several_real_arms_share_what_is_wanted(tmp_path: Path) -> None:
    study = pairs_study(tmp_path, {"real": 8, "generator": 16})
    services.add_arm(study=study, actor=ACTOR, name="other", role="real", collection=held_out_films("other"), films=8)
    pairs = pairs_of(freeze(study))
    assert all(findings(real) == findings(synthetic) for real, synthetic in pairs)
    masses = Counter(real.arm.name for real, _ in pairs if findings(real) == MASS)
    assert abs(masses["real"] - masses["other"]) <= 1


def test_what_real_films_lack_is_paired_all_the_same_and_told(tmp_path: Path) -> None:
    study = pairs_study(tmp_path, {"real": 10, "generator": 10})
    RadiographFinding.objects.filter(radiograph__collection__name="real", finding="Mass").update(finding="Hernia")
    pairs = pairs_of(freeze(study))
    fit = sum(findings(real) == findings(synthetic) for real, synthetic in pairs)
    nothing = sum(findings(synthetic) == NOTHING for _, synthetic in pairs)
    assert fit == nothing < len(pairs) == 10
    assert study.__class__.objects.get().manifest.content["pairs"] == {"pairs": 10, "matched": fit, "not_known": 0}


def test_unknown_findings_need_a_reason_and_are_counted(tmp_path: Path) -> None:
    study = pairs_study(tmp_path, {"real": 5, "generator": 5}, known=False)
    with pytest.raises(ValidationError, match=r"5 of 5 pairs are not matched, because the findings .* Give a reason"):
        freeze(study)
    assert not CaseTruth.objects.exists()
    study.override_reason = "Nobody has labelled what the generator drew."
    study.save()
    manifest = freeze(study).manifest.content
    assert manifest["not_known"] == [
        "5 of 5 pairs are not matched, because the findings of one of their films are not known."
    ]
    assert manifest["pairs"] == {"pairs": 5, "matched": 0, "not_known": 5}


@pytest.mark.parametrize(
    ("arms", "plan", "reason"),
    [
        ({"real": 4, "generator": 6}, {}, "it has 4 real and 6 synthetic films"),
        ({"real": 6, "generator": 6, "control-degraded": 2}, {}, "it has 6 real and 8 synthetic films"),
        ({"real": 5, "generator": 6, "control-real": 1}, {}, "the real control “control-real” has no place"),
        ({"real": 5, "generator": 5}, {"practice_films": 3}, "Practice films make pairs too, .* even; it is 3"),
        ({"real": 6, "generator": 6}, {"repeats": 5}, "At most 4 of the 6 pairs can be repeated"),
        ({"real": 5, "generator": 5}, {"primary_end_point": "deception_rate"}, "have no deception rate"),
    ],
)
def test_what_makes_no_pairs_is_refused(tmp_path: Path, arms: dict[str, int], plan: Any, reason: str) -> None:
    with pytest.raises(ValidationError, match=reason):
        freeze(pairs_study(tmp_path, arms, **plan))
    assert not CaseTruth.objects.exists()


def test_a_real_arm_with_a_mix_of_its_own_is_refused(tmp_path: Path) -> None:
    study = pairs_study(tmp_path, {"real": 5, "generator": 5})
    arm = study.arms.get(name="real")
    arm.mix_of = arm.collection
    arm.save()
    with pytest.raises(ValidationError, match="take the finding mix of arm “real” away"):
        freeze(study)


def test_readers_see_pairs_of_one_number_on_sides_of_their_own(tmp_path: Path) -> None:
    study = freeze(pairs_study(tmp_path, practice_films=4, repeats=2, sittings=2))
    numbers = dict(CaseTruth.objects.values_list("case", "pair"))
    synthetic = set(CaseTruth.objects.exclude(arm__role="real").values_list("case", flat=True))
    sides = Counter()
    for _ in range(6):
        reader, _token = services.invite_reader(study=study, actor=ACTOR)
        slots = list(Slot.objects.for_reader(reader).in_order())
        kinds = Counter((slot.sitting.number, slot.kind) for slot in slots)
        assert kinds == {(1, "practice"): 2, (1, "main"): 10, (1, "repeat"): 2, (2, "main"): 10, (2, "repeat"): 2}
        for slot in slots:
            assert numbers[slot.case_id] == numbers[slot.other_case_id]
            assert (slot.case_id in synthetic) != (slot.other_case_id in synthetic)
            sides["left" if slot.case_id in synthetic else "right"] += 1
    # 156 slots; a fair coin leaves this range once in 100,000 studies, and the seed is always the same.
    assert 50 < sides["left"] < 106


def test_films_of_a_purpose_blind_phase_come_singly(tmp_path: Path) -> None:
    study = freeze(pairs_study(tmp_path, purpose_blind_films=3, ethics_reference="EK 12/2026"))
    assert set(CaseTruth.objects.filter(case__kind="purpose_blind").values_list("pair", flat=True)) == {None}
    reader, _token = services.invite_reader(study=study, actor=ACTOR)
    slots = Slot.objects.for_reader(reader).filter(kind="purpose_blind")
    assert [slot.other_case for slot in slots] == [None] * 3
