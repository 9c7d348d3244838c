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
from evaluation.steering.panel import Panel
from gan.direction import direction_of, edit
from gan.drawing import Drawer
from gan.latent import Steered, Steering, in_canonical_form, mean_logits, steer
from gan.pixels import Film

Progress = Callable[[int], None]
Json = dict[str, Any]

BLOCK = 8
"""Latents that are optimised together."""
MEASURED = "Cardiomegaly"
METHODS = ("direction", "undefended", "defended")
PER_PLAIN_DRAW = 2
"""Forward equivalents: once through the generator, once through the accepting classifier."""


@dataclass(frozen=True)
class Films:
    """Drawn films in canonical form, as they would be kept, and as tensors; None where one has no such form."""

    kept: list[Film | None]
    values: Tensor

    def chosen(self, rows: Tensor) -> Films:
        return Films([self.kept[int(row)] for row in rows.nonzero()], self.values[rows])

    @staticmethod
    def joined(parts: Sequence[Films]) -> Films:
        return Films([film for part in parts for film in part.kept], torch.cat([part.values for part in parts]))

    @property
    def whole(self) -> Tensor:
        return torch.tensor([film is not None for film in self.kept], dtype=torch.bool)


def study(
    drawer: Drawer,
    panel: Panel,
    goals: Sequence[Goal],
    *,
    plain: int,
    attempts: int,
    steering: Steering,
    seed: int,
    fitted: int,
    is_phantom: bool,
    progress: Progress | None = None,
    keep: Callable[[Goal, str, Films, Films, Tensor], None] | None = None,
) -> Json:
    """Figures of every goal by every method.

    `plain` films are drawn with the seeds from `seed` on; their first `fitted` also fit the directions. Every method
    then has `attempts` latents of the seeds after them. For phantoms the cardiothoracic ratio is measured as well.
    `progress` is called with the films that are done; `keep` with the films of every method before and after, and which
    of them were accepted.
    """
    advance = progress or (lambda _films: None)
    draws, scores = _plain(drawer, panel, range(seed, seed + plain), fitted, advance)
    first = drawer.latents(range(seed, seed + fitted))
    seeds = range(seed + plain, seed + plain + attempts)
    return {
        "plain": plain,
        "attempts": attempts,
        "fitted": fitted,
        "seed": seed,
        "steering": steering.to_json(),
        "findings": list(panel.findings),
        "goals": {
            str(goal): _goal(
                drawer,
                panel,
                goal,
                draws,
                (first, scores),
                seeds,
                steering,
                is_phantom=is_phantom,
                advance=advance,
                keep=keep,
            )
            for goal in goals
        },
    }


def steps_of(plain: int, attempts: int, goals: int) -> int:
    """How many films `progress` will hear of."""
    return plain + attempts * goals * len(METHODS)


def _plain(drawer: Drawer, panel: Panel, seeds: range, fitted: int, advance: Progress) -> tuple[Films, Tensor]:
    """Plain draws, and the steering classifiers' logits of the first `fitted` of them."""
    parts, scores = [], []
    for start in range(0, len(seeds), BLOCK):
        some = seeds[start : start + BLOCK]
        films = drawer.draw(some)
        parts.append(_kept(films))
        if start < fitted:
            with torch.inference_mode():
                scores.append(mean_logits(panel.judges(), films.clamp(-1, 1)))
        advance(len(some))
    return Films.joined(parts), torch.cat(scores)[:fitted]


def _goal(
    drawer: Drawer,
    panel: Panel,
    goal: Goal,
    draws: Films,
    fit: tuple[Tensor, Tensor],
    seeds: range,
    steering: Steering,
    *,
    is_phantom: bool,
    advance: Progress,
    keep: Callable[[Goal, str, Films, Films, Tensor], None] | None,
) -> Json:
    wanted = goal.wanted(panel.findings)
    direction = direction_of(*fit, wanted)
    accepted = panel.accepted(draws.values, goal) & draws.whole
    rate = accepted.float().mean().item()
    result: Json = {
        "plain": {
            **_shares(panel, goal, draws, accepted, is_phantom=is_phantom),
            "cost_per_accepted": PER_PLAIN_DRAW / rate if rate else None,
        }
    }

    def attempt(method: str, latents: Tensor, number: int) -> Steered:
        judges, thresholds = panel.judges(), panel.thresholds()
        if method == "direction":
            return edit(drawer.draw_latents, judges, wanted, thresholds, latents, direction, steering)
        settings = replace(steering, defence=method == "defended")
        random = torch.Generator().manual_seed(seeds.start + number)
        return steer(drawer.draw_latents, judges, wanted, thresholds, latents, settings, random)

    for method in METHODS:
        done = []
        for start in range(0, len(seeds), BLOCK):
            some = seeds[start : start + BLOCK]
            done.append(attempt(method, drawer.latents(some), start))
            advance(len(some))
        films = Films.joined([_kept(steered.films) for steered in done])
        accepted = panel.accepted(films.values, goal) & films.whole
        cost = sum(steered.forward_equivalents for steered in done) + len(seeds)
        reached = torch.cat([steered.reached for steered in done])
        result[method] = {
            **_shares(panel, goal, films, accepted, is_phantom=is_phantom),
            "reached": _share(reached),
            "steps": torch.cat([steered.steps for steered in done]).float().mean().item(),
            "distance": torch.cat([steered.distance for steered in done]).mean().item(),
            "cost_per_attempt": cost / len(seeds),
            "cost_per_accepted": cost / int(accepted.sum()) if accepted.any() else None,
        }
        if keep:
            keep(goal, method, _kept(drawer.draw(seeds)), films, accepted)
    return result


def _kept(films: Tensor) -> Films:
    return Films(*in_canonical_form(films))


def _shares(panel: Panel, goal: Goal, films: Films, accepted: Tensor, *, is_phantom: bool) -> Json:
    """What is accepted, and what the judges say of all films and of those."""
    chosen = films.chosen(accepted)
    judged, judged_of_accepted = panel.judged(films.values, goal), panel.judged(chosen.values, goal)
    shares: Json = {
        "accepted": _share(accepted),
        "judged": _share(judged),
        "judged_of_accepted": _share(judged_of_accepted),
    }
    if is_phantom and goal.present == (MEASURED,):
        shares["measured"] = _measured(films)
        shares["measured_of_accepted"] = _measured(chosen)
    return shares


def _measured(films: Films) -> Json | None:
    """How many hearts are wide by the measured ratio; films in which it cannot be measured are counted apart."""
    verdicts = [shows_cardiomegaly(film) for film in films.kept if film is not None]
    clear = [verdict for verdict in verdicts if verdict is not None]
    share = _share(torch.tensor(clear, dtype=torch.bool))
    return share and {**share, "not_measurable": len(verdicts) - len(clear)}


def _share(yes: Tensor) -> Json | None:
    if not len(yes):
        return None
    share = wilson(int(yes.sum()), len(yes))
    return {"of": len(yes), "yes": int(yes.sum()), "share": share.estimate, "low": share.low, "high": share.high}
