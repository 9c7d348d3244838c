from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from readerstudy.archive.importing.sources import FORMS
from readerstudy.archive.models import Truth
from readerstudy.archive.services import import_radiographs
from readerstudy.commands import ACTOR, ServiceCommand
from readerstudy.progress import Bar


class Command(ServiceCommand):
    help = (
        "Bring the films below a folder into a collection: ChestX-ray14 as NIH ships it, a tree of DICOM files, or PNG "
        "and JPEG with an optional CSV (file, labels, patient_id, age, sex, view, official_split, phantom_seed). A bad "
        "file is named and the rest come in; the same command again takes up an import that was stopped. Paths below "
        "the folder are kept as they are, so they should name no patient."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("path", type=Path, metavar="PATH", help="Folder with the films.")
        parser.add_argument("--collection", required=True, metavar="NAME", help="Begun if there is none of that name.")
        parser.add_argument("--truth", required=True, choices=Truth.values)
        parser.add_argument("--format", choices=sorted(FORMS), default="", help="Recognised unless given.")
        parser.add_argument(
            "--origin", default="", help="Within what patient ids are unique; the collection's name unless given."
        )
        parser.add_argument("--licence", default="", help="Kept with the collection.")

    def act(self, options: dict[str, Any]) -> None:
        summary = import_radiographs(
            path=options["path"],
            collection=options["collection"],
            truth=options["truth"],
            form=options["format"],
            origin=options["origin"],
            licence=options["licence"],
            actor=ACTOR,
            progress=Bar(),
        )
        self.stdout.write("\n".join(summary.sentences()))
