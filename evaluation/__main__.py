"""`python -m evaluation COMMAND …`: figures from plain files."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from typing import Any

from evaluation.bias_command import add_bias
from evaluation.classify_command import add_classify
from evaluation.distances_command import add_distances
from evaluation.diversity_command import add_diversity
from evaluation.images_command import add_images
from evaluation.plain_json import write_json
from evaluation.plan_command import add_plan
from evaluation.readers_command import add_readers
from evaluation.robustness_command import add_robustness
from evaluation.run_command import add_run
from evaluation.steering_command import add_steering
from evaluation.usefulness_command import add_usefulness


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a subcommand; a fault of the input is one line on standard error and exit status 1."""
    options = _parser().parse_args(arguments)
    try:
        result = options.run(options)
        if result is None:
            # One of several processes, of which another one speaks.
            return 0
        if options.json:
            write_json(options.json, result)
    except (ValueError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(_lines(_headline(result)))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m evaluation", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    add_readers(commands)
    add_plan(commands)
    add_images(commands)
    add_run(commands)
    add_distances(commands)
    add_bias(commands)
    add_robustness(commands)
    add_diversity(commands)
    add_steering(commands)
    add_classify(commands)
    add_usefulness(commands)
    return parser


def _headline(result: dict[str, Any]) -> dict[str, Any]:
    """What is worth a look on the screen; the file has everything."""
    shown = {name: result[name] for name in ("n", "overall", "comparison", "warnings") if result.get(name)}
    return shown or _short(result)


def _short(value: Any) -> Any:
    """Without the lists of pairs of films, which are for the file."""
    if isinstance(value, dict):
        return {name: _short(inner) for name, inner in value.items() if name != "pairs" or not isinstance(inner, list)}
    return value


def _lines(value: Any, margin: str = "") -> str:
    """JSON with what holds nothing nested on one line."""
    if not isinstance(value, dict) or not any(isinstance(inner, dict) for inner in value.values()):
        return json.dumps(value, ensure_ascii=False)
    inside = margin + "  "
    members = (
        f"{inside}{json.dumps(name, ensure_ascii=False)}: {_lines(inner, inside)}" for name, inner in value.items()
    )
    return "{\n" + ",\n".join(members) + f"\n{margin}}}"


if __name__ == "__main__":
    sys.exit(main())
