from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser
from django.utils.translation import gettext as _

from readerstudy.commands import ACTOR, ServiceCommand
from readerstudy.synthesis.services import register_generator


class Command(ServiceCommand):
    help = "Make a generator known: a file of weights, or the folder of a checkpoint or a snapshot."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", metavar="NAME")
        parser.add_argument(
            "path",
            type=Path,
            metavar="PATH",
            help="A .safetensors with its .json beside it, or the folder of a checkpoint or a snapshot.",
        )

    def act(self, options: dict[str, Any]) -> None:
        generator = register_generator(name=options["name"], path=options["path"], actor=ACTOR)
        self.stdout.write(
            _("Generator %(generator)s is registered: %(side)d × %(side)d pixels, %(images)d images shown.")
            % {"generator": generator, "side": generator.resolution, "images": generator.images_shown}
        )
