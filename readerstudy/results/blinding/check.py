"""The check itself: read a study as a reader would, join what came with truth, and leave nothing behind but figures."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np
from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from evaluation.blinding import ALPHA, HIGHEST_AUC, PERMUTATIONS, SIMULTANEOUS_CONFIDENCE, Finding, findings
from readerstudy import __version__
from readerstudy.audit.models import record
from readerstudy.progress import Progress, Silent
from readerstudy.results.blinding.browser import Astray, Browser
from readerstudy.results.blinding.channels import SeenFilm, numbers_of, texts_of
from readerstudy.results.blinding.server import served
from readerstudy.results.blinding.walk import SeenSlot, read_study
from readerstudy.results.models import BlindingCheck
from readerstudy.studies.models import Arm, Slot, Study
from readerstudy.studies.services import invite_reader

Outcome = BlindingCheck.Outcome


def check_blinding(
    *,
    study: Study,
    actor: str,
    most_films: int | None = None,
    seed: int = 0,
    permutations: int = PERMUTATIONS,
    progress: Progress | None = None,
) -> BlindingCheck:
    """Read a frozen study over HTTP, and store how well truth is predicted from what comes beside the picture.

    The reader and all that it did are rolled back. Others who write to the database wait meanwhile: on SQLite all, on
    PostgreSQL the readers of this study. `most_films` reads that many slots at most. Raises ValidationError where the
    study takes no readers, or shows too few main films.
    """
    with transaction.atomic():
        seen, truths = _read_and_join(study, actor, most_films, progress or Silent())
        transaction.set_rollback(True)
    synthetic = np.array(truths, dtype=bool)
    assert study.side
    assert study.levels
    noise = study.manifest.content["dither"]["standard_deviation"]
    try:
        found = findings(
            texts_of(seen, study.side, study.levels),
            numbers_of(seen, study.side, study.levels, noise),
            synthetic,
            seed=seed,
            permutations=permutations,
        )
    except ValueError as error:
        raise ValidationError(
            _("The blinding of study “%(study)s” cannot be measured: %(reason)s") % {"study": study, "reason": error}
        ) from error
    figures = {
        "version": __version__,
        "films": {"real": int((~synthetic).sum()), "synthetic": int(synthetic.sum())},
        "seed": seed,
        "permutations": permutations,
        "rule": {"highest_auc": HIGHEST_AUC, "confidence": SIMULTANEOUS_CONFIDENCE, "alpha": ALPHA},
        "channels": [asdict(finding) for finding in found],
    }
    with transaction.atomic():
        check = BlindingCheck(study=study, outcome=outcome_of(found), figures=figures)
        check.full_clean()
        check.save()
        record(
            actor=actor,
            action="blinding checked",
            subject=f"study:{study}",
            outcome=check.outcome,
            tells=[finding.name for finding in found if finding.verdict == "tells"],
        )
    return check


def outcome_of(found: list[Finding]) -> BlindingCheck.Outcome:
    """A leak where any channel tells, passed where all are silent. What depends on the picture has no say."""
    verdicts = {finding.verdict for finding in found if finding.kind != "picture"}
    return Outcome.LEAK if "tells" in verdicts else Outcome.OPEN if "open" in verdicts else Outcome.PASSED


def _read_and_join(
    study: Study, actor: str, most_films: int | None, progress: Progress
) -> tuple[list[SeenFilm], list[bool]]:
    reader, token = invite_reader(study=study, actor=actor)
    in_all = Slot.objects.for_reader(reader).count()
    progress.start(min(in_all, most_films or in_all), _("Reading films"))
    slots: list[SeenSlot] = []
    try:
        with served() as port:
            for slot in read_study(Browser(port, _host(), settings.SECURE_SSL_REDIRECT), token, most_films):
                slots.append(slot)
                progress.advance()
    except Astray as error:
        raise ValidationError(_("The study could not be read to its end: %(reason)s") % {"reason": error}) from error
    return _joined(slots)


def _joined(slots: list[SeenSlot]) -> tuple[list[SeenFilm], list[bool]]:
    """Main films of real and generator arms, each at its first showing, and whether they are synthetic."""
    rows = Slot.objects.filter(code__in=[slot.code for slot in slots], kind=Slot.Kind.MAIN)
    joined = {row.code: row for row in rows.select_related("case__truth__arm", "other_case__truth__arm")}
    films, truths = [], []
    for position, slot in enumerate(slots):
        row = joined.get(slot.code)
        for right, case in enumerate(row.cases if row else []):
            role = case.truth.arm.role
            if role in (Arm.Role.REAL, Arm.Role.GENERATOR):
                films.append(SeenFilm(slot, slot.films[right], position, bool(right)))
                truths.append(role == Arm.Role.GENERATOR)
    return films, truths


def _host() -> str:
    """A name under which the application answers."""
    host = next((name for name in settings.ALLOWED_HOSTS if name), "localhost")
    return "localhost" if host == "*" else host.lstrip(".")


def table(check: BlindingCheck) -> list[str]:
    """The figures of a check: a line for each channel that varies or tells, and one for all others."""
    rows: list[dict[str, Any]] = check.figures["channels"]
    varying = [row for row in rows if row["distinct"] > 1 or row["verdict"] == "tells"]
    width = max(len(row["name"]) for row in rows)
    lines = [f"{'channel':<{width}}  verdict  values    AUC  95 % interval  upper limit       p"]
    lines += [_line(row, width) for row in varying]
    alike = ngettext(
        "%(count)d other channel is the same for all films.",
        "%(count)d other channels are the same for all films.",
        len(rows) - len(varying),
    )
    return [*lines, alike % {"count": len(rows) - len(varying)}]


def _line(row: dict[str, Any], width: int) -> str:
    figures = ["", "", ""]
    if row["auc"] is not None:
        low, high = (f"{row[limit]:.3f}" if row[limit] is not None else "–" for limit in ("low", "high"))
        figures = [f"{row['auc']:.3f}", f"{low} … {high}", f"{row['upper']:.3f}"]
    p = "" if row["p"] is None else f"{row['p']:.4f}"
    verdict = f"{row['verdict']}*" if row["kind"] == "picture" else row["verdict"]
    line = f"{row['name']:<{width}}  {verdict:<7}  {row['distinct']:>6}  {figures[0]:>5}  {figures[1]:<13}  "
    note = row["note"] if row["verdict"] == "tells" else ""
    return f"{line}{figures[2]:>11}  {p:>6}  {note}".rstrip()
