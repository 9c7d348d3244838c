"""What synthetic films are worth to a classifier: four arms of training films, one network, one budget, same seeds."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from math import ceil
from pathlib import Path
from typing import Any

import numpy as np

from evaluation.classifiers.films import LabelledFilms, phantom_name
from evaluation.classifiers.held_out import scores as scores_of
from evaluation.classifiers.network import Classifier, load_classifier
from evaluation.classifiers.training import ClassifierConfig, learnable, train
from evaluation.classifiers.usefulness_areas import Areas, areas_by_finding, difference_of, figures_of, undefined_in
from evaluation.readers.one_reader import holm
from evaluation.readers.ratings import Floats
from gan.hardware import PROCESSOR, Hardware
from gan.seeds import seed_for
from gan.whole_file import whole_file

ARMS = REAL, SYNTHETIC, BOTH, FILLED = "real", "synthetic", "both", "filled"
ALPHA = 0.05
HIGHER, LOWER, OPEN = "higher than real alone", "lower than real alone", "not shown to differ from real alone"

Json = dict[str, Any]
Progress = Callable[[str, int], None]
"""Called with a training and the films that it has shown so far."""


@dataclass(frozen=True)
class Arm:
    """The films that one arm trains on, real ones first; without films where there is a `reason`."""

    films: LabelledFilms | None
    real: int
    reason: str | None = None


@dataclass(frozen=True)
class Filling:
    """One rare finding: real films with it, synthetic ones added, and how many of both were wanted."""

    real: int
    added: int
    wanted: int


def arms_of(
    real: LabelledFilms, synthetic: LabelledFilms, fill_to: float, seed: int = 0
) -> tuple[dict[str, Arm], dict[str, Filling]]:
    """The four arms by name, and what each rare finding was filled up by."""
    rows, filled = filled_up(real, synthetic, fill_to, seed)
    pool = LabelledFilms.joined([real, synthetic])
    ours, theirs = np.split(np.arange(len(pool)), [len(real)])
    arms = {
        REAL: _arm(pool.chosen(ours), len(real)),
        SYNTHETIC: _arm(pool.chosen(theirs), 0),
        BOTH: _arm(pool, len(real)),
        FILLED: _arm(pool.chosen([*ours, *theirs[rows]]), len(real)),
    }
    if not rows:
        nothing = "no synthetic film shows a rare finding" if filled else "no finding is rarer than that"
        arms[FILLED] = Arm(None, len(real), f"nothing to fill up: {nothing}")
    return arms, filled


def _arm(films: LabelledFilms, real: int) -> Arm:
    try:
        learnable(films)
    except ValueError as reason:
        return Arm(None, real, str(reason))
    return Arm(films, real)


def filled_up(
    real: LabelledFilms, synthetic: LabelledFilms, fill_to: float, seed: int = 0
) -> tuple[list[int], dict[str, Filling]]:
    """Rows of synthetic films that fill up findings with fewer real films than `fill_to`, and the counts by finding.

    Below 1 `fill_to` is a share of the real films of which the finding is known, else a number of films. The rarest
    finding comes first, its films in an order drawn by `seed`, and a film that shows several findings counts for each.
    A finding that no film shows, real or synthetic, is not counted. Raises ValueError where `fill_to` is not above 0,
    or from 1 on no whole number.
    """
    if fill_to <= 0 or (fill_to >= 1 and fill_to != int(fill_to)):
        raise ValueError(f"Findings are filled up to a share between 0 and 1 or to a whole number, not to {fill_to}.")
    known, shown = (~np.isnan(real.labels)).sum(0), (real.labels == 1).sum(0)
    wanted = [ceil(fill_to * count) if fill_to < 1 else int(fill_to) for count in known]
    order = np.random.default_rng(seed_for(seed, "filling up")).permutation(len(synthetic))
    rows: list[int] = []
    for column in np.argsort(shown, kind="stable"):
        has = synthetic.labels[:, column] == 1
        missing = wanted[column] - shown[column] - int(has[rows].sum())
        rows += [int(row) for row in order if has[row] and row not in rows][: max(0, missing)]
    added = (synthetic.labels[rows] == 1).sum(0)
    filled = {
        finding: Filling(int(shown[column]), int(added[column]), wanted[column])
        for column, finding in enumerate(real.findings)
        if shown[column] < wanted[column] and shown[column] + added[column]
    }
    return sorted(rows), filled


@dataclass(frozen=True)
class Trainings:
    """How the networks are trained, and the folder that keeps them, so that an interrupted study goes on."""

    config: ClassifierConfig
    seeds: int
    work: Path
    hardware: Hardware = PROCESSOR
    progress: Progress | None = None
    should_stop: Callable[[], bool] = lambda: False

    def scores(self, name: str, films: LabelledFilms, calibration: LabelledFilms, held_out: LabelledFilms) -> Floats:
        """Logits of shape (seeds, held-out films, findings) by networks of every seed; NaN for what they did not learn.

        Networks and logits are kept under a name that follows from configuration, films and labels, so what is found
        there is what would be made again.
        """
        return np.stack([self._of_seed(name, seed, films, calibration, held_out) for seed in range(self.seeds)])

    def _of_seed(
        self, name: str, seed: int, films: LabelledFilms, calibration: LabelledFilms, held_out: LabelledFilms
    ) -> Floats:
        config = replace(self.config, seed=seed)
        weights = self.work / f"{name}-{seed}-{_digest(config, films, calibration)}.safetensors"
        kept = weights.with_name(f"{weights.stem}-{_digest(config, held_out)}.npy")
        if not kept.exists():
            classifier = self._classifier(f"{name}, seed {seed}", weights, config, films, calibration)
            self.work.mkdir(parents=True, exist_ok=True)
            with whole_file(kept) as file:
                np.save(file, _columns(scores_of(classifier, held_out), classifier, held_out.findings))
        if self.progress:
            self.progress(f"{name}, seed {seed}", config.images)
        found: Floats = np.load(kept)
        return found

    def _classifier(
        self, name: str, path: Path, config: ClassifierConfig, films: LabelledFilms, calibration: LabelledFilms
    ) -> Classifier:
        if path.exists():
            return load_classifier(path, self.hardware.device)

        def show(images: int, loss: float) -> None:
            if self.progress:
                self.progress(name, images)

        return train(
            config,
            films,
            calibration,
            path,
            resume=True,
            hardware=self.hardware,
            progress=show,
            should_stop=self.should_stop,
        )


def _digest(config: ClassifierConfig, *parts: LabelledFilms) -> str:
    """Names a configuration and films in their order with their labels."""
    digest = hashlib.sha256(json.dumps(config.to_json()).encode())
    for films in parts:
        digest.update(json.dumps([films.hashes, films.patients, films.findings]).encode())
        digest.update(films.labels.astype("<f4").tobytes())
    return digest.hexdigest()[:12]


def _columns(logits: Floats, classifier: Classifier, findings: Sequence[str]) -> Floats:
    """The logits of some findings, NaN for what the classifier does not know."""
    columns = np.full((len(logits), len(findings)), np.nan)
    for column, finding in enumerate(findings):
        if finding in classifier.findings:
            columns[:, column] = logits[:, classifier.column(finding)]
    return columns


def usefulness(
    real: LabelledFilms,
    calibration: LabelledFilms,
    synthetic: LabelledFilms,
    held_out: LabelledFilms,
    trainings: Trainings,
    *,
    fill_to: float,
    draws: int,
    seed: int = 0,
) -> Json:
    """Train all arms, measure them on the held-out films, and compare each with the real films alone.

    All have the same columns of findings, and `real` no patient of `calibration` or `held_out`. Raises ValueError where
    the real films alone teach nothing; TrainingStopped where a training was asked to stop.
    """
    arms, filled = arms_of(real, synthetic, fill_to, seed)
    if arms[REAL].films is None:
        raise ValueError(f"The real films cannot be trained on: {arms[REAL].reason}")
    areas = {
        name: areas_by_finding(
            trainings.scores(name, arm.films, calibration, held_out), held_out, draws=draws, seed=seed
        )
        for name, arm in arms.items()
        if arm.films is not None
    }
    findings = {finding: _of_finding(finding, arms, areas, held_out, seed) for finding in held_out.findings}
    overall, comparison = _overall(areas, findings, seed)
    _adjust([entry for row in findings.values() for entry in row["comparison"].values()])
    _adjust(list(comparison.values()))
    return {
        "arms": {name: _about(arm, trainings.config) for name, arm in arms.items()},
        "filled": {"to": fill_to, "findings": {finding: asdict(one) for finding, one in filled.items()}},
        "overall": overall,
        "comparison": comparison,
        "findings": findings,
    }


def _of_finding(
    finding: str, arms: Mapping[str, Arm], areas: Mapping[str, Mapping[str, Areas]], held_out: LabelledFilms, seed: int
) -> Json:
    labels = held_out.labels[:, held_out.findings.index(finding)]
    of_arms: Json = {}
    comparison: Json = {}
    for name, arm in arms.items():
        if finding in areas.get(name, {}):
            of_arms[name] = figures_of(areas[name][finding], seed=seed)
        else:
            reason = undefined_in(held_out).get(finding) or arm.reason or "its training films do not show it both ways"
            of_arms[name] = {"auc": None, "reason": reason}
        if name == REAL:
            continue
        if of_arms[name]["auc"] is None or of_arms[REAL]["auc"] is None:
            without = name if of_arms[name]["auc"] is None else REAL
            comparison[name] = {"difference": None, "p": None, "reason": f"no AUC in the arm “{without}”"}
        else:
            comparison[name] = difference_of(areas[name][finding], areas[REAL][finding], seed=seed)
    return {
        "with": int((labels == 1).sum()),
        "without": int((labels == 0).sum()),
        "arms": of_arms,
        "comparison": comparison,
    }


def _overall(
    areas: Mapping[str, Mapping[str, Areas]], findings: Mapping[str, Json], seed: int
) -> tuple[Json, dict[str, Json]]:
    """The mean over the findings that every trained arm has an AUC of, and its differences, which are primary."""
    common = [finding for finding in findings if all(finding in of_arm for of_arm in areas.values())]
    left_out = {
        finding: next(arm["reason"] for arm in row["arms"].values() if arm["auc"] is None and arm["reason"])
        for finding, row in findings.items()
        if finding not in common
    }
    if not common:
        return {"findings": [], "left_out": left_out, "arms": {}}, {}
    means = {name: Areas.mean([of_arm[finding] for finding in common]) for name, of_arm in areas.items()}
    of_arms = {name: figures_of(mean, seed=seed) for name, mean in means.items()}
    comparison = {name: difference_of(mean, means[REAL], seed=seed) for name, mean in means.items() if name != REAL}
    return {"findings": common, "left_out": left_out, "arms": of_arms}, comparison


def _adjust(entries: Sequence[Json]) -> None:
    """Add to a family of comparisons p values adjusted by Holm, and what each may be said to show."""
    tested = [entry for entry in entries if entry["p"] is not None]
    for entry, p in zip(tested, holm([entry["p"] for entry in tested]), strict=True):
        entry["p_holm"] = p
        entry["shown"] = OPEN if p >= ALPHA else HIGHER if entry["difference"] > 0 else LOWER


def _about(arm: Arm, config: ClassifierConfig) -> Json:
    """The films of an arm, how often each is shown, and how many show each finding, real and synthetic."""
    if arm.films is None:
        return {"films": None, "reason": arm.reason}
    labels = arm.films.labels
    counts = {
        finding: {
            f"{origin}_{word}": int((part == label).sum())
            for origin, part in (("real", column[: arm.real]), ("synthetic", column[arm.real :]))
            for word, label in (("with", 1), ("without", 0))
        }
        for finding, column in zip(arm.films.findings, labels.T, strict=True)
    }
    shown = config.steps * config.batch
    return {
        "films": {"real": arm.real, "synthetic": len(labels) - arm.real},
        "times_shown": shown / len(labels),
        "findings": counts,
        "reason": None,
    }


def learned_from(weights: Path) -> tuple[frozenset[str], frozenset[str]]:
    """The hashes of the films and the names of the patients that a generator or classifier was trained on.

    By the JSON beside its weights. Patients of a generator are known only where they are phantoms, as others' names are
    hashed under a key. Raises ValueError where the file says no such thing.
    """
    path = weights.with_suffix(".json")
    try:
        said = json.loads(path.read_text(encoding="utf-8"))
        films = [film if isinstance(film, dict) else {"film_hash": film} for film in said["films"]]
        hashes = frozenset(film["film_hash"] for film in films)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{path} does not say which films a network was trained on ({error}).") from error
    seeds = (film.get("phantom_seed") for film in films)
    phantoms = {phantom_name(seed) for seed in seeds if seed is not None}
    return hashes, frozenset({*phantoms, *said.get("patients", [])})
