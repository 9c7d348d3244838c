"""Readers, what goes otherwise than planned, and the end of a study."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from pathlib import Path

import pytest
from django.core.exceptions import ValidationError

from readerstudy.audit.models import AuditRow
from readerstudy.studies import services
from readerstudy.studies.models import Deviation, Reader, ReaderIdentity, Slot, Study
from tests.studies.films import ACTOR, two_arms

pytestmark = [pytest.mark.database, pytest.mark.django_db]


@pytest.fixture
def study(tmp_path: Path) -> Study:
    return services.freeze_study(study=two_arms(tmp_path, films=10, practice_films=4, repeats=3), actor=ACTOR)


def invite(study: Study, **who: str) -> tuple[Reader, str]:
    return services.invite_reader(study=study, actor=ACTOR, **who)


def test_enrolling_writes_every_slot_of_the_reader(study: Study) -> None:
    reader, _ = invite(study, name="A. Reader", email="reader@example.org")
    slots = list(Slot.objects.for_reader(reader).in_order().select_related("case"))
    assert reader.pseudonym == "R01"
    assert [slot.position for slot in slots] == list(range(1, 28))
    assert Counter(slot.kind for slot in slots) == {"practice": 4, "main": 20, "repeat": 3}
    assert [slot.kind for slot in slots[:4]] == ["practice"] * 4
    assert {slot.case for slot in slots if slot.kind == "main"} == set(study.cases.filter(kind="main"))
    assert len({slot.code for slot in slots}) == 27


def test_readers_get_orders_of_their_own(study: Study) -> None:
    orders = [
        list(Slot.objects.for_reader(invite(study)[0]).in_order().values_list("case", flat=True)) for _ in range(3)
    ]
    assert len({tuple(order) for order in orders}) == 3
    assert list(study.readers.values_list("pseudonym", flat=True)) == ["R01", "R02", "R03"]


def test_of_the_personal_link_only_the_hash_is_stored(study: Study) -> None:
    reader, token = invite(study, name="A. Reader", email="reader@example.org")
    identity = ReaderIdentity.objects.get(reader=reader)
    assert identity.link_hash == hashlib.sha256(token.encode()).hexdigest()
    assert len(token) >= 43
    log = json.dumps(list(AuditRow.objects.values("actor", "action", "subject", "detail")))
    for secret in (token, "A. Reader", "example.org"):
        assert secret not in log


def test_an_address_is_invited_once_per_study(study: Study) -> None:
    invite(study, email="reader@example.org")
    with pytest.raises(ValidationError, match="has this e-mail address already"):
        invite(study, email="Reader@Example.org")
    with pytest.raises(ValidationError, match="valid email"):
        invite(study, email="no address")
    assert Reader.objects.count() == 1


def test_a_new_link_replaces_the_old_one(study: Study) -> None:
    reader, old = invite(study)
    new = services.reissue_link(reader=reader, actor=ACTOR)
    assert list(ReaderIdentity.objects.values_list("link_hash", flat=True)) == [services.link_hash(new)]
    assert new != old


def test_an_erased_identity_leaves_the_pseudonym_and_no_link(study: Study) -> None:
    reader, _ = invite(study, name="A. Reader")
    services.erase_identity(reader=reader, actor=ACTOR)
    assert not ReaderIdentity.objects.exists()
    assert Slot.objects.for_reader(reader).count() == 27
    with pytest.raises(ValidationError, match="no link to reissue"):
        services.reissue_link(reader=reader, actor=ACTOR)


def test_simulated_readers_have_no_identity_and_no_company_of_persons(study: Study) -> None:
    reader = services.enrol_simulated_reader(study=study, actor=ACTOR)
    assert (reader.pseudonym, reader.simulated) == ("S01", True)
    assert not ReaderIdentity.objects.exists()
    with pytest.raises(ValidationError, match="never share a study"):
        invite(study)


def test_persons_have_no_company_of_simulated_readers(study: Study) -> None:
    invite(study)
    with pytest.raises(ValidationError, match="never share a study"):
        services.enrol_simulated_reader(study=study, actor=ACTOR)


def test_readers_are_enrolled_only_while_the_study_is_open(study: Study, tmp_path: Path) -> None:
    services.close_study(study=study, actor=ACTOR)
    with pytest.raises(ValidationError, match="while study “chest” is frozen and open"):
        invite(study)


def test_a_withdrawn_film_leaves_unread_slots(study: Study) -> None:
    reader, _ = invite(study)
    slot = Slot.objects.for_reader(reader).open().in_order()[6]
    services.withdraw_film(case=slot.case, reason="A name is burnt in.", actor=ACTOR)
    assert slot not in Slot.objects.for_reader(reader).open()
    with pytest.raises(ValidationError, match="withdrawn already"):
        services.withdraw_film(case=slot.case, reason="Again.", actor=ACTOR)
    row = AuditRow.objects.get(action="deviation: film_withdrawn")
    assert row.detail == {"about": slot.case.code, "reason": "A name is burnt in."}


def test_nobody_who_knows_the_truth_withdraws_films(study: Study) -> None:
    reader, _ = invite(study)
    services.close_study(study=study, actor=ACTOR)
    services.unblind_study(study=study, reason="All have read.", actor=ACTOR)
    case = study.cases.all()[0]
    with pytest.raises(ValidationError, match="After unblinding no film is withdrawn"):
        services.withdraw_film(case=case, reason="It spoils the figure.", actor=ACTOR)
    services.withdraw_reader(reader=reader, reason="Took back the consent.", actor=ACTOR)
    assert Deviation.objects.get().kind == "reader_withdrawn"


def test_deviations_belong_to_frozen_studies_and_have_reasons(study: Study, tmp_path: Path) -> None:
    services.record_deviation(study=study, reason="The room was lit for a day.", actor=ACTOR)
    with pytest.raises(ValidationError, match="reason"):
        services.record_deviation(study=study, reason="", actor=ACTOR)
    open_design = services.create_study(
        actor=ACTOR,
        name="other",
        title="Other",
        seed=1,
        margin_reason="x",
        instruction_text="x",
        instruction_version="1",
    )
    with pytest.raises(ValidationError, match="still in design"):
        services.record_deviation(study=open_design, reason="Too early.", actor=ACTOR)


def test_a_study_is_closed_then_unblinded_with_a_reason_and_both_are_logged(study: Study) -> None:
    with pytest.raises(ValidationError, match="Only a closed study can be unblinded"):
        services.unblind_study(study=study, reason="Curious.", actor=ACTOR)
    services.close_study(study=study, actor="anna")
    with pytest.raises(ValidationError, match="Only a frozen study can be closed"):
        services.close_study(study=study, actor=ACTOR)
    with pytest.raises(ValidationError, match="Give the reason"):
        services.unblind_study(study=study, reason="  ", actor=ACTOR)
    study = services.unblind_study(study=study, reason="All have read.", actor="anna")
    assert (study.state, study.unblinding_reason) == ("unblinded", "All have read.")
    acts = list(AuditRow.objects.filter(actor="anna").order_by("id").values_list("action", flat=True))
    assert acts == ["study closed", "study unblinded"]


def test_a_frozen_design_is_not_designed_any_more(study: Study) -> None:
    study.margin = 0.2
    with pytest.raises(ValidationError, match="cannot change any more"):
        services.save_study(study=study, actor=ACTOR)
    arm = study.arms.all()[0]
    for change in (services.save_arm, services.remove_arm):
        with pytest.raises(ValidationError, match="cannot change any more"):
            change(arm=arm, actor=ACTOR)
