from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import CommandParser
from django.utils.translation import gettext as _

from readerstudy.commands import ACTOR
from readerstudy.studies.management.study_command import StudyCommand
from readerstudy.studies.models import Study
from readerstudy.studies.services import withdraw_film


class Command(StudyCommand):
    help = "Take a film out of unread slots and out of analyses, such as one that shows a name. Its answers are kept."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("case", metavar="CASE", help="Code of the case.")
        parser.add_argument("--reason", required=True)

    def act_on(self, study: Study, options: dict[str, Any]) -> None:
        case = study.cases.filter(code=options["case"]).first()
        if case is None:
            raise ValidationError(
                _("Study %(study)s has no case %(case)s.") % {"study": study, "case": options["case"]}
            )
        withdraw_film(case=case, reason=options["reason"], actor=ACTOR)
        self.stdout.write(_("Case %(case)s is withdrawn.") % {"case": case})
