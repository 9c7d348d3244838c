"""`python -m evaluation readers` and `convert`: figures from a file of readings, and the file in another form."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import Any

from evaluation import wording
from evaluation.readers.agreed import intra_reader
from evaluation.readers.arms import later_sittings_as_repeats
from evaluation.readers.controls import controls_of, lacking
from evaluation.readers.files import are_pairs, read_readings, write_readings
from evaluation.readers.options import Options
from evaluation.readers.pair_table import read_pairs
from evaluation.readers.pairs import controls_of_pairs, repeated_choices, summarise_pairs
from evaluation.readers.summary import summarise

FORMS = "a long table (CSV), a file of iMRMC or a workbook of RJafroc"
# A command reads a table: it knows of no check of the blinding, and of no margin but the one that it is given.
UNKNOWN_TO_A_COMMAND = (wording.BLINDING_NOT_CHECKED, wording.MARGIN_NOT_FIXED)


def add_readers(commands: Any) -> None:
    """Add both subcommands to the subparsers of `python -m evaluation`."""
    readers = commands.add_parser("readers", help="statistics of a reader study")
    readers.add_argument("file", type=Path, help=f"{FORMS}; or a CSV of choices between two films")
    readers.add_argument("--json", type=Path, required=True, help="where the figures go")
    readers.add_argument("--margin", type=float, help="equivalence margin around an AUC of 0.5")
    readers.add_argument("--covariance", choices=("jackknife", "delong", "unbiased"), default="jackknife")
    readers.add_argument("--random", choices=("both", "readers", "cases"), default="both")
    readers.add_argument("--cut", type=float, help="a rating of at least this says synthetic")
    readers.add_argument("--covariates", nargs="+", default=(), metavar="COLUMN", help="columns for a regression")
    readers.add_argument("--bootstrap", type=int, metavar="DRAWS", help="bootstrap over readers and films as well")
    readers.add_argument("--seed", type=int, default=0, help="of the bootstrap")
    readers.set_defaults(run=summarise_file)
    convert = commands.add_parser("convert", help="a reader study in another form")
    convert.add_argument("file", type=Path, help=FORMS)
    convert.add_argument("output", type=Path, help="ends on .csv, .imrmc or .xlsx (RJafroc)")
    convert.set_defaults(run=convert_file, json=None)
    for command in (readers, convert):
        command.add_argument("--arms", help="column whose values are arms of their own")
        command.add_argument("--scale", type=float, nargs=2, default=(1, 6), metavar=("LOW", "HIGH"))


def summarise_file(options: argparse.Namespace) -> dict[str, Any]:
    """All figures of a file of readings, with its controls and repeats, or of a file of choices."""
    how = Options(
        scale=tuple(options.scale),
        cut=options.cut,
        covariance=options.covariance,
        random=options.random,
        margin=options.margin,
        covariates=options.covariates,
        draws=options.bootstrap,
        seed=options.seed,
    )
    if are_pairs(options.file):
        choices = read_pairs(options.file)
        of_pairs = controls_of_pairs(choices)
        figures = summarise_pairs(choices, how.margin, unmet=(*lacking(of_pairs), *UNKNOWN_TO_A_COMMAND))
        return figures | {"controls": of_pairs, "repeats": repeated_choices(choices)}
    readings, arms = read_readings(options.file, how.scale, options.arms)
    how = replace(how, arms=arms)
    controls = controls_of(readings, how)
    figures = summarise(readings, replace(how, unmet=(*lacking(controls), *UNKNOWN_TO_A_COMMAND)))
    repeats = intra_reader(later_sittings_as_repeats(readings, arms), how)
    return figures | {"controls": controls, "repeats": repeats}


def convert_file(options: argparse.Namespace) -> dict[str, Any]:
    """Write a file of readings in another form."""
    readings, arms = read_readings(options.file, tuple(options.scale), options.arms)
    write_readings(options.output, readings, arms)
    return {"readings": len(readings), "written": str(options.output)}
