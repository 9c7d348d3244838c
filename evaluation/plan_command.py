"""`python -m evaluation plan`: how many readers and films a study takes."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cache, partial
from itertools import product
from pathlib import Path
from typing import Any

from tqdm import tqdm

from evaluation.plan_figure import power_curves
from evaluation.readers import planning
from evaluation.readers.all_readers import FEW_READERS
from evaluation.readers.arms import later_sittings_as_repeats, main_readings
from evaluation.readers.files import read_readings
from evaluation.readers.pilot import Pilot, pilot_of
from evaluation.readers.planning import FILMS, Goal, Plan, VariancesAt
from evaluation.readers.ratings import ratings_of
from evaluation.readers.roe_metz import RoeMetz, Variances

Json = dict[str, Any]

# Unless a pilot study or an option says otherwise.
ASSUMED = {"share_real": 0.5, "reader_sd": 0.3, "case_correlation": 0.15}
LEAST_SHARE = 0.1
CURVE_POINTS = 30

ASSUMED_SPREAD = "How readers differ and agree is assumed; a pilot study (--pilot) would estimate it."
FROM_PILOT = (
    "From the pilot study come variances and no effect. power_low and power_high take the variance between readers at "
    "the ends of its interval: a pilot study tells little of it."
)
FIXED = (
    f"Fewer than {FEW_READERS} readers are planned as fixed: such a study speaks of these readers and not of "
    "readers in general, and is analysed so (readers --random cases)."
)
NOT_REACHED = (
    "No study of up to {films} films reaches the power with {readers} readers; where more films do not help, more "
    "readers do."
)


def add_plan(commands: Any) -> None:
    """Add the subcommand to the subparsers of `python -m evaluation`."""
    plan = commands.add_parser("plan", help="power and sample size of a reader study")
    plan.add_argument("--json", type=Path, required=True, help="where the figures go")
    plan.add_argument("--figure", type=Path, help="where a drawing of the power goes, as SVG")
    plan.add_argument("--shows", choices=("equivalence", "difference"), default="equivalence")
    plan.add_argument("--auc", type=float, default=planning.GUESSING, help="the reader mean that is taken to be true")
    plan.add_argument("--margin", type=float, default=0.1, help="equivalence margin around an AUC of 0.5")
    plan.add_argument("--alpha", type=float, default=0.05)
    plan.add_argument("--power", type=float, default=0.8, help="the power that films are sought for")
    plan.add_argument("--readers", type=int, nargs="+", default=(3, 6, 8, 10, 12))
    plan.add_argument("--films", type=int, nargs="+", default=(60, 100, 120, 200, 240, 300))
    plan.add_argument("--share-real", type=float, help=f"of the films; {ASSUMED['share_real']:g} unless given")
    plan.add_argument("--reader-sd", type=float, help=f"of d′; {ASSUMED['reader_sd']:g} unless given")
    plan.add_argument(
        "--case-correlation",
        type=float,
        help=f"of what two readers see in a film; {ASSUMED['case_correlation']:g} unless given",
    )
    plan.add_argument("--pilot", type=Path, help="file of a pilot study's readings, which tells the last three")
    plan.add_argument(
        "--scale", type=float, nargs=2, default=(1, 6), metavar=("LOW", "HIGH"), help="of the pilot study"
    )
    plan.add_argument(
        "--simulate", type=int, default=0, metavar="RUNS", help="draw so many studies of each design, too"
    )
    plan.add_argument("--seed", type=int, default=1, help="of the drawn studies")
    plan.set_defaults(run=plan_study)


def plan_study(options: argparse.Namespace) -> Json:
    """The power of every design, the films that every number of readers needs, and what both rest on.

    Raises ValueError for a plan that cannot be made; then no figure is drawn.
    """
    goal = Goal(options.shows, options.auc, options.margin, options.alpha)
    if not (0 < options.power < 1 and min(options.readers) > 0 and min(options.films) >= FILMS[0]):
        raise ValueError(f"A plan needs a power between 0 and 1, at least one reader and at least {FILMS[0]} films.")
    if options.simulate < 0:
        raise ValueError("There is no negative number of drawn studies.")
    basis = _pilot_basis(options, goal) if options.pilot else _model_basis(options, goal)
    designs = list(product(sorted(set(options.readers)), sorted(set(options.films))))
    plans = [planning.plan(goal, basis.variances_at, *design) for design in designs]
    needed = {
        readers: planning.films_needed(goal, basis.variances_at, readers, options.power)
        for readers in sorted(set(options.readers))
    }
    result: Json = {
        "goal": asdict(goal),
        "assumptions": basis.assumptions | {"model": asdict(basis.model)},
        "designs": [asdict(plan) | _range(goal, basis, plan) for plan in plans],
        "films_needed": [_needed(readers, plan, options.power) for readers, plan in needed.items()],
        "notes": _notes(needed, basis),
    }
    if options.simulate:
        _simulate(result["designs"], goal, basis, options)
    if options.figure:
        curves = {readers: _curve(goal, basis, readers, max(options.films)) for readers in needed}
        options.figure.write_text(power_curves(curves, options.power), encoding="utf-8")
    return result


@dataclass(frozen=True)
class _Basis:
    """What a plan rests on. `pilot` is None where the variances are assumed; `model` draws studies."""

    variances_at: VariancesAt
    model: RoeMetz
    share_real: float
    pilot: Pilot | None
    assumptions: Json


def _model_basis(options: argparse.Namespace, goal: Goal) -> _Basis:
    assumed = {name: getattr(options, name) for name in ASSUMED if getattr(options, name) is not None}
    assumptions = ASSUMED | assumed
    share_real = assumptions["share_real"]
    if not LEAST_SHARE <= share_real <= 1 - LEAST_SHARE:
        raise ValueError(f"The share of real films lies between {LEAST_SHARE:g} and {1 - LEAST_SHARE:g}.")
    model = RoeMetz(reader_sd=assumptions["reader_sd"], case_correlation=assumptions["case_correlation"]).with_area(
        goal.area
    )

    def variances_at(films: int) -> Variances:
        return model.variances(*planning.split(films, share_real))

    # Asked for the same films with every number of readers.
    return _Basis(cache(variances_at), model, share_real, None, {"source": "model"} | assumptions)


def _pilot_basis(options: argparse.Namespace, goal: Goal) -> _Basis:
    given = [name for name in ASSUMED if getattr(options, name) is not None]
    if given:
        raise ValueError(f"The pilot study tells the {_words(given)}; leave out the option or the pilot study.")
    readings, _ = read_readings(options.pilot, tuple(options.scale))
    pilot = pilot_of(ratings_of(main_readings(later_sittings_as_repeats(readings, None))))
    share_real = pilot.real / (pilot.real + pilot.synthetic)
    return _Basis(pilot.at, pilot.model(goal.area), share_real, pilot, {"source": "pilot"} | asdict(pilot))


def _words(names: Sequence[str]) -> str:
    return ", ".join(name.replace("_", " ") for name in names)


def _range(goal: Goal, basis: _Basis, plan: Plan) -> Json:
    """The power with the pilot's reader variance at either end of its interval."""
    if basis.pilot is None:
        return {}
    least, most = (
        planning.plan(goal, partial(basis.pilot.at, reader=variance), plan.readers, plan.films).power
        for variance in (basis.pilot.reader.high, basis.pilot.reader.low)
    )
    return {"power_low": least, "power_high": most}


def _needed(readers: int, plan: Plan | None, power: float) -> Json:
    found = {"films": plan.films, "power": plan.power} if plan else {"films": None, "power": None}
    return {"readers": readers, "random": planning.random_with(readers), "target": power} | found


def _notes(needed: dict[int, Plan | None], basis: _Basis) -> list[str]:
    notes = [FROM_PILOT if basis.pilot else ASSUMED_SPREAD]
    few = [readers for readers in needed if planning.random_with(readers) == "cases"]
    if few:
        notes.append(FIXED)
    for readers, plan in needed.items():
        if plan is None:
            notes.append(NOT_REACHED.format(readers=readers, films=f"{FILMS[-1]:,}"))
    return notes


def _simulate(designs: list[Json], goal: Goal, basis: _Basis, options: argparse.Namespace) -> None:
    for design in tqdm(designs, desc="Designs", disable=None):
        real, synthetic = planning.split(design["films"], basis.share_real)
        power = planning.simulated_power(
            basis.model, goal, design["readers"], real, synthetic, runs=options.simulate, seed=options.seed
        )
        design["simulated"] = asdict(power) | {"runs": options.simulate}


def _curve(goal: Goal, basis: _Basis, readers: int, most: int) -> list[Plan]:
    step = max(1, most // CURVE_POINTS)
    return [planning.plan(goal, basis.variances_at, readers, films) for films in range(FILMS[0], most + 1, step)]
