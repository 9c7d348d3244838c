"""A labelled archive as a folder for others: as NIH lays out ChestX-ray14, or as DICOM, with a data sheet."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from evaluation.classifiers.archive_folder import ABSENT, BELOW, IMAGE, TABLE, TARGETS
from gan.findings import FINDINGS
from gan.pixels import Film, film_hash, read_film, write_grey8
from gan.synthetic_dicom import write_dicom
from readerstudy.audit.models import record
from readerstudy.names import find_by_name
from readerstudy.progress import Progress, Silent
from readerstudy.steering.data_sheet import data_sheet
from readerstudy.steering.goals import APART, in_order, in_words, wanted_of
from readerstudy.steering.members import Member, in_part, members_of
from readerstudy.steering.models import LabelledArchive, Part, SteeredFilm
from readerstudy.synthesis.drawing import drawer_of

# NIH's header, byte for byte when it is joined by commas; then what NIH has no column for.
NIH_LABELS = "Finding Labels"
NIH_COLUMNS = (
    IMAGE,
    NIH_LABELS,
    "Follow-up #",
    "Patient ID",
    "Patient Age",
    "Patient Gender",
    "View Position",
    "OriginalImage[Width",
    "Height]",
    "OriginalImagePixelSpacing[x",
    "y]",
)
FILMS, LATENTS, SHEET = "films.csv", "latents.npy", "README.md"
FOLDERS = {"nih": ("images", ".png"), "dicom": ("dicom", ".dcm")}

Row = dict[str, Any]


def find_archive(name: str) -> LabelledArchive:
    """An archive by its collection's name. Raises ValidationError that lists the names there are."""
    archives = LabelledArchive.objects.select_related("collection", "generator")
    refusal = _("There is no labelled archive “%(name)s”; there are: %(names)s.")
    return find_by_name(archives, name, refusal, field="collection__name")


def export_archive(
    *,
    archive: LabelledArchive,
    out: Path,
    form: str,
    actor: str,
    finding_labels: bool = False,
    progress: Progress | None = None,
) -> int:
    """Write all films of an archive into the folder `out`, whole or not at all. Returns how many.

    `form` is “nih” (8-bit PNG and Data_Entry.csv with NIH's columns) or “dicom” (every grey). In both, films.csv says
    how each film came about, row n of latents.npy is the latent of row n there, and README.md is the data sheet.
    `finding_labels` writes the targets into NIH's own column as well, where programs take them for findings. Raises
    ValidationError where the folder is there already, there are no films, or the file of a film or of a network has
    changed.
    """
    films = list(
        SteeredFilm.objects.filter(goal__archive=archive)
        .select_related("radiograph__collection", "goal__archive__generator")
        .order_by("goal__position", "seed")
    )
    _require_exportable(archive, films, out, form, finding_labels=finding_labels)
    members = members_of(archive)
    partial = out.with_name(out.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    try:
        folder, suffix = FOLDERS[form]
        (partial / folder).mkdir(parents=True)
        progress = progress or Silent()
        progress.start(len(films), _("Writing films"))
        for steered in films:
            _write_film(partial / folder / f"{_name(steered)}{suffix}", steered, archive)
            progress.advance()
        _write_table(
            partial / FILMS, [_as_made(steered, members, f"{folder}/{_name(steered)}{suffix}") for steered in films]
        )
        if form == "nih":
            _write_table(
                partial / TABLE, [_as_nih(steered, members, finding_labels=finding_labels) for steered in films]
            )
        np.save(partial / LATENTS, np.stack([np.frombuffer(bytes(steered.latent), "<f4") for steered in films]))
        (partial / SHEET).write_text(
            data_sheet(archive, members, form, finding_labels=finding_labels), encoding="utf-8"
        )
        with transaction.atomic():
            record(
                actor=actor,
                action="archive exported",
                subject=f"archive:{archive}",
                form=form,
                films=len(films),
                finding_labels=finding_labels,
            )
            partial.rename(out)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return len(films)


def _require_exportable(
    archive: LabelledArchive, films: Sequence[SteeredFilm], out: Path, form: str, *, finding_labels: bool
) -> None:
    if form not in FOLDERS:
        raise ValidationError(
            _("There is no form “%(form)s”; there are: %(forms)s.") % {"form": form, "forms": ", ".join(FOLDERS)}
        )
    if finding_labels and form != "nih":
        raise ValidationError(_("Only the form “nih” has a column for finding labels."))
    if not films:
        raise ValidationError(_("Archive “%(archive)s” holds no films yet.") % {"archive": archive})
    if out.exists():
        raise ValidationError(_("%(folder)s is there already; name another folder.") % {"folder": out})
    # The data sheet, which comes last, says what is in the generator's files.
    drawer_of(archive.generator)


def _name(steered: SteeredFilm) -> str:
    """Unlike any of NIH's own names, and the same in every export."""
    return f"{steered.radiograph.collection.name}_{steered.goal.position:02d}_{steered.seed:010d}"


def _write_film(path: Path, steered: SteeredFilm, archive: LabelledArchive) -> None:
    film = _film(steered)
    if path.suffix == ".png":
        write_grey8(path, film)
        return
    write_dicom(
        path,
        film,
        generator=archive.generator.sha256,
        seed=steered.seed,
        images=archive.generator.images_shown,
        target=in_words(wanted_of(steered.goal)),
    )


def _film(steered: SteeredFilm) -> Film:
    film = read_film(steered.radiograph.path)
    if film_hash(film) != steered.radiograph.film_hash:
        raise ValidationError(
            _("%(path)s has changed since it came into the archive.") % {"path": steered.radiograph.path}
        )
    return film


def _as_nih(steered: SteeredFilm, members: list[Member], *, finding_labels: bool) -> Row:
    """A row of Data_Entry.csv. There is no patient, so what NIH says of one stays empty."""
    wanted, side = wanted_of(steered.goal), steered.radiograph.side
    return dict.fromkeys(NIH_COLUMNS, "") | {
        IMAGE: f"{_name(steered)}.png",
        NIH_LABELS: APART.join(wanted.present) if finding_labels else "",
        "OriginalImage[Width": side,
        "Height]": side,
        TARGETS: APART.join(wanted.present),
        ABSENT: APART.join(wanted.absent),
        BELOW: APART.join(_not_shown(steered, members)),
    }


def _not_shown(steered: SteeredFilm, members: list[Member]) -> tuple[str, ...]:
    """The findings that the accepting classifier does not see."""
    accepting = in_part(members, Part.ACCEPTS)
    return in_order(set(steered.accepting_scores) - set(accepting.shown(steered.accepting_scores))) if accepting else ()


def _as_made(steered: SteeredFilm, members: list[Member], file: str) -> Row:
    """A row of films.csv: where the film comes from, and what each classifier said of it."""
    wanted = wanted_of(steered.goal)
    scores = (
        ("steering", steered.steering_scores),
        ("accepting", steered.accepting_scores),
        ("judging", steered.judging_scores or {}),
    )
    return {
        "file": file,
        "film_sha256": steered.radiograph.film_hash,
        "target_present": APART.join(wanted.present),
        "target_absent": APART.join(wanted.absent),
        "seed": steered.seed,
        "steps": steered.steps,
        "distance_radians": steered.distance,
        **{
            f"{part}_logit_{finding}": of_part[finding]
            for part, of_part in scores
            for finding in FINDINGS
            if finding in of_part
        },
        "generator_sha256": steered.goal.archive.generator.sha256,
        **{
            f"{name}_sha256": APART.join(member.row.sha256 for member in members if member.part == part)
            for name, part in (("steering", Part.STEERS), ("accepting", Part.ACCEPTS), ("judging", Part.JUDGES))
        },
    }


def _write_table(path: Path, rows: Sequence[Row]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
