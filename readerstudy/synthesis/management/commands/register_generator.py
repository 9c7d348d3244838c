from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser
from django.utils.translation import gettext as _

from readerstudy.commands import ACTOR, ServiceCommand
from readerstudy.synthesis.services import register_generator


class Command(ServiceCommand):
    help = "Make a generator's weights known: a .safetensors file with its .json beside it."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, metavar="FILE")
        parser.add_argument("--name", help="The name of the file unless given.")

    def act(self, options: dict[str, Any]) -> None:
        path = options["file"]
        generator = register_generator(name=options["name"] or path.stem, path=path, actor=ACTOR)
        self.stdout.write(
            _("Generator %(generator)s is registered: %(side)d × %(side)d pixels, %(images)d images shown.")
            % {"generator": generator, "side": generator.resolution, "images": generator.images_shown}
        )
