"""Results as JSON files that any program reads: no NaN, no infinity."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


def write_json(path: Path, result: Any) -> None:
    """Write UTF-8 JSON, whole or not at all. Raises ValueError for a figure that is not finite."""
    text = json.dumps(result, indent=2, ensure_ascii=False, allow_nan=False)
    partial = path.with_name(path.name + ".partial")
    partial.write_text(text + "\n", encoding="utf-8")
    partial.replace(path)
