from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser
from django.utils.translation import gettext as _

from readerstudy.commands import ACTOR
from readerstudy.studies.management.study_command import StudyCommand, find_reader
from readerstudy.studies.models import Study
from readerstudy.studies.services import withdraw_link


class Command(StudyCommand):
    help = "Close a reader's personal link and the sessions that it opened. The reader stays and can get a new link."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("reader", metavar="READER", help="Pseudonym, such as R01.")

    def act_on(self, study: Study, options: dict[str, Any]) -> None:
        reader = find_reader(study, options["reader"])
        withdraw_link(reader=reader, actor=ACTOR)
        self.stdout.write(_("The link of reader %(reader)s is withdrawn.") % {"reader": reader.pseudonym})
