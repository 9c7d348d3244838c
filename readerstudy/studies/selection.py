"""Which films a study shows: drawn at random, one film per patient over the whole study, never picked by hand."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from random import Random

Profile = tuple[str, ...]
"""All findings of one film, sorted; empty where they are not known."""


class TooFewFilms(Exception):
    """Fewer films could be drawn than were asked for; `available` says how many."""

    def __init__(self, available: int) -> None:
        super().__init__(available)
        self.available = available


@dataclass(frozen=True)
class Candidate:
    """A film that an arm may draw, and all that makes it the same patient as another."""

    radiograph: int
    film_hash: str
    patient: str = ""
    phantom_seed: int | None = None
    profile: Profile = ()

    @property
    def identities(self) -> set[str]:
        """What no two films of a study share: pixels, patient, phantom."""
        identities = {f"film:{self.film_hash}"}
        if self.patient:
            identities.add(f"patient:{self.patient}")
        if self.phantom_seed is not None:
            identities.add(f"phantom:{self.phantom_seed}")
        return identities


class Draw:
    """Draws films for one arm after another, and remembers who has been drawn."""

    def __init__(self) -> None:
        self._taken: set[str] = set()

    def plainly(self, candidates: Iterable[Candidate], count: int, random: Random) -> list[Candidate]:
        """Draw `count` patients, each with the same chance, and of each patient one film at random."""
        one_per_patient = self._free(_shuffled(candidates, random))
        if len(one_per_patient) < count:
            raise TooFewFilms(len(one_per_patient))
        return self._take(random.sample(one_per_patient, count))

    def to_mix(
        self, candidates: Iterable[Candidate], count: int, mix: Mapping[Profile, float], random: Random
    ) -> list[Candidate]:
        """Draw `count` films of different patients, their profiles in the shares of `mix` as far as the films allow.

        Each profile gets a whole number of films by largest remainders. What a profile lacks goes to the profiles that
        still have films, in proportion to their shares, and at the last to any film with known findings.
        """
        pool = [candidate for candidate in _shuffled(candidates, random) if candidate.profile]
        drawn: list[Candidate] = []
        shares = dict(mix)
        while shares and len(drawn) < count:
            quotas = largest_remainders(shares, count - len(drawn))
            # The scarcest profile first: a patient with films of two profiles should serve where fewer can.
            supply = Counter(candidate.profile for candidate in pool)
            for profile in sorted(quotas, key=lambda profile: (supply[profile] / (quotas[profile] or 1), profile)):
                got = self._take(self._free(c for c in pool if c.profile == profile)[: quotas[profile]])
                drawn += got
                if len(got) < quotas[profile] or not supply[profile]:
                    del shares[profile]
        rest = self._free(pool)
        if len(drawn) + len(rest) < count:
            raise TooFewFilms(len(drawn) + len(rest))
        return drawn + self._take(rest[: count - len(drawn)])

    def to_fit(
        self, candidates: Iterable[Candidate], count: int, wanted: Mapping[Profile, int], random: Random
    ) -> list[Candidate]:
        """Draw `count` films of different patients: of each profile `wanted` ones as far as the films allow, else any.

        Raises TooFewFilms.
        """
        pool = _shuffled(candidates, random)
        supply = Counter(candidate.profile for candidate in pool)
        drawn: list[Candidate] = []
        # The scarcest profile first: a patient with films of two profiles should serve where fewer can.
        for profile in sorted(wanted, key=lambda profile: (supply[profile] / wanted[profile], profile)):
            of_profile = self._free(candidate for candidate in pool if candidate.profile == profile)
            drawn += self._take(random.sample(of_profile, min(wanted[profile], len(of_profile))))
        rest = self._free(pool)
        if len(drawn) + len(rest) < count:
            raise TooFewFilms(len(drawn) + len(rest))
        return drawn + self._take(random.sample(rest, count - len(drawn)))

    def _free(self, candidates: Iterable[Candidate]) -> list[Candidate]:
        """Of films in order, those whose patient neither was drawn nor comes earlier."""
        seen = set(self._taken)
        free = []
        for candidate in candidates:
            if seen.isdisjoint(candidate.identities):
                seen |= candidate.identities
                free.append(candidate)
        return free

    def _take(self, candidates: list[Candidate]) -> list[Candidate]:
        for candidate in candidates:
            self._taken |= candidate.identities
        return candidates


def largest_remainders(shares: Mapping[Profile, float], count: int) -> dict[Profile, int]:
    """Split `count` into whole numbers in proportion to `shares` (Hamilton's method); equal remainders go by name."""
    total = sum(shares.values())
    exact = {name: count * share / total for name, share in shares.items()}
    quotas = {name: int(value) for name, value in exact.items()}
    by_remainder = sorted(exact, key=lambda name: (quotas[name] - exact[name], name))
    for name in by_remainder[: count - sum(quotas.values())]:
        quotas[name] += 1
    return quotas


def profile_shares(profiles: Iterable[Profile]) -> dict[Profile, float]:
    """The share of each profile among the films whose findings are known."""
    counts = Counter(profile for profile in profiles if profile)
    total = sum(counts.values())
    return {profile: number / total for profile, number in counts.items()}


def finding_shares(profiles: Sequence[Profile]) -> dict[str, float]:
    """The share of films with each finding, among those whose findings are known. Shares can add up to more than 1."""
    known = [profile for profile in profiles if profile]
    counts = Counter(finding for profile in known for finding in profile)
    return {finding: number / len(known) for finding, number in sorted(counts.items())}


def _shuffled(candidates: Iterable[Candidate], random: Random) -> list[Candidate]:
    """In random order. They are sorted first, by what does not depend on the database: a seed draws the same films."""
    in_order = sorted(candidates, key=lambda candidate: candidate.film_hash)
    random.shuffle(in_order)
    return in_order
