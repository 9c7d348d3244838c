"""`python -m gan plan`: phases, images, steps, memory and time of a training, before anyone starts it."""

from __future__ import annotations

import argparse
import sys
from datetime import timedelta

from gan.plan import PlannedPhase, plan
from gan.train_command import add_configuration, add_hardware, configuration, hardware

COLUMNS = "{:<16}{:>14}{:>8}{:>10}{:>12}{:>20}"


def add_plan(commands: argparse._SubParsersAction) -> argparse.ArgumentParser:
    planning: argparse.ArgumentParser = commands.add_parser(
        "plan", help="print what a training will take here, after a short measurement"
    )
    planning.add_argument("--processes", type=int, default=1, help="how many like this one will train together")
    add_configuration(planning)
    add_hardware(planning)
    planning.set_defaults(run=_plan)
    return planning


def _plan(options: argparse.Namespace) -> int:
    machine = hardware(options)
    planned = plan(configuration(options), machine, options.processes, lambda size: _say(f"Measuring at {size}² …"))
    print(table(planned))
    _say("Measured with noise in place of films, and with no other work beside it than there was just now.")
    needed, there = max(phase.memory for phase in planned), machine.memory()
    if needed > there:
        _say(f"A phase takes {_gigabytes(needed)}, but there are {_gigabytes(there)}: give a --micro-batch.")
    return 0


def table(planned: list[PlannedPhase]) -> str:
    """A line for each phase, and their sum."""
    lines = [COLUMNS.format("phase", "images", "batch", "steps", "memory", "time")]
    for phase in planned:
        name = f"{phase.resolution}² {'fading in' if phase.fading else 'stable'}"
        lines.append(
            COLUMNS.format(
                *(name, f"{phase.images:,}", phase.batch, f"{phase.steps:,}", _gigabytes(phase.memory)),
                *(_duration(phase.seconds),),
            )
        )
    images, steps = (sum(getattr(phase, name) for phase in planned) for name in ("images", "steps"))
    most, seconds = max(phase.memory for phase in planned), sum(phase.seconds for phase in planned)
    lines.append(COLUMNS.format("in all", f"{images:,}", "", f"{steps:,}", _gigabytes(most), _duration(seconds)))
    return "\n".join(lines)


def _say(line: str) -> None:
    print(line, file=sys.stderr)


def _duration(seconds: float) -> str:
    return str(timedelta(seconds=round(seconds)))


def _gigabytes(count: int) -> str:
    return f"{count / 1e9:.1f} GB"
