"""Which form a folder of films has."""

from __future__ import annotations

from pathlib import Path

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from readerstudy.archive.importing import chestxray14, dicom, folder
from readerstudy.archive.importing.found import Source

FORMS = {"chestxray14": chestxray14.find, "dicom": dicom.find, "folder": folder.find}


def find(path: Path, form: str = "") -> Source:
    """All films below `path`, in the form that is given or recognised. Raises ValidationError."""
    if not path.is_dir():
        raise ValidationError(_("%(path)s is not a folder.") % {"path": path})
    if form and form not in FORMS:
        raise ValidationError(
            _("There is no form “%(form)s”; there are: %(forms)s.") % {"form": form, "forms": ", ".join(FORMS)}
        )
    try:
        source = FORMS[form or _recognised(path)](path)
    except OSError as error:
        raise ValidationError(
            _("%(path)s cannot be read: %(reason)s.") % {"path": error.filename or path, "reason": error.strerror}
        ) from error
    if not source.films:
        raise ValidationError(_("There are no films below %(path)s.") % {"path": path})
    return source


def _recognised(path: Path) -> str:
    if chestxray14.is_here(path):
        return "chestxray14"
    here = [form for form, module in (("dicom", dicom), ("folder", folder)) if module.is_here(path)]
    if not here:
        raise ValidationError(_("There are no DICOM, PNG or JPEG films below %(path)s.") % {"path": path})
    if len(here) > 1:
        raise ValidationError(
            _("%(path)s holds DICOM files and pictures; say by --format which to import: dicom or folder.")
            % {"path": path}
        )
    return here[0]
