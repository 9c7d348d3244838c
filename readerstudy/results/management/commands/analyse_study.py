from __future__ import annotations

from typing import Any
from urllib.parse import urljoin

from django.core.management.base import CommandParser

from evaluation.images.extractors import Texture
from readerstudy.commands import ACTOR
from readerstudy.progress import Bar
from readerstudy.results.services import analyse_study
from readerstudy.studies.management.study_command import StudyCommand
from readerstudy.studies.models import Study


class Command(StudyCommand):
    help = (
        "Analyse an unblinded study: write its report, the figures as JSON and the answers, and print where they are."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--extractor",
            default=Texture.name,
            metavar="texture|PATH",
            help="What measures films: weights-free texture (the default), or the path of a TorchScript file.",
        )
        parser.add_argument("--base-url", default="http://127.0.0.1:8000", help="Where people reach the server.")

    def act_on(self, study: Study, options: dict[str, Any]) -> None:
        analysis = analyse_study(study=study, actor=ACTOR, extractor=options["extractor"], progress=Bar())
        self.stdout.write(f"File: {analysis.report}")
        self.stdout.write(f"Report: {urljoin(options['base_url'], analysis.get_absolute_url())}")
