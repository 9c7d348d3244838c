"""Registering generators: the weights' file and what it says of itself."""

from __future__ import annotations

import shutil
from pathlib import Path

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from gan.config import TrainingConfig
from gan.drawing import describe_generator
from readerstudy.audit.models import record
from readerstudy.names import find_by_name
from readerstudy.synthesis.models import Generator, TrainingRun


def register_generator(*, name: str, path: Path, actor: str, run: TrainingRun | None = None) -> Generator:
    """Make a generator's file known; one that lies outside `settings.HOME` is copied there, with its .json.

    Raises ValidationError where it is no generator's, or is registered already.
    """
    try:
        description = describe_generator(path)
        config = TrainingConfig.from_json(description["config"])
    except (OSError, ValueError, KeyError) as error:
        raise ValidationError(_("%(path)s is not a generator: %(reason)s") % {"path": path, "reason": error}) from error
    generator = Generator(
        name=name,
        run=run,
        path=_place_at_home(path, description["sha256"]).as_posix(),
        sha256=description["sha256"],
        resolution=config.resolution,
        levels=description["levels"],
        images_shown=description["images"],
    )
    generator.full_clean()
    if not generator.file.exists():
        _copy(path, generator.file)
    with transaction.atomic():
        generator.save()
        record(
            actor=actor,
            action="generator registered",
            subject=f"generator:{generator}",
            sha256=generator.sha256,
            images_shown=generator.images_shown,
        )
    return generator


def find_generator(name: str) -> Generator:
    """A generator by name. Raises ValidationError that lists the names there are."""
    return find_by_name(Generator.objects.all(), name, _("There is no generator “%(name)s”; there are: %(names)s."))


def _place_at_home(path: Path, sha256: str) -> Path:
    """Where a generator's file lies, or will lie, below `settings.HOME`."""
    home = settings.HOME.resolve()
    if path.resolve().is_relative_to(home):
        return path.resolve().relative_to(home)
    return Path("generators") / f"{sha256}.safetensors"


def _copy(path: Path, to: Path) -> None:
    """Copy weights with their .json, each whole or not at all, the weights last."""
    to.parent.mkdir(parents=True, exist_ok=True)
    for suffix in (".json", ".safetensors"):
        partial = to.with_suffix(f"{suffix}.partial")
        shutil.copyfile(path.with_suffix(suffix), partial)
        partial.replace(to.with_suffix(suffix))
