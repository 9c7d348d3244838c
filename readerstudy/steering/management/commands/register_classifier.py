from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser
from django.utils.translation import gettext as _

from readerstudy.commands import ACTOR, ServiceCommand
from readerstudy.steering.classifiers import register_classifier


class Command(ServiceCommand):
    help = "Make a classifier of findings known: weights that python -m evaluation classify train wrote."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", metavar="NAME")
        parser.add_argument("path", type=Path, metavar="PATH", help="A .safetensors with its .json beside it.")

    def act(self, options: dict[str, Any]) -> None:
        classifier = register_classifier(name=options["name"], path=options["path"], actor=ACTOR)
        self.stdout.write(
            _("Classifier %(classifier)s is registered: %(network)s, %(side)d × %(side)d pixels, %(findings)s.")
            % {
                "classifier": classifier,
                "network": classifier.network,
                "side": classifier.side,
                "findings": ", ".join(classifier.findings),
            }
        )
