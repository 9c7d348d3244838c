"""`python -m evaluation steering`: how well a generator's films are steered to findings, and at what cost."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from torch import Tensor
from tqdm import tqdm

from evaluation.classifiers.network import load_classifier
from evaluation.plain_json import write_json
from evaluation.steering.figure import draw_cost
from evaluation.steering.goal import Goal
from evaluation.steering.panel import Panel
from evaluation.steering.study import Films, Study
from evaluation.steering.tables import cost_table, defence_table, success_table
from gan.drawing import Drawer
from gan.hardware import DEVICES, choose_hardware
from gan.latent import Steering
from gan.pixels import quantise

SHOWN = 12
"""Films of a sheet."""


def add_steering(commands: Any) -> None:
    """Add the subcommand to the subparsers of `python -m evaluation`."""
    command = commands.add_parser("steering", help="how well films are steered to findings, and at what cost")
    command.add_argument("--generator", type=Path, required=True, help=".safetensors with its .json beside it")
    command.add_argument(
        "--classifier", type=Path, action="append", required=True, help="one that steers; may be given again"
    )
    command.add_argument("--acceptor", type=Path, required=True, help="the classifier that alone accepts")
    command.add_argument("--judge", type=Path, required=True, help="the classifier that judges and does nothing else")
    command.add_argument(
        "--goal", action="append", help="such as Effusion or Cardiomegaly+Effusion-Nodule; every finding unless given"
    )
    command.add_argument("--plain", type=int, default=4000, help="plain draws; 4,000")
    command.add_argument("--fitted", type=int, default=1000, help="of them, those that fit the directions; 1,000")
    command.add_argument("--attempts", type=int, default=64, help="latents of every goal and method; 64")
    command.add_argument("--seed", type=int, default=0)
    command.add_argument(
        "--phantoms", action="store_true", help="the generator draws phantoms: measure the cardiothoracic ratio too"
    )
    command.add_argument("--out", type=Path, required=True, help="folder for figures, tables and sheets")
    command.add_argument("--device", choices=DEVICES, default="cpu")
    for name, value in Steering().to_json().items():
        if name != "defence":
            command.add_argument(f"--{name.replace('_', '-')}", type=type(value), default=value)
    command.set_defaults(run=steering_study, json=None)


def steering_study(options: argparse.Namespace) -> dict[str, Any]:
    """Write steering.json, three tables, a figure and a sheet for every goal; return what is worth a look."""
    if not 2 <= options.fitted <= options.plain or options.attempts < 1:
        raise ValueError("At least 2 plain draws fit a direction, no more than there are, and at least 1 is attempted.")
    steering = Steering(**{name: getattr(options, name) for name in Steering().to_json() if name != "defence"})
    device = choose_hardware(options.device).device
    panel = Panel(
        tuple(load_classifier(path, device) for path in options.classifier),
        load_classifier(options.acceptor, device),
        load_classifier(options.judge, device),
    )
    goals = [Goal.parse(text) for text in options.goal or panel.findings]
    for goal in goals:
        goal.wanted(panel.findings)
    drawer = Drawer(options.generator, device)
    require_side(drawer, panel)
    options.out.mkdir(parents=True, exist_ok=True)
    study = Study(
        drawer,
        panel,
        steering,
        plain=options.plain,
        fitted=options.fitted,
        attempts=options.attempts,
        seed=options.seed,
        is_phantom=options.phantoms,
    )

    def keep(goal: Goal, method: str, before: Films, after: Films, accepted: Tensor) -> None:
        _sheet(options.out / f"{goal}-{method}.png", before, after, accepted)

    with tqdm(total=study.steps(len(goals)), desc="Steering", unit="film", disable=None) as bar:
        result = study.figures(goals, bar.update, keep)
    result["generator"] = drawer.sha256
    result["classifiers"] = {
        "steering": [classifier.sha256 for classifier in panel.steering],
        "accepting": panel.acceptor.sha256,
        "judging": panel.judge.sha256,
    }
    write_json(options.out / "steering.json", result)
    for name, table in (("success", success_table), ("defence", defence_table), ("cost", cost_table)):
        (options.out / f"{name}.md").write_text(table(result), encoding="utf-8")
    draw_cost(result, options.out / "cost.svg")
    return {"out": str(options.out), "goals": len(goals)}


def require_side(drawer: Drawer, panel: Panel) -> None:
    """Raises ValueError where a classifier was trained on films with more in them than the generator can draw."""
    for classifier in (*panel.steering, panel.acceptor, panel.judge):
        if classifier.side > drawer.resolution:
            raise ValueError(
                f"The classifier {classifier.name} was trained on films of {classifier.side}², but the generator draws "
                f"{drawer.resolution}²: enlarged films are none that it knows. Train one of at most that side."
            )


def _sheet(path: Path, before: Films, after: Films, accepted: Tensor) -> None:
    """The first films of a method, each below what its latent drew before; a white edge says that it was accepted."""
    columns = []
    for first, last, is_accepted in list(zip(before.kept, after.kept, accepted, strict=True))[:SHOWN]:
        if first is not None and last is not None:
            column = np.concatenate([quantise(film, 256) // 257 for film in (first, last)])
            column[:, 0] = column[-2:, :] = 255 if is_accepted else 0
            columns.append(column.astype(np.uint8))
    if columns:
        Image.fromarray(np.hstack(columns)).save(path)
