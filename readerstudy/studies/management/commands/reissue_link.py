from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from readerstudy.commands import ACTOR
from readerstudy.studies.links import personal_link
from readerstudy.studies.management.study_command import StudyCommand, find_reader
from readerstudy.studies.models import Study
from readerstudy.studies.services import reissue_link


class Command(StudyCommand):
    help = "Give a reader a new personal link; the old one dies."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("reader", metavar="READER", help="Pseudonym, such as R01.")
        parser.add_argument("--base-url", default="http://127.0.0.1:8000", help="Where readers reach the server.")

    def act_on(self, study: Study, options: dict[str, Any]) -> None:
        token = reissue_link(reader=find_reader(study, options["reader"]), actor=ACTOR)
        self.stdout.write(f"Reader: {personal_link(options['base_url'], token)}")
