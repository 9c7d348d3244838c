from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import CommandParser
from django.utils.translation import gettext as _

from readerstudy.commands import ACTOR, ServiceCommand
from readerstudy.studies.models import Arm, Study
from readerstudy.studies.plan import build_study, read_plan, read_text


class Command(ServiceCommand):
    help = (
        "Begin the design of a study: from a plan in TOML, or from options that make one arm of real films and one arm "
        "for each collection of synthetic films. Arms and plan can be changed in the admin until the study is frozen."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--plan", type=Path, metavar="FILE", help="A plan in TOML; no other option is read then.")
        parser.add_argument("--name")
        parser.add_argument("--title", help="What readers see; the name unless given.")
        parser.add_argument("--seed", type=int, default=0, help="Draws films and orders.")
        arms = parser.add_argument_group("arms")
        arms.add_argument("--real", metavar="COLLECTION[:SPLIT]", help="Real films, such as nih:test.")
        arms.add_argument("--synthetic", metavar="COLLECTION", action="append", help="Can be given several times.")
        arms.add_argument("--films-per-arm", type=int, metavar="N")
        arms.add_argument("--degraded", type=int, default=0, metavar="N", help="Degraded synthetic films (control).")
        arms.add_argument("--real-control", type=int, default=0, metavar="N", help="More real films (control).")
        arms.add_argument("--finding-mix", metavar="COLLECTION[:SPLIT]", help="Draw real films to this mix.")
        arms.add_argument("--selection", default="random", help="random, truncation or classifier (synthetic films).")
        arms.add_argument("--selection-detail", default="", help="Which truncation, or which classifier and threshold.")
        reading = parser.add_argument_group("reading")
        reading.add_argument("--practice", type=int, default=0, metavar="N", help="Practice films, not counted.")
        reading.add_argument("--repeats", type=int, default=0, metavar="N", help="Main films that come twice.")
        reading.add_argument("--instruction", type=Path, metavar="FILE", help="Text that readers see first.")
        reading.add_argument("--instruction-version", help="Needed with --instruction.")
        reading.add_argument("--ratio-told", action="store_true", help="The text tells the share of synthetic films.")
        analysis = parser.add_argument_group("analysis")
        analysis.add_argument("--end-point", choices=Study.EndPoint.values, default="auc")
        analysis.add_argument(
            "--margin",
            type=float,
            default=0.1,
            help="Equivalence margin around an AUC of 0.5, or of the difference of shares.",
        )
        analysis.add_argument("--margin-reason", default="")
        analysis.add_argument("--alpha", type=float, default=0.05)
        analysis.add_argument("--decision-cut", type=int, default=4, help="Rated synthetic from this rating on.")
        analysis.add_argument("--override-reason", default="", help="Why freezing is sound without known patients.")

    def act(self, options: dict[str, Any]) -> None:
        plan = read_plan(options["plan"]) if options["plan"] else plan_of(options)
        study = build_study(plan, actor=ACTOR)
        arms = ", ".join(f"{arm.name} ({arm.films})" for arm in study.arms.order_by("pk"))
        self.stdout.write(_("Study %(study)s is in design, with the arms %(arms)s.") % {"study": study, "arms": arms})


def plan_of(options: dict[str, Any]) -> dict[str, Any]:
    """The plan that the options describe."""
    for needed in ("name", "real", "synthetic", "films_per_arm"):
        if not options[needed]:
            raise ValidationError(
                _("Give --%(option)s, or the whole plan by --plan.") % {"option": needed.replace("_", "-")}
            )
    plan = {
        "name": options["name"],
        "title": options["title"] or options["name"],
        "seed": options["seed"],
        "primary_end_point": options["end_point"],
        "margin": options["margin"],
        "margin_reason": options["margin_reason"],
        "alpha": options["alpha"],
        "decision_cut": options["decision_cut"],
        "ratio_told": options["ratio_told"],
        "repeats": options["repeats"],
        "practice_films": options["practice"],
        "override_reason": options["override_reason"],
        "arms": _arms_of(options),
    }
    if options["instruction"]:
        plan |= {
            "instruction_text": read_text(options["instruction"]),
            "instruction_version": options["instruction_version"] or "",
        }
    return plan


def _arms_of(options: dict[str, Any]) -> list[dict[str, Any]]:
    collection, _colon, split = options["real"].partition(":")
    mix_of, _colon, mix_split = (options["finding_mix"] or "").partition(":")
    mix = {"mix_of": mix_of, "mix_split": mix_split} if mix_of else {}
    real = {"collection": collection, "split": split} | mix
    selection = {"selection": options["selection"], "selection_detail": options["selection_detail"]}
    first, *others = options["synthetic"]
    films = options["films_per_arm"]
    arms = [{"name": "real", "role": Arm.Role.REAL, "films": films} | real]
    for name in (first, *others):
        # One synthetic arm needs no other name; of several, each carries its collection's.
        arm = name if others else "synthetic"
        arms.append({"name": arm, "role": Arm.Role.GENERATOR, "films": films, "collection": name} | selection)
    if options["degraded"]:
        degraded = {"name": "degraded", "role": Arm.Role.CONTROL_DEGRADED, "films": options["degraded"]}
        arms.append(degraded | {"collection": first} | selection)
    if options["real_control"]:
        arms.append({"name": "real-control", "role": Arm.Role.CONTROL_REAL, "films": options["real_control"]} | real)
    return arms
