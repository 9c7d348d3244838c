from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser
from django.utils.translation import gettext as _

from readerstudy.commands import ACTOR
from readerstudy.studies.links import personal_link
from readerstudy.studies.management.study_command import StudyCommand
from readerstudy.studies.models import Study
from readerstudy.studies.services import invite_reader


class Command(StudyCommand):
    help = "Enrol a reader and print the personal link. The link is a key, and it is shown only now."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--name", default="")
        parser.add_argument("--email", default="")
        parser.add_argument("--base-url", default="http://127.0.0.1:8000", help="Where readers reach the server.")

    def act_on(self, study: Study, options: dict[str, Any]) -> None:
        reader, token = invite_reader(study=study, actor=ACTOR, name=options["name"], email=options["email"])
        self.stderr.write(_("Reader %(reader)s is enrolled.") % {"reader": reader.pseudonym})
        self.stdout.write(f"Reader: {personal_link(options['base_url'], token)}")
