"""The words in which a result may be given. A large p is never read as sameness."""

from __future__ import annotations

from collections.abc import Sequence

from evaluation.readers.equivalence import Equivalence

NO_CONTROL = "there was no degraded control"
CONTROL_NOT_DETECTED = "readers were not shown to detect the degraded control"
BLINDING_NOT_CHECKED = "the blinding was not checked"
BLINDING_OPEN = "the check of the blinding had too few films to exclude that something tells truth"
BLINDING_FAILED = "the check of the blinding found what tells real films from synthetic ones"
MARGIN_NOT_FIXED = "the margin was not fixed beforehand"


def number(value: float | None, digits: int = 3) -> str:
    """A figure as it is printed, with a true minus sign but none before a zero; a dash where it is not defined."""
    return "–" if value is None else f"{value:z.{digits}f}".replace("-", "−")


def percent(value: float | None) -> str:
    """A share of 0 … 1 in per cent with one decimal; a dash where it is not defined."""
    return "–" if value is None else f"{number(100 * value, 1)} %"


def p_value(p: float | None) -> str:
    """A p value, never printed as 0."""
    if p is None:
        return "–"
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def verdict(equivalence: Equivalence, p_of_difference: float, unmet: Sequence[str]) -> str:
    """One sentence on a figure whose centre is guessing.

    `unmet` names what a claim of equivalence lacks, from the constants of this module; `p_of_difference` is the
    two-sided p against the centre.
    """
    differs = p_of_difference < equivalence.alpha
    margin = f"± {equivalence.margin:g}"
    if equivalence.equivalent and not unmet:
        shown = f"Equivalent to guessing within {margin}, for these readers, films and displays"
        return f"{shown}, though a difference smaller than that is shown." if differs else f"{shown}."
    if equivalence.equivalent:
        return (
            f"Within the margin of {margin}, but the study did not show that it could have detected a difference: "
            f"{'; '.join(unmet)}."
        )
    if differs:
        return "Shown to differ from guessing."
    return f"Not shown to differ from guessing, and not shown to lie within {margin} of it either."
