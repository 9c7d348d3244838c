from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser
from django.utils.translation import gettext as _

from gan.hardware import DEVICES
from readerstudy.commands import ACTOR, ServiceCommand
from readerstudy.progress import Bar
from readerstudy.synthesis.services import find_generator, generate_radiographs


class Command(ServiceCommand):
    help = "Draw synthetic films into a collection. The same call again goes on where it was interrupted."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--generator", required=True, metavar="NAME")
        parser.add_argument("--count", type=int, required=True, metavar="N")
        parser.add_argument("--seed", type=int, default=0, help="Of the first film; the next ones follow.")
        parser.add_argument("--collection", metavar="NAME", help="For the films; the generator's name unless given.")
        parser.add_argument("--truncation", type=float, default=1.0, help="Above 0, up to 1; 1 cuts nothing.")
        parser.add_argument(
            "--device", choices=DEVICES, default="cpu", help="auto takes a graphics card where there is one."
        )

    def act(self, options: dict[str, Any]) -> None:
        generator = find_generator(options["generator"])
        batch = generate_radiographs(
            generator=generator,
            collection=options["collection"] or generator.name,
            count=options["count"],
            first_seed=options["seed"],
            truncation=options["truncation"],
            device=options["device"],
            actor=ACTOR,
            progress=Bar(),
        )
        self.stdout.write(
            _("%(count)d films by %(generator)s are in collection %(collection)s.")
            % {"count": batch.count, "generator": generator, "collection": batch.collection}
        )
