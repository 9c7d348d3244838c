"""Seeds of their own for everything random in a training."""

from __future__ import annotations

import hashlib

import torch


def seed_for(seed: int, purpose: str) -> int:
    """A seed of its own for every purpose, without overlaps between neighbouring seeds."""
    return int.from_bytes(hashlib.sha256(f"{seed} {purpose}".encode()).digest()[:8], "little") >> 1


def random_for(seed: int, purpose: str) -> torch.Generator:
    """Random numbers of their own for every purpose, on the processor, so that they are the same on every device."""
    return torch.Generator().manual_seed(seed_for(seed, purpose))
