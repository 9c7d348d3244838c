"""What all commands on a study share: finding it and its readers by name."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import CommandParser
from django.utils.translation import gettext as _

from readerstudy.commands import ServiceCommand
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
    try:
        return Study.objects.get(name=name)
    except Study.DoesNotExist:
        names = ", ".join(Study.objects.order_by("name").values_list("name", flat=True)) or _("none")
        raise ValidationError(
            _("There is no study “%(name)s”; there are: %(names)s.") % {"name": name, "names": names}
        ) from None


def find_reader(study: Study, pseudonym: str) -> Reader:
    """A reader of the study by pseudonym. Raises ValidationError that lists the pseudonyms there are."""
    try:
        return study.readers.get(pseudonym=pseudonym)
    except Reader.DoesNotExist:
        names = ", ".join(study.readers.order_by("pk").values_list("pseudonym", flat=True)) or _("none")
        raise ValidationError(
            _("Study “%(study)s” has no reader “%(name)s”; there are: %(names)s.")
            % {"study": study, "name": pseudonym, "names": names}
        ) from None
