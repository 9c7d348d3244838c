from __future__ import annotations

from dataclasses import fields
from typing import Any

from django.core.management.base import CommandParser

from gan.latent import Steering
from readerstudy.commands import ACTOR, ServiceCommand
from readerstudy.progress import Bar
from readerstudy.steering.building import build_archive, in_words
from readerstudy.steering.planning import ATTEMPTS_PER_FILM, PER_FINDING

# What a user has reason to turn; the rest has one good value.
SETTINGS = {
    "steps": "Of the optimisation, at most.",
    "margin": "How far beyond its threshold a logit must be before a latent rests.",
    "keep_others": "Weight that keeps all other findings where they were; 0 lets them go with the wanted ones.",
}


class Command(ServiceCommand):
    help = (
        "Build a labelled archive: synthetic films that are steered to findings by some classifiers and accepted by "
        "another one. The same command again goes on where it was interrupted, and ends with the same archive."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", metavar="NAME", help="Of the archive and its collection.")
        parser.add_argument("--generator", required=True, metavar="NAME")
        parser.add_argument(
            "--classifier",
            action="append",
            required=True,
            metavar="NAME",
            dest="classifiers",
            help="That steers; several are averaged.",
        )
        parser.add_argument(
            "--acceptor", default="", metavar="NAME", help="That alone decides; trained on none of the same patients."
        )
        parser.add_argument(
            "--judge", default="", metavar="NAME", help="That scores accepted films; trained on yet other patients."
        )
        parser.add_argument(
            "--per-finding",
            type=int,
            default=PER_FINDING,
            metavar="N",
            help="Films for each goal; %(default)s unless given.",
        )
        parser.add_argument(
            "--finding",
            action="append",
            default=[],
            metavar="NAME",
            dest="findings",
            help="Every finding that all classifiers know, unless one or a combination is given.",
        )
        parser.add_argument(
            "--combination",
            action="append",
            default=[],
            metavar="GOAL",
            dest="combinations",
            help="Such as Cardiomegaly+Effusion, or Effusion-Cardiomegaly for the first without the second.",
        )
        parser.add_argument("--seed", type=int, default=0)
        parser.add_argument(
            "--attempts-per-film",
            type=int,
            default=ATTEMPTS_PER_FILM,
            metavar="N",
            help="After which a goal is left; %(default)s unless given.",
        )
        parser.add_argument("--licence", default="", help="Kept with the collection.")
        parser.add_argument("--processes", type=int, default=1, metavar="N", help="Has no say in what the films are.")
        for field in fields(Steering):
            if field.name in SETTINGS:
                parser.add_argument(
                    f"--{field.name.replace('_', '-')}",
                    type=type(field.default),
                    default=field.default,
                    metavar="N",
                    help=SETTINGS[field.name],
                )

    def act(self, options: dict[str, Any]) -> None:
        archive = build_archive(
            name=options["name"],
            generator=options["generator"],
            classifiers=options["classifiers"],
            acceptor=options["acceptor"],
            judge=options["judge"],
            per_finding=options["per_finding"],
            findings=options["findings"],
            combinations=options["combinations"],
            seed=options["seed"],
            attempts_per_film=options["attempts_per_film"],
            steering={setting: options[setting] for setting in SETTINGS},
            licence=options["licence"],
            processes=options["processes"],
            actor=ACTOR,
            progress=Bar(),
        )
        self.stdout.write(in_words(archive))
