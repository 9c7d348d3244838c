from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser
from django.utils.translation import gettext as _

from readerstudy.commands import ACTOR, ServiceCommand
from readerstudy.progress import Bar
from readerstudy.steering.exporting import FOLDERS, export_archive, find_archive


class Command(ServiceCommand):
    help = "Write a labelled archive into a folder, with a data sheet: as NIH lays out ChestX-ray14, or as DICOM."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", metavar="NAME")
        parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="Must not be there yet.")
        parser.add_argument("--form", choices=sorted(FOLDERS), required=True)
        parser.add_argument(
            "--finding-labels",
            action="store_true",
            help="Write the targets into NIH's column Finding Labels too, where programs take them for findings.",
        )

    def act(self, options: dict[str, Any]) -> None:
        films = export_archive(
            archive=find_archive(options["name"]),
            out=options["out"],
            form=options["form"],
            finding_labels=options["finding_labels"],
            actor=ACTOR,
            progress=Bar(),
        )
        self.stdout.write(_("%(films)d films are in %(folder)s.") % {"films": films, "folder": options["out"]})
