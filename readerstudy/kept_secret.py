"""Secrets that a machine makes for itself: in development, and in the demo."""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from pathlib import Path


def kept_secret(path: Path, random_bytes: int = 40) -> str:
    """A random word of so many bytes, in letters, that is made once and kept in a file that only its owner reads.

    Of processes that make it at the same time one wins, and all read its word.
    """
    if not path.exists():
        partial = path.with_name(f".{path.name}.{os.getpid()}")
        partial.touch(mode=0o600)
        partial.write_text(secrets.token_urlsafe(random_bytes))
        with suppress(FileExistsError):
            path.hardlink_to(partial)
        partial.unlink()
    return path.read_text()
