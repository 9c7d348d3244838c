"""Every write of this room: simulated readers, exports, analyses."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from evaluation.analysis import analyse
from evaluation.images.extractors import Texture, extractor_of
from evaluation.of_films import films_to_measure
from evaluation.readers.imrmc import write_imrmc
from evaluation.readers.pair_table import write_pairs
from evaluation.readers.table import write_table
from evaluation.report import write_report
from readerstudy.audit.models import record
from readerstudy.progress import Progress, Silent
from readerstudy.reading.models import Answer
from readerstudy.reading.services import record_answer
from readerstudy.results.models import Analysis
from readerstudy.results.remarks import write_remarks
from readerstudy.results.simulation import Films
from readerstudy.results.study_input import study_input
from readerstudy.results.table import long_table, table_of_choices
from readerstudy.studies.models import CaseTruth, Reader, Slot, Study
from readerstudy.studies.services import enrol_simulated_reader


def simulate_readers(
    *, study: Study, readers: int, d_prime: float, seed: int, actor: str, progress: Progress | None = None
) -> list[Reader]:
    """Enrol simulated readers and draw all their answers. They are flagged, and the report says so.

    Raises ValidationError where the study is not open, or has readers who are persons.
    """
    if readers < 1 or not math.isfinite(d_prime):
        raise ValidationError(_("Simulated readers need a number of at least 1 and a finite d′."))
    progress = progress or Silent()
    progress.start(readers, _("Simulating readers"))
    with transaction.atomic():
        cases = list(_cases(study))
        films = Films([role for _case, role in cases], d_prime, seed)
        index = {case: number for number, (case, _role) in enumerate(cases)}
        first = study.readers.count() + 1
        enrolled = []
        for number in range(first, first + readers):
            reader = enrol_simulated_reader(study=study, actor=actor)
            slots = list(Slot.objects.for_reader(reader).open().in_order().select_related("case", "other_case"))
            (_choose if study.of_pairs else _rate)(films, number, slots, index)
            enrolled.append(reader)
            progress.advance()
        record(
            actor=actor,
            action="readers simulated",
            subject=f"study:{study}",
            readers=[reader.pseudonym for reader in enrolled],
            d_prime=d_prime,
            seed=seed,
        )
    return enrolled


def _rate(films: Films, number: int, slots: Sequence[Slot], index: Mapping[int, int]) -> None:
    readings = films.read(number, [index[slot.case_id] for slot in slots])
    for slot, rating, milliseconds in zip(slots, readings.ratings, readings.milliseconds, strict=True):
        record_answer(slot=slot, rating=int(rating), milliseconds=int(milliseconds))


def _choose(films: Films, number: int, slots: Sequence[Slot], index: Mapping[int, int]) -> None:
    pairs = [(index[case.pk], index[other.pk]) for case, other in (slot.cases for slot in slots)]
    choices = films.choose(number, pairs)
    for slot, left, milliseconds in zip(slots, choices.left, choices.milliseconds, strict=True):
        side = Answer.Side.LEFT if left else Answer.Side.RIGHT
        record_answer(slot=slot, chosen=side, milliseconds=int(milliseconds))


def analyse_study(
    *, study: Study, actor: str, extractor: str = Texture.name, progress: Progress | None = None
) -> Analysis:
    """Analyse an unblinded study; its report and what stands beside it are kept under a new code.

    `extractor` is “texture” or the path of a TorchScript file. What fails leaves nothing behind. Raises ValidationError
    before unblinding, where nobody has read, and for an extractor that cannot be used.
    """
    given = study_input(study)
    progress = progress or Silent()
    progress.start(films_to_measure(given), _("Measuring films"))
    settings.REPORTS.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=f".{study.name}.", dir=settings.REPORTS) as partial:
        folder = Path(partial) / "report"
        try:
            figures = analyse(given, extractor_of(extractor), _steps(progress))
            write_report(figures, given, folder)
        except ValueError as error:
            raise ValidationError(
                _("Study “%(study)s” cannot be analysed: %(reason)s") % {"study": study, "reason": error}
            ) from error
        with transaction.atomic():
            analysis = Analysis(study=study)
            analysis.full_clean()
            analysis.save()
            record(
                actor=actor,
                action="study analysed",
                subject=f"study:{study}",
                analysis=analysis.pk,
                extractor=figures["images"]["extractor"],
            )
            folder.rename(analysis.folder)
    return analysis


def export_answers(*, study: Study, path: Path, actor: str) -> int:
    """Write the answers of an unblinded study: as a file of iMRMC where `path` ends so, else as CSV.

    Returns the number of rows. The table has all answers, of ratings or of choices between two films; a file of iMRMC
    has the main ratings alone.
    """
    readings, choices = long_table(study), table_of_choices(study)
    imrmc = path.suffix.lower() == ".imrmc"
    if study.of_pairs and imrmc:
        raise ValidationError(_("A file of iMRMC holds ratings, not choices between two films; write a CSV file."))
    with _refusals_of(path):
        if study.of_pairs:
            write_pairs(path, choices)
        else:
            (write_imrmc if imrmc else write_table)(path, readings)
    rows = len(readings) + len(choices)
    record(actor=actor, action="answers exported", subject=f"study:{study}", rows=rows)
    return rows


def export_remarks(*, study: Study, path: Path, actor: str) -> int:
    """Write what the readers of an unblinded study said beside their answers, as CSV. Returns the number of rows."""
    with _refusals_of(path):
        rows = write_remarks(path, study)
    record(actor=actor, action="remarks exported", subject=f"study:{study}", rows=rows)
    return rows


@contextmanager
def _refusals_of(path: Path) -> Iterator[None]:
    """What keeps a file from being written, as one sentence."""
    try:
        yield
    except ValueError as error:
        raise ValidationError(str(error)) from error
    except OSError as error:
        raise ValidationError(
            _("The file %(path)s cannot be written: %(reason)s.") % {"path": path, "reason": error.strerror}
        ) from error


def _steps(progress: Progress) -> Callable[[int, int], None]:
    """What tells `progress` of films done, from calls that say how many are."""
    reported = 0

    def report(done: int, _total: int) -> None:
        nonlocal reported
        progress.advance(done - reported)
        reported = done

    return report


def _cases(study: Study) -> QuerySet[CaseTruth, tuple[int, str]]:
    """Cases with their roles, in an order that the next freezing of the same films would give again."""
    truths = CaseTruth.objects.filter(study=study).order_by("radiograph__film_hash")
    return truths.values_list("case_id", "arm__role")
