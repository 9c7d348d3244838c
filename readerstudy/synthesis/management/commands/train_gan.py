from __future__ import annotations

from argparse import Namespace
from typing import Any

import torch
from django.core.exceptions import ValidationError
from django.core.management.base import CommandError, CommandParser
from django.utils.translation import gettext as _

from gan.config import TrainingConfig
from gan.hardware import Hardware
from gan.stopping import StopOnSignal, TrainingStopped
from gan.train_command import add_configuration, add_hardware, configuration, hardware
from readerstudy.archive.models import Split
from readerstudy.archive.services import find_collection
from readerstudy.commands import ACTOR, ServiceCommand
from readerstudy.progress import Bar
from readerstudy.synthesis.measuring import MEASURED_FILMS
from readerstudy.synthesis.services import side_to_train_on, train_gan


class Command(ServiceCommand):
    help = "Train a generator on the films of a collection. SIGTERM and Ctrl-C save the run; --resume goes on with it."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--collection", required=True, metavar="NAME")
        parser.add_argument("--name", help="Of the run and its generator; COLLECTION-RESOLUTION unless given.")
        parser.add_argument(
            "--split",
            choices=["train", "test", "all"],
            default="",
            help="Which side of the patient-level split; train where the collection is split, else all.",
        )
        parser.add_argument(
            "--measured-films",
            type=int,
            default=MEASURED_FILMS,
            metavar="N",
            help="The Fréchet distance of each snapshot is measured with N films a side; 0 measures nothing.",
        )
        parser.add_argument("--resume", action="store_true", help="Go on with the run of this name.")
        add_configuration(parser)
        add_hardware(parser)
        parser.add_argument("--threads", type=int, default=0, help="Of the processor; all of them unless given.")

    def act(self, options: dict[str, Any]) -> None:
        if options["threads"]:
            torch.set_num_threads(options["threads"])
        config, machine = _asked(Namespace(**options))
        collection = find_collection(options["collection"])
        split = side_to_train_on(collection, options["split"])
        stop = StopOnSignal()
        try:
            generator = train_gan(
                name=options["name"] or f"{collection}-{config.resolution}",
                collection=collection,
                split=split,
                config=config,
                hardware=machine,
                measured_films=options["measured_films"],
                resume=options["resume"],
                actor=ACTOR,
                progress=Bar(),
                should_stop=stop,
            )
        except TrainingStopped as stopped:
            # Without a signal it was stopped from the admin.
            raise CommandError(str(stopped), returncode=stop.exit_status if stop() else 1) from stopped
        self.stdout.write(
            _("Generator %(generator)s is trained on the films of %(collection)s (%(split)s) and registered.")
            % {"generator": generator, "collection": collection, "split": Split(split).label}
        )


def _asked(options: Namespace) -> tuple[TrainingConfig, Hardware]:
    try:
        return configuration(options), hardware(options)
    except ValueError as error:
        raise ValidationError(str(error)) from error
