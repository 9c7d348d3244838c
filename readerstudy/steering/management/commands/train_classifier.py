from __future__ import annotations

from argparse import Namespace
from typing import Any

import torch
from django.core.exceptions import ValidationError
from django.core.management.base import CommandError, CommandParser
from django.utils.translation import gettext as _

from evaluation.classifiers.training import ClassifierConfig
from evaluation.classify_command import add_configuration, area_in_words, configuration, epochs_of, warnings_of
from gan.findings import FINDINGS
from gan.hardware import Hardware, choose_hardware
from gan.stopping import StopOnSignal, TrainingStopped
from readerstudy.archive.services import find_collection
from readerstudy.commands import ACTOR, ServiceCommand
from readerstudy.progress import Bar
from readerstudy.steering.classifiers import loaded, train_classifier
from readerstudy.synthesis.services import side_to_train_on


class Command(ServiceCommand):
    help = (
        "Train a classifier of findings on the films of a collection, and measure it on other patients. SIGTERM and "
        "Ctrl-C save the training; --resume goes on with it."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", metavar="NAME")
        parser.add_argument("--collection", required=True, metavar="NAME")
        parser.add_argument(
            "--split",
            choices=["train", "test", "all"],
            default="",
            help="Which side of the patient-level split; train where the collection is split, else all.",
        )
        parser.add_argument(
            "--resume",
            action="store_true",
            help="Go on with the stopped training of this name; begins where there is none.",
        )
        add_configuration(parser)

    def act(self, options: dict[str, Any]) -> None:
        if options["threads"]:
            torch.set_num_threads(options["threads"])
        asked = Namespace(**options)
        config, machine = _asked(asked)
        collection = find_collection(options["collection"])
        part, parts = options["part"]
        stop = StopOnSignal()
        try:
            classifier = train_classifier(
                name=options["name"],
                collection=collection,
                split=side_to_train_on(collection, options["split"]),
                part=part,
                parts=parts,
                config=config,
                epochs=epochs_of(asked),
                hardware=machine,
                resume=options["resume"],
                actor=ACTOR,
                progress=Bar(),
                should_stop=stop,
            )
        except TrainingStopped as stopped:
            raise CommandError(str(stopped), returncode=stop.exit_status if stop() else 1) from stopped
        weights = loaded(classifier)
        for finding, row in weights.about.held_out["findings"].items():
            self.stdout.write(f"{finding}: {area_in_words(row)}")
        for warning in warnings_of(weights, FINDINGS):
            self.stderr.write(warning)
        self.stdout.write(
            _("Classifier %(classifier)s is trained on films of %(collection)s and registered.")
            % {"classifier": classifier, "collection": collection}
        )


def _asked(options: Namespace) -> tuple[ClassifierConfig, Hardware]:
    try:
        return configuration(options), choose_hardware(options.device)
    except ValueError as error:
        raise ValidationError(str(error)) from error
