"""The folder of this user for what can be had again."""

from __future__ import annotations

import os
from pathlib import Path


def user_cache() -> Path:
    """`readerstudy` below XDG_CACHE_HOME, or below ~/.cache where that is not set. It may not be there yet."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "readerstudy"
