"""What a design gets wrong is told when it is stored, not by readers who run into it."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.exceptions import ValidationError

from readerstudy.studies import texts
from readerstudy.studies.models import Study
from tests.studies.films import make_study

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
