"""The experiment: plain draws, one straight direction, and latents optimised with and without a defence.

Every method is asked for the same goals from latents that no other method was given better ones of. The accepting
classifier decides what is kept; the judge, which had no part in it, gives every rate at which films show a finding.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from evaluation.cardiothoracic import shows_cardiomegaly
from evaluation.readers.intervals import wilson
from evaluation.steering.goal import Goal
from evaluation.steering.panel import Panel, logits_of
from gan.direction import direction_of, edit
from gan.drawing import Drawer
from gan.latent import Steered, Steering, in_canonical_form, met, steer
from gan.pixels import Film

Progress = Callable[[int], None]
Json = dict[str, Any]

BLOCK = 8
"""Latents that are optimised together."""
MEASURED = "Cardiomegaly"
MOST_MEASURED = 1000
"""Plain draws whose cardiothoracic ratio is measured, at most: it takes longer than drawing them."""
METHODS = ("direction", "undefended", "defended")
PER_PLAIN_DRAW = 2
"""Forward equivalents: once through the generator, once through the accepting classifier."""


@dataclass(frozen=True)
class Films:
    """Drawn films in canonical form, as they would be kept, None where one has no such form; and what the accepting and
    the judging classifier say of them: calibrated logits (n, findings)."""

    kept: list[Film | None]
    accepting: Tensor
    judging: Tensor

    def chosen(self, rows: Tensor) -> Films:
        """The films of which `rows` (n,) is true."""
        return Films([self.kept[int(row)] for row in rows.nonzero()], self.accepting[rows], self.judging[rows])

    @staticmethod
    def joined(parts: Sequence[Films]) -> Films:
        return Films(
            [film for part in parts for film in part.kept],
            torch.cat([part.accepting for part in parts]),
            torch.cat([part.judging for part in parts]),
        )

    @property
    def whole(self) -> Tensor:
        return torch.tensor([film is not None for film in self.kept], dtype=torch.bool)


Keep = Callable[[Goal, str, Films, Films, Tensor], None]
"""Called with the films of a method before and after, and which of them were accepted."""


@dataclass(frozen=True)
class Study:
    """What is compared.

    `plain` films are drawn with the seeds from `seed` on; their first `fitted` also fit the directions. Every method
    then has `attempts` latents of the seeds after them. For phantoms the cardiothoracic ratio is measured as well.
    """

    drawer: Drawer
    panel: Panel
    steering: Steering
    plain: int = 4000
    fitted: int = 1000
    attempts: int = 64
    seed: int = 0
    is_phantom: bool = False

    def steps(self, goals: int) -> int:
        """How many films `progress` will hear of."""
        return self.plain + self.attempts * goals * len(METHODS)

    def figures(self, goals: Sequence[Goal], progress: Progress, keep: Keep) -> Json:
        """Figures of every goal by every method. `progress` is called with the films that are done."""
        draws, first = self._plain(progress)
        return {
            "plain": self.plain,
            "attempts": self.attempts,
            "fitted": self.fitted,
            "seed": self.seed,
            "steering": self.steering.to_json(),
            "findings": list(self.panel.findings),
            "goals": {str(goal): self._goal(goal, draws, first, progress, keep) for goal in goals},
        }

    def _plain(self, progress: Progress) -> tuple[Films, Tensor]:
        """Plain draws, and the steering classifiers' logits of the first `fitted` of them."""
        seeds = range(self.seed, self.seed + self.plain)
        parts, scores = [], []
        for start in range(0, len(seeds), BLOCK):
            some = seeds[start : start + BLOCK]
            films = self.drawer.draw(some)
            parts.append(self._seen(films))
            if start < self.fitted:
                scores.append(self.panel.steering_logits(films.clamp(-1, 1)))
            progress(len(some))
        return Films.joined(parts), torch.cat(scores)[: self.fitted]

    def _goal(self, goal: Goal, draws: Films, first: Tensor, progress: Progress, keep: Keep) -> Json:
        accepted = self._accepted(draws, goal)
        rate = accepted.float().mean().item()
        result: Json = {
            "plain": {
                **self._shares(goal, draws, accepted),
                "cost_per_accepted": PER_PLAIN_DRAW / rate if rate else None,
            }
        }
        latents = self.drawer.latents(range(self.seed, self.seed + self.fitted))
        direction = direction_of(latents, first, goal.wanted(self.panel.findings))
        seeds = range(self.seed + self.plain, self.seed + self.plain + self.attempts)
        before = self._seen(self.drawer.draw(seeds))
        for method in METHODS:
            done = []
            for start in range(0, len(seeds), BLOCK):
                some = seeds[start : start + BLOCK]
                done.append(self._attempt(goal, method, some, direction))
                progress(len(some))
            films = Films.joined([self._seen(steered.films) for steered in done])
            accepted = self._accepted(films, goal)
            result[method] = self._shares(goal, films, accepted) | self._effort(done, accepted)
            keep(goal, method, before, films, accepted)
        return result

    def _attempt(self, goal: Goal, method: str, seeds: range, direction: Tensor) -> Steered:
        judges, thresholds = self.panel.judges(), self.panel.thresholds()
        wanted, latents = goal.wanted(self.panel.findings), self.drawer.latents(seeds)
        if method == "direction":
            return edit(self.drawer.draw_latents, judges, wanted, thresholds, latents, direction, self.steering)
        settings = replace(self.steering, defence=method == "defended")
        random = torch.Generator().manual_seed(seeds.start)
        return steer(self.drawer.draw_latents, judges, wanted, thresholds, latents, settings, random)

    def _seen(self, films: Tensor) -> Films:
        """Drawn films as they would be kept, and what is said of them."""
        kept, values = in_canonical_form(films)
        findings = self.panel.findings
        return Films(
            kept, logits_of(self.panel.acceptor, values, findings), logits_of(self.panel.judge, values, findings)
        )

    def _accepted(self, films: Films, goal: Goal) -> Tensor:
        wanted = goal.wanted(self.panel.findings)
        return met(films.accepting, self.panel.thresholds_of(self.panel.acceptor), wanted) & films.whole

    def _judged(self, films: Films, goal: Goal) -> Tensor:
        return met(films.judging, self.panel.thresholds_of(self.panel.judge), goal.wanted(self.panel.findings))

    def _shares(self, goal: Goal, films: Films, accepted: Tensor) -> Json:
        """What is accepted, and what the judges say of all films and of those."""
        chosen = films.chosen(accepted)
        shares: Json = {
            "accepted": share_of(accepted),
            "judged": share_of(self._judged(films, goal)),
            "judged_of_accepted": share_of(self._judged(chosen, goal)),
        }
        if self.is_phantom and goal.present == (MEASURED,):
            shares["measured"] = measured(films.kept[:MOST_MEASURED])
            shares["measured_of_accepted"] = measured(chosen.kept[:MOST_MEASURED])
        return shares

    def _effort(self, done: Sequence[Steered], accepted: Tensor) -> Json:
        """What the attempts took; the accepting classifier looks once at each of them."""
        cost = sum(steered.forward_equivalents for steered in done) + len(accepted)
        return {
            "reached": share_of(torch.cat([steered.reached for steered in done])),
            "steps": torch.cat([steered.steps for steered in done]).float().mean().item(),
            "distance": torch.cat([steered.distance for steered in done]).mean().item(),
            "cost_per_attempt": cost / len(accepted),
            "cost_per_accepted": cost / int(accepted.sum()) if accepted.any() else None,
        }


def measured(films: Sequence[Film | None]) -> Json | None:
    """How many hearts are wide by the measured ratio; films in which it cannot be measured are counted apart."""
    verdicts = [shows_cardiomegaly(film) for film in films if film is not None]
    clear = [verdict for verdict in verdicts if verdict is not None]
    share = share_of(torch.tensor(clear, dtype=torch.bool))
    return share and {**share, "not_measurable": len(verdicts) - len(clear)}


def share_of(yes: Tensor) -> Json | None:
    """How many of them are true, with Wilson's interval; None of none."""
    if not len(yes):
        return None
    share = wilson(int(yes.sum()), len(yes))
    return {"of": len(yes), "yes": int(yes.sum()), "share": share.estimate, "low": share.low, "high": share.high}
