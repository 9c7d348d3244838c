from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import CommandParser
from django.utils.translation import gettext as _

from readerstudy.commands import ACTOR
from readerstudy.studies.management.study_command import StudyCommand, find_reader
from readerstudy.studies.models import Case, Study
from readerstudy.studies.numbering import case_seen
from readerstudy.studies.services import withdraw_film


class Command(StudyCommand):
    help = "Take a film out of unread slots and out of analyses, such as one that shows a name. Its answers are kept."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("case", metavar="CASE", nargs="?", help="Code of the case.")
        parser.add_argument("--reader", metavar="READER", help="In place of the code, with --film: who saw the film.")
        parser.add_argument("--film", type=int, metavar="N", help="Its number as this reader saw it: Film N of 40.")
        parser.add_argument("--reason", required=True)

    def act_on(self, study: Study, options: dict[str, Any]) -> None:
        case = _case_of(study, options["case"], options["reader"], options["film"])
        withdraw_film(case=case, reason=options["reason"], actor=ACTOR)
        self.stdout.write(_("Case %(case)s is withdrawn.") % {"case": case})


def _case_of(study: Study, code: str | None, reader: str | None, number: int | None) -> Case:
    if code and reader is None and number is None:
        case = study.cases.filter(code=code).first()
        if case is None:
            raise ValidationError(_("Study %(study)s has no case %(case)s.") % {"study": study, "case": code})
        return case
    if code is None and reader and number is not None:
        return case_seen(find_reader(study, reader), number)
    raise ValidationError(_("Name the film either by the code of its case or by --reader and --film."))
