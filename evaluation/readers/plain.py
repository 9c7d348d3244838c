"""Figures as plain values ready for JSON, which knows no infinity and no NaN."""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import Any

from evaluation.readers.intervals import clopper_pearson, wilson
from evaluation.readers.mrmc import Limits

Json = dict[str, Any]


def proportion(successes: int, trials: int) -> Json:
    """A share with its exact 95 % limits (`low`, `high`), those by Wilson, and the counts. Needs at least one trial."""
    score = wilson(successes, trials)
    return asdict(clopper_pearson(successes, trials)) | {
        "count": successes,
        "of": trials,
        "wilson": {"low": score.low, "high": score.high},
    }


def limits(of: Limits | None) -> Json | None:
    """Limits as plain values."""
    return None if of is None else asdict(of) | {"df": finite(of.df)}


def finite(df: float) -> float | None:
    """Degrees of freedom; None where they are infinite."""
    return None if math.isinf(df) else df
