"""What all commands on a study share: finding it and its readers by name."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser
from django.utils.translation import gettext as _

from readerstudy.commands import ServiceCommand
from readerstudy.names import find_by_name
from readerstudy.studies.models import Reader, Study


class StudyCommand(ServiceCommand):
    """A command on one study. Subclasses write `act_on`."""

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("study", metavar="STUDY", help="Name of the study.")

    def act(self, options: dict[str, Any]) -> None:
        self.act_on(find_study(options["study"]), options)

    def act_on(self, study: Study, options: dict[str, Any]) -> None:
        raise NotImplementedError


def find_study(name: str) -> Study:
    """A study by name. Raises ValidationError that lists the names there are."""
    return find_by_name(Study.objects.all(), name, _("There is no study “%(name)s”; there are: %(names)s."))


def find_reader(study: Study, pseudonym: str) -> Reader:
    """A reader of the study by pseudonym. Raises ValidationError that lists the pseudonyms there are."""
    refusal = _("Study “%(study)s” has no reader “%(name)s”; there are: %(names)s.")
    return find_by_name(study.readers.all(), pseudonym, refusal, field="pseudonym", study=study)
