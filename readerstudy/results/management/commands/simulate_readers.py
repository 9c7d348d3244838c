from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser
from django.utils.translation import gettext as _

from readerstudy.commands import ACTOR
from readerstudy.progress import Bar
from readerstudy.results.services import simulate_readers
from readerstudy.studies.management.study_command import StudyCommand
from readerstudy.studies.models import Study


class Command(StudyCommand):
    help = "Let simulated readers read a frozen study. They are flagged, and the report says that no person has read."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--readers", type=int, required=True, metavar="N")
        parser.add_argument("--d-prime", type=float, required=True, metavar="D", help="0: guessing; 1: AUC 0.76.")
        parser.add_argument("--seed", type=int, default=0)

    def act_on(self, study: Study, options: dict[str, Any]) -> None:
        readers = simulate_readers(
            study=study,
            readers=options["readers"],
            d_prime=options["d_prime"],
            seed=options["seed"],
            actor=ACTOR,
            progress=Bar(),
        )
        names = ", ".join(reader.pseudonym for reader in readers)
        self.stdout.write(
            _("Simulated readers %(names)s have read study %(study)s.") % {"names": names, "study": study}
        )
