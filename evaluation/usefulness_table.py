"""The figures of a study of usefulness as one table in Markdown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from evaluation.wording import number, p_value

NAMES = {
    "real": "real",
    "synthetic": "synthetic alone",
    "both": "real and synthetic",
    "filled": "real, rare findings filled up",
}
MEAN = "mean over findings"
COLUMNS = (
    "finding, held-out films with / without",
    "trained on",
    "films with: real + synthetic",
    "AUC of one network",
    "SD of seeds",
    "AUC of the ensemble",
    "more than real",
    "p (Holm)",
    "",
)

Json = Mapping[str, Any]


def usefulness_table(result: Json) -> str:
    """Markdown: the table, what it was measured by, and what to know before it is believed."""
    lines = [f"| {' | '.join(COLUMNS)} |", f"|{'---|' * len(COLUMNS)}"]
    lines += [f"| {' | '.join(row)} |" for row in _rows(result)]
    overall = result["overall"]
    lines += ["", f"Mean over: {', '.join(overall['findings']) or 'no finding'}.", ""]
    reasons: dict[str, list[str]] = {}
    for finding, reason in overall["left_out"].items():
        reasons.setdefault(reason, []).append(finding)
    lines += [f"Left out: {', '.join(findings)} ({reason})." for reason, findings in reasons.items()]
    lines += ["", f"{result['protocol']}.", ""]
    return "\n".join([*lines, *(f"- {warning}" for warning in result["warnings"]), ""])


def _rows(result: Json) -> Iterator[tuple[str, ...]]:
    """The mean first, then every finding with a figure in any arm; four arms each."""
    films = {name: _films(arm) for name, arm in result["arms"].items()}
    yield from _block(f"**{MEAN}**", films, result["overall"]["arms"], result["comparison"])
    for finding, row in result["findings"].items():
        if all(arm["auc"] is None for arm in row["arms"].values()):
            continue
        trained = {name: _films_with(arm, finding) for name, arm in result["arms"].items()}
        yield from _block(f"{finding}, {row['with']} / {row['without']}", trained, row["arms"], row["comparison"])


def _block(title: str, trained: Mapping[str, str], arms: Json, comparison: Json) -> Iterator[tuple[str, ...]]:
    for name, films in trained.items():
        arm, more = arms.get(name, {"auc": None}), comparison.get(name, {"difference": None})
        yield (
            title if name == next(iter(trained)) else "",
            NAMES[name],
            films,
            number(arm["auc"]) + _limits(arm),
            number(arm.get("sd_of_seeds")),
            _ensemble(arm),
            number(more["difference"]) + _limits(more) if more["difference"] is not None else "",
            p_value(more["p_holm"]) if more.get("p_holm") is not None else "",
            more.get("shown", ""),
        )


def _films(arm: Json) -> str:
    return f"{arm['films']['real']} + {arm['films']['synthetic']}" if arm["films"] else "–"


def _films_with(arm: Json, finding: str) -> str:
    if not arm["films"]:
        return "–"
    return "{real_with} + {synthetic_with}".format_map(arm["findings"][finding])


def _ensemble(arm: Json) -> str:
    if arm["auc"] is None:
        return "–"
    return number(arm["ensemble"]["auc"]) + _limits(arm["ensemble"]["delong"] or {})


def _limits(of: Json) -> str:
    if of.get("low") is None:
        return ""
    return f" ({number(of['low'])} to {number(of['high'])})"
