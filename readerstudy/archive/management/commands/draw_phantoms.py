from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from gan.findings import NO_FINDING
from gan.phantom import DRAWABLE
from readerstudy.archive.services import draw_phantoms
from readerstudy.commands import ACTOR, ServiceCommand
from readerstudy.progress import Bar


class Command(ServiceCommand):
    help = (
        "Draw stand-in radiographs into a collection, which in a study of phantoms stands for the real films. The same "
        "seed is the same patient; the same command again takes up a drawing that was stopped."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--collection", required=True, metavar="NAME", help="Begun if there is none of that name.")
        parser.add_argument("--count", type=int, required=True)
        parser.add_argument("--seed", type=int, required=True, help="Seed of the first; the next have the next.")
        parser.add_argument("--side", type=int, default=256, help="Pixels along each side.")
        parser.add_argument(
            "--finding",
            action="append",
            choices=[*DRAWABLE, NO_FINDING],
            help="Give every phantom just this; can be given several times. At random unless given.",
        )

    def act(self, options: dict[str, Any]) -> None:
        summary = draw_phantoms(
            collection=options["collection"],
            count=options["count"],
            seed=options["seed"],
            side=options["side"],
            findings=options["finding"],
            actor=ACTOR,
            progress=Bar(),
        )
        self.stdout.write("\n".join(summary.sentences()))
