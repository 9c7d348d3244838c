"""Registering generators: the weights' file and what it says of itself."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from gan.drawing import Drawer
from gan.export import export_generator
from readerstudy.audit.models import record
from readerstudy.names import find_by_name
from readerstudy.synthesis.models import Generator, TrainingRun

KEPT = "generators"


def register_generator(*, name: str, path: Path, actor: str, run: TrainingRun | None = None) -> Generator:
    """Make a generator known: its weights are kept in a place of their own, which no training writes to.

    `path` is a generator's file, the folder of a snapshot or of a finished training, or that of a checkpoint, whose
    averaged weights are taken. A `path` within the folder of a training run is of that run. Raises ValidationError
    where there is no generator, or it is registered already.
    """
    kept = settings.HOME / KEPT
    kept.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=kept) as folder:
        weights = Path(folder) / "generator.safetensors"
        drawer = _taken(path, weights)
        generator = Generator(
            name=name,
            run=run or _run_of(path),
            path=f"{KEPT}/{drawer.sha256}.safetensors",
            sha256=drawer.sha256,
            resolution=drawer.resolution,
            levels=drawer.levels,
            images_shown=drawer.images,
        )
        generator.full_clean()
        _move(weights, generator.file)
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


def _taken(path: Path, to: Path) -> Drawer:
    """Take the generator of `path` out, and try whether it can draw. Raises ValidationError."""
    try:
        export_generator(path, to)
        return Drawer(to)
    except (OSError, ValueError, KeyError, TypeError) as error:
        # The copy's name would tell nobody anything.
        reason = str(error).replace(str(to), str(path))
        raise ValidationError(
            _("%(path)s is not a generator: %(reason)s") % {"path": path, "reason": reason}
        ) from error


def _run_of(path: Path) -> TrainingRun | None:
    below = path.resolve().parts[len(settings.RUNS.resolve().parts) :]
    is_below = path.resolve().is_relative_to(settings.RUNS.resolve())
    return TrainingRun.objects.filter(name__in=below[:1]).first() if is_below else None


def _move(weights: Path, to: Path) -> None:
    """The weights last: the .json alone is no generator."""
    for suffix in (".json", ".safetensors"):
        weights.with_suffix(suffix).replace(to.with_suffix(suffix))
