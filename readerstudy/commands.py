"""What all management commands share: one actor, and refusals as one sentence with exit code 1."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext as _

ACTOR = "command"


class ServiceCommand(BaseCommand):
    """A command that calls a service. Subclasses write `act`."""

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            self.act(options)
        except ValidationError as error:
            raise CommandError(sentences(error)) from error
        # Services wrap what they can name; what is left is a disk that is full or cannot be reached.
        except OSError as error:
            raise CommandError(_disk_says(error)) from error

    def act(self, options: dict[str, Any]) -> None:
        raise NotImplementedError


def _disk_says(error: OSError) -> str:
    if error.filename is None:
        return str(error)
    return _("%(path)s: %(reason)s.") % {"path": error.filename, "reason": error.strerror}


def sentences(error: ValidationError) -> str:
    """All messages of an error on one line, each behind the field that it is about."""
    if not hasattr(error, "error_dict"):
        return " ".join(error.messages)
    return " ".join(
        message if field == NON_FIELD_ERRORS else f"{field}: {message}"
        for field, messages in error.message_dict.items()
        for message in messages
    )
