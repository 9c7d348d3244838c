"""The diversity review of one generator: what its plain draws show, and what an archive of steered films holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from evaluation.diversity.copies import Group, Nearest, common_n, copies_of_training, groups_of, variety
from evaluation.diversity.judged import Side
from evaluation.diversity.prevalence import NOTHING, Test, compared_with_source
from evaluation.diversity.shares import Share, share_of
from evaluation.diversity.together import Marked, carried_along, corrected, pairs
from evaluation.wording import number, percent

# Held-out films with a finding, and without it, below which nothing is said of how often the classifier is right.
FEWEST = 10
NO_HELD_OUT = "No held-out films were given, so how often the classifier is right is not known."

Json = dict[str, Any]


def prevalence(findings: Sequence[str], source: Side, plain: Side, held_out: Side | None) -> dict[str, Json]:
    """Finding by finding: the share of plain draws, corrected for the classifier's error, against the source's.

    `p_holm` is adjusted over the findings that have a `p`.
    """
    rows = [_of_finding(column, source, plain, held_out) for column in range(len(findings))]
    return dict(zip(findings, corrected(rows), strict=True))


def sentences(table: Mapping[str, Json]) -> dict[str, str]:
    """Each finding in one line, without a claim that a large p does not carry."""
    return {name: _sentence(row) for name, row in table.items()}


def together(findings: Sequence[str], source: Side, plain: Side, held_out: Side | None) -> list[Json]:
    """Pairs of findings, as `evaluation.diversity.together.pairs` has them."""
    return pairs(
        findings,
        Marked(source.labels, source.patients),
        Marked(held_out.shown.astype(float), held_out.patients) if held_out else None,
        Marked(plain.shown.astype(float)),
    )


class ArchiveReview:
    """One archive of steered films, finding by finding, beside the training films and fresh real ones."""

    def __init__(
        self, findings: Sequence[str], training: Side, archive: Side, held_out: Side | None, seed: int
    ) -> None:
        self._findings, self._training, self._archive, self._held_out = findings, training, archive, held_out
        self._seed = seed
        self.groups = groups_of(findings, training.labels, archive.targets, training.patients)
        self.n, self._left_out = common_n(self.groups, seed)

    def by_finding(self, space: str, k: int, near: Mapping[str, tuple[Nearest, Nearest]]) -> dict[str, Json]:
        """Every finding that the archive was asked for; `space` is that in which coverage and copies within are taken.

        `near` has for each space the nearest training film of every synthetic film, and of every fresh real film.
        """
        return {
            name: self._of_finding(column, name, space, k, near)
            for column, name in enumerate(self._findings)
            if len(self.groups[name].synthetic)
        }

    def carried_along(self) -> list[Json] | None:
        """See `evaluation.diversity.together.carried_along`; None without held-out films."""
        held_out = self._held_out
        if held_out is None:
            return None
        return carried_along(
            self._findings,
            Marked(self._archive.shown.astype(float)),
            self._archive.targets,
            Marked(held_out.shown.astype(float), held_out.patients),
            held_out.labels,
        )

    def _of_finding(
        self, column: int, name: str, space: str, k: int, near: Mapping[str, tuple[Nearest, Nearest]]
    ) -> Json:
        group = self.groups[name]
        fresh = self._held_out or self._training
        of_finding = np.flatnonzero(fresh.labels[:, column] == 1)
        return {
            "films": len(group.synthetic),
            "real_films": len(group.real),
            "shown": share_of(self._archive.shown[group.synthetic, column]).to_json(),
            "variety": self._variety(name, group, space, k),
            "copies_of_training": {
                where: self._named(copies_of_training(*nearest, group.synthetic, of_finding))
                for where, nearest in near.items()
            },
            "undefined": self._left_out.get(name),
        }

    def _variety(self, name: str, group: Group, space: str, k: int) -> Json | None:
        if self.n is None or name in self._left_out:
            return None
        rows = self._training.spaces[space], self._archive.spaces[space]
        return variety(*rows, group, self.n, k, self._seed)

    def _named(self, copies: Json) -> Json:
        ours, theirs = self._archive.films.names, self._training.films.names
        named = [
            pair | {"synthetic": ours[pair["synthetic"]], "real": theirs[pair["real"]]} for pair in copies["pairs"]
        ]
        return copies | {"pairs": named}


def _of_finding(column: int, source: Side, plain: Side, held_out: Side | None) -> Json:
    labels = source.labels[:, column]
    known = ~np.isnan(labels)
    of_source = _share(labels[known] == 1, source.patients, known)
    called = share_of(plain.shown[:, column])
    test = _test(column, held_out) if held_out else NO_HELD_OUT
    figures: Json = {
        "source": of_source.to_json() if of_source else None,
        "plain_called_positive": called.to_json(),
        "held_out_called_positive": (
            share_of(held_out.shown[:, column], held_out.patients).to_json() if held_out else None
        ),
        "sensitivity": None,
        "specificity": None,
        **NOTHING,
    }
    if of_source is None:
        return figures | {"undefined": "The labels of the source say nothing of this finding."}
    if isinstance(test, str):
        return figures | {"undefined": test}
    return figures | {
        "sensitivity": test.sensitivity.to_json(),
        "specificity": test.specificity.to_json(),
        **compared_with_source(called, test, of_source),
    }


def _test(column: int, held_out: Side) -> Test | str:
    """How often the classifier is right on held-out films; a sentence where there are too few to say."""
    labels, right = held_out.labels[:, column], held_out.shown[:, column]
    with_it, without = labels == 1, labels == 0
    if min(with_it.sum(), without.sum()) < FEWEST:
        return (
            f"{with_it.sum()} held-out films with the finding and {without.sum()} without it; {FEWEST} of each say "
            "how often the classifier is right."
        )
    return Test(
        share_of(right[with_it], _of(held_out.patients, with_it)),
        share_of(~right[without], _of(held_out.patients, without)),
    )


def _share(positive: np.ndarray, patients: Sequence[str] | None, rows: np.ndarray) -> Share | None:
    return share_of(positive, _of(patients, rows)) if len(positive) else None


def _of(patients: Sequence[str] | None, rows: np.ndarray) -> list[str] | None:
    return [patients[row] for row in np.flatnonzero(rows).tolist()] if patients else None


def _sentence(row: Json) -> str:
    called = f"the classifier calls {percent(row['plain_called_positive']['estimate'])} of plain draws positive"
    source = f"source {_with_limits(row['source'])}" if row["source"] else "source not known"
    if row["undefined"]:
        return f"{source}; {called}. {row['undefined']}"
    difference, clipped = row["difference"], ", clipped" if row["corrected"]["clipped"] else ""
    low, middle, high = (number(100 * difference[name], 1) for name in ("low", "estimate", "high"))
    verdict = "shown to differ" if row["differs"] else "not shown to differ"
    return (
        f"{source}; plain draws {_with_limits(row['corrected'])}{clipped}: {verdict}, "
        f"by {middle} points ({low} to {high})."
    )


def _with_limits(share: Json) -> str:
    return f"{percent(share['estimate'])} ({percent(share['low'])} to {percent(share['high'])})"
