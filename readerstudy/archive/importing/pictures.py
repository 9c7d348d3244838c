"""PNG and JPEG files, which two of the forms consist of."""

from __future__ import annotations

from pathlib import Path

from django.utils.translation import gettext as _
from PIL import Image

from gan.pixels import canonical, grey_levels, read_values
from readerstudy.archive.importing.found import Pixels, Refused

SUFFIXES = (".png", ".jpg", ".jpeg")


def is_picture(path: Path) -> bool:
    return path.suffix.lower() in SUFFIXES


def read_picture(path: Path) -> Pixels:
    """Raises Refused."""
    try:
        if not path.stat().st_size:
            raise Refused(_("The file is empty."))
        values = read_values(path)
        levels = grey_levels(path)
    # Pillow raises SyntaxError for some broken PNG files, and its own error for one that would fill the memory.
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise Refused(
            _("It cannot be read as PNG or JPEG: %(reason)s.") % {"reason": _sentence(error, path)}
        ) from error
    try:
        return Pixels(canonical(values), (values.shape[0], values.shape[1]), levels)
    except ValueError as error:
        raise Refused(str(error)) from error


def _sentence(error: Exception, path: Path) -> str:
    """Pillow's reason without the path, which is named beside it anyway."""
    return str(error).replace(str(path), path.name).rstrip(".") or type(error).__name__
