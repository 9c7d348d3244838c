"""What is known of a film beside its pixels, so that a generator can say which patients it has seen."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass


@dataclass(frozen=True)
class FilmProvenance:
    """One film: the hash of its canonical pixels and, where known, its patient or the seed of its phantom."""

    film_hash: str
    patient_hash: str | None = None
    phantom_seed: int | None = None


def patient_hash(key: bytes, origin: str, patient_id: str) -> str:
    """HMAC-SHA256 of a patient's id within one origin; "13" and "00000013" are the same patient."""
    normalised = patient_id.strip().lstrip("0") or "0"
    return hmac.new(key, f"{origin}:{normalised}".encode(), hashlib.sha256).hexdigest()


def key_fingerprint(key: bytes) -> str:
    """Names a key without giving it away: patient hashes can be compared only under one fingerprint."""
    return hmac.new(key, b"fingerprint", hashlib.sha256).hexdigest()[:16]
