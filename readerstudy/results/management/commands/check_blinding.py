from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.utils.translation import gettext as _

from evaluation.plain_json import write_json
from readerstudy.commands import ACTOR
from readerstudy.progress import Bar
from readerstudy.results.blinding.check import check_blinding, table
from readerstudy.results.models import BlindingCheck
from readerstudy.studies.management.study_command import StudyCommand
from readerstudy.studies.models import Study

LEAK_STATUS, OPEN_STATUS = 1, 2


class Command(StudyCommand):
    help = (
        "Read a study as a reader's browser would, try to predict truth from all that comes beside the picture, and "
        "leave no trace but the figures. Run it before anybody reads: on SQLite everybody's answers wait meanwhile, on "
        "PostgreSQL those of this study. Ends with status 1 where something tells truth, with 2 where there are too "
        "few films to exclude it."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--films", type=int, metavar="N", help="Read at most so many; all unless given.")
        parser.add_argument("--json", type=Path, metavar="FILE", help="Write the figures there as well.")
        parser.add_argument("--seed", type=int, default=0, help="Of folds and permutations.")

    def act_on(self, study: Study, options: dict[str, Any]) -> None:
        check = check_blinding(
            study=study, actor=ACTOR, most_films=options["films"], seed=options["seed"], progress=Bar()
        )
        if options["json"]:
            write_json(options["json"], {"study": study.name, "outcome": check.outcome} | check.figures)
        for line in table(check):
            self.stdout.write(line)
        self.stdout.write(_("* depends on the picture: it is reported and proves no leak."))
        films = check.figures["films"]
        self.stdout.write(
            _("%(real)d real and %(synthetic)d synthetic films of %(study)s: %(outcome)s.")
            % {"study": study, "outcome": check.get_outcome_display(), **films}
        )
        if check.outcome == BlindingCheck.Outcome.LEAK:
            raise CommandError(_("Blinding is broken."), returncode=LEAK_STATUS)
        if check.outcome == BlindingCheck.Outcome.OPEN:
            raise CommandError(_("Too few films to exclude a leak."), returncode=OPEN_STATUS)
