"""What all commands on a study share: finding it by name, and refusals as one sentence with exit code 1."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation import gettext as _

from readerstudy.studies.models import Reader, Study

ACTOR = "command"


class StudyCommand(BaseCommand):
    """A command on one study. Subclasses write `act`."""

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("study", metavar="STUDY", help="Name of the study.")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            self.act(find_study(options["study"]), options)
        except ValidationError as error:
            raise CommandError(sentences(error)) from error

    def act(self, study: Study, options: dict[str, Any]) -> None:
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


def sentences(error: ValidationError) -> str:
    """All messages of an error on one line, each behind the field that it is about."""
    if not hasattr(error, "error_dict"):
        return " ".join(error.messages)
    return " ".join(
        message if field == NON_FIELD_ERRORS else f"{field}: {message}"
        for field, messages in error.message_dict.items()
        for message in messages
    )


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
