"""A steering study as Markdown tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from evaluation.steering.study import METHODS, PER_PLAIN_DRAW

Json = Mapping[str, Any]

NOTHING = "–"


def success_table(result: Json) -> str:
    """How often films show what was wanted: of plain draws, and of what every method made and was accepted."""
    rows = []
    for goal, figures in _by_rate(result):
        plain, steered = figures["plain"], figures["defended"]
        before, after = plain["judged"], steered["judged_of_accepted"]
        times = f"{after['share'] / before['share']:.1f}" if before["yes"] and after else NOTHING
        rows.append(
            [goal, _share(before), _share(plain["judged_of_accepted"]),
             _share(figures["direction"]["judged_of_accepted"]), _share(after), times,
             _measured(plain), _measured(steered)]
        )  # fmt: skip
    head = ["wanted", "plain draws", "plain, accepted", "direction, accepted", "optimised, accepted", "times plain"]
    return _table([*head, "measured, plain", "measured, optimised"], rows)


def defence_table(result: Json) -> str:
    """What the steering, the accepting and the judging classifier say of all attempts, without and with the defence."""
    rows = []
    for goal, figures in _by_rate(result):
        for method in ("undefended", "defended"):
            of = figures[method]
            rows.append(
                [goal, method, _share(of["reached"]), _share(of["accepted"]), _share(of["judged"]),
                 f"{of['steps']:.1f}", f"{of['distance']:.2f}"]
            )  # fmt: skip
    return _table(["wanted", "", "steering content", "accepted", "judged", "steps", "angle"], rows)


def cost_table(result: Json) -> str:
    """Forward equivalents per accepted film, goals from the commonest to the rarest among plain draws; and per accepted
    film that the judge confirms, by drawing and by optimising."""
    rows = []
    for goal, figures in _by_rate(result):
        plain, own = figures["plain"], figures["defended"]
        cost = own["cost_per_accepted"]
        rows.append(
            [goal, _percent(plain["accepted"]), rejection_cost(plain, result["plain"]),
             *(_number(figures[method]["cost_per_accepted"]) for method in METHODS),
             f"{PER_PLAIN_DRAW / cost:.2%}" if cost else NOTHING, _confirmed(plain), _confirmed(own)]
        )  # fmt: skip
    head = ["wanted", "plain draws accepted", "rejection", *METHODS, "break-even rate"]
    return _table([*head, "rejection, confirmed", "defended, confirmed"], rows)


def _confirmed(figures: Json) -> str:
    """What an accepted film costs that the judge confirms."""
    judged = figures["judged_of_accepted"]
    return _number(figures["cost_per_accepted"] / judged["share"]) if judged and judged["yes"] else NOTHING


def rejection_cost(plain: Json, draws: int) -> str:
    """By drawing until one is accepted; where none was, the least that it can be said to cost (rule of three)."""
    if plain["cost_per_accepted"]:
        return _number(plain["cost_per_accepted"])
    return f"> {_number(PER_PLAIN_DRAW * draws / 3)}"


def _by_rate(result: Json) -> list[tuple[str, Json]]:
    return sorted(result["goals"].items(), key=lambda item: -item[1]["plain"]["accepted"]["share"])


def _share(share: Json | None) -> str:
    if not share:
        return NOTHING
    limits = f"{_rounded(share['low'])}–{_rounded(share['high'])}"
    return f"{_rounded(share['share'])} ({limits}; {share['yes']} of {share['of']})"


def _rounded(share: float) -> str:
    """With a place more where it is small."""
    return f"{share:.0%}" if share >= 0.095 or not share else f"{share:.1%}"


def _percent(share: Json) -> str:
    return f"{share['share']:.2%} ({share['low']:.2%}–{share['high']:.2%})"


def _measured(figures: Json) -> str:
    return _share(figures.get("measured_of_accepted") if figures.get("reached") else figures.get("measured"))


def _number(value: float | None) -> str:
    return NOTHING if value is None else f"{value:,.0f}"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines) + "\n"
