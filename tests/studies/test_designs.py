"""What a design gets wrong is told when it is stored, not by readers who run into it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from readerstudy.studies import texts
from readerstudy.studies.freezing import PLAN
from readerstudy.studies.models import Study
from readerstudy.studies.services import StudyPlan, freeze_study
from tests.studies.films import ACTOR, make_study, two_arms

pytestmark = [pytest.mark.database, pytest.mark.django_db]


@pytest.mark.parametrize(
    ("plan", "reason"),
    [
        ({"instruction_text": texts.INSTRUCTIONS["pairs"]}, "This instruction is for another question"),
        ({"consent_text": "I agree.", "consent_version": ""}, "needs this text"),
        ({"results_shown": True, "debriefing_text": ""}, "needs this text"),
        ({"purpose_blind_films": 2, "purpose_blind_instruction": ""}, "needs this text"),
        # Of a screen that is never asked about nobody knows that it is too small.
        ({"small_screen": "refuse"}, "A small screen can be refused only where readers check their display"),
        # Days that no calendar has would stop the first reader who comes back, or the first invitation.
        ({"sittings": 2, "washout_days": 4_000_000}, "less than or equal to 3650"),
        ({"link_days": 4_000_000}, "less than or equal to 3650"),
        ({"amend_seconds": 30, "remarks_asked": True}, "but not both"),
        ({"question": "pairs", "regions_asked": True}, "of single films, not of pairs"),
    ],
)
def test_it_is_refused(plan: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValidationError, match=reason):
        make_study(**plan)
    assert not Study.objects.exists()


def test_all_that_a_designer_sets_is_fixed_and_hashed_by_freezing() -> None:
    set_by_designers = {field.name for field in Study._meta.fields if field.editable and not field.primary_key}
    assert set(PLAN) == set(StudyPlan.__annotations__) == set_by_designers


def test_none_of_it_changes_once_a_study_is_frozen(tmp_path: Path) -> None:
    study = freeze_study(study=two_arms(tmp_path, films=2), actor=ACTOR)
    for name in PLAN:
        now = getattr(study, name)
        other = not now if isinstance(now, bool) else now + 1 if isinstance(now, int | float) else f"{now}x"
        with pytest.raises(IntegrityError, match="design of a frozen study"), transaction.atomic():
            Study.objects.filter(pk=study.pk).update(**{name: other})
