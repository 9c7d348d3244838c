"""One row of the long table: what one reader said of one case at one time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Truth = Literal["real", "synthetic"]
Role = Literal["real", "generator", "control-degraded", "control-real"]
Kind = Literal["main", "repeat", "practice"]

COLUMNS = (
    "reader",
    "case",
    "truth",
    "rating",
    "arm",
    "role",
    "sitting",
    "kind",
    "position",
    "seconds",
    "finding",
)
"""The columns of the long table, in the order in which it is written."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What one reader said of one case; `rating` rises towards synthetic.

    `seconds` run from the drawn film to the answer. `finding` joins several labels with |. `extra` carries the
    columns that this package does not know.
    """

    reader: str
    case: str
    truth: Truth
    rating: float
    arm: str = ""
    role: Role = "real"
    sitting: str = "1"
    kind: Kind = "main"
    position: int | None = None
    seconds: float | None = None
    finding: str = ""
    extra: Mapping[str, str] = field(default_factory=dict)
