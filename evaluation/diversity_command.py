"""`python -m evaluation diversity`: do plain draws and archives of steered films show what the source shows?"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tqdm import tqdm

from evaluation.classifiers.network import Classifier, load_classifier
from evaluation.diversity.copies import Nearest, nearest_training
from evaluation.diversity.judged import Judgements, Side, require_unseen, side_of
from evaluation.diversity.prevalence import ASSUMPTION
from evaluation.diversity.review import ArchiveReview, prevalence, sentences, together
from evaluation.diversity.sheets import write_sheets
from evaluation.diversity_figure import draw_diversity
from evaluation.images.distances import DEFAULT_K
from evaluation.images.extractors import Extractor, describe, extractor_of
from evaluation.images.extractors.plain import Pixels
from evaluation.images.similarity import similarity
from evaluation.images_command import AsTheyAreRead, add_extractor, cache_of, measured_folder
from gan.parallel import Ranks

FEATURES, PIXELS = "features", "pixels"
NO_PART = (
    "The classifier must have had no part in steering or accepting the films of an archive, or its word on them is "
    "no evidence."
)

Near = dict[str, tuple[Nearest, Nearest]]


def add_diversity(commands: Any) -> None:
    """Add the subcommand to the subparsers of `python -m evaluation`."""
    command = commands.add_parser(
        "diversity", help="findings among plain draws, and the variety of archives of steered films"
    )
    command.add_argument(
        "--real",
        type=Path,
        required=True,
        help="folder of the generator's training films, with labels.csv",
    )
    command.add_argument("--plain", type=Path, required=True, help="folder of films drawn without any steering")
    command.add_argument(
        "--archive",
        dest="archives",
        type=Path,
        action="append",
        default=[],
        help="folder of steered films: an archive as it is exported, or with labels.csv; may be given again",
    )
    command.add_argument("--classifier", type=Path, required=True, help=".safetensors with its .json beside it")
    command.add_argument(
        "--held-out",
        type=Path,
        help="folder of real films of patients whom neither generator nor classifier has seen, with labels.csv",
    )
    command.add_argument("--json", type=Path, required=True, help="where the figures go")
    command.add_argument("--figure", type=Path, help="SVG or PNG of the figures by finding")
    command.add_argument("--sheets", type=Path, help="folder for a sheet of nearest films of every finding")
    command.add_argument("--k", type=int, default=DEFAULT_K, help="neighbours of coverage and recall")
    command.add_argument("--seed", type=int, default=0)
    add_extractor(command)
    command.set_defaults(run=diversity_of_folders)


def diversity_of_folders(options: argparse.Namespace) -> dict[str, Any]:
    """All figures of the review, as the subcommand writes them."""
    classifier = load_classifier(options.classifier)
    if len({folder.name for folder in options.archives}) < len(options.archives):
        raise ValueError("Two archives have folders of one name, by which their figures are told apart; rename one.")
    extractor = extractor_of(options.extractor)
    with cache_of(options, Ranks()) as cache:
        source, plain, held_out, *archives = (
            _measured(extractor, classifier, folder, cache, options.classifier) if folder else None
            for folder in (options.real, options.plain, options.held_out, *options.archives)
        )
        assert source is not None
        assert plain is not None
        if held_out:
            about = classifier.about
            require_unseen(held_out, about.films, about.patients, f"The classifier {classifier.name}")
            require_unseen(held_out, source.hashes(), source.patients or (), "The generator")
        findings = classifier.findings
        table = prevalence(findings, source, plain, held_out)
        result = {
            "overall": sentences(table),
            "assumption": ASSUMPTION,
            "prevalence": table,
            "together": together(findings, source, plain, held_out),
            "archives": _archives(options, findings, source, held_out, [side for side in archives if side]),
            "films": {
                "source": len(source),
                "plain": len(plain),
                "held_out": len(held_out) if held_out else 0,
            },
            "classifier": {"name": classifier.name, "sha256": classifier.sha256, "threshold": "its own, by finding"},
            "extractor": describe(extractor, source.spaces[FEATURES].shape[1]),
            "k": options.k,
            "seed": options.seed,
        }
    if options.figure:
        draw_diversity(result, options.figure)
    return result


def _archives(
    options: argparse.Namespace,
    findings: tuple[str, ...],
    source: Side,
    held_out: Side | None,
    archives: list[Side],
) -> dict[str, Any]:
    fresh = {space: _fresh(space, source, held_out) for space in source.spaces} if archives else {}
    reviews = {}
    for archive in archives:
        name = archive.films.folder.name
        review = ArchiveReview(findings, source, archive, held_out, options.seed)
        near: Near = {
            space: (nearest_training(source.spaces[space], rows), fresh[space])
            for space, rows in archive.spaces.items()
        }
        by_finding = review.by_finding(FEATURES, options.k, near)
        for finding in tqdm(by_finding, desc=f"Similarity within {name}", unit="finding", disable=None):
            by_finding[finding]["similarity"] = _similarity(source, archive, review, finding, options.seed)
        reviews[name] = {
            "films": len(archive),
            "n": review.n,
            "findings": by_finding,
            "carried_along": review.carried_along(),
            "baseline": "held-out films" if held_out else "training films among themselves",
            "note": NO_PART,
        }
        if options.sheets:
            write_sheets(options.sheets, archive, source, review.groups, near[PIXELS][0], PIXELS)
    return reviews


def _measured(extractor: Extractor, classifier: Classifier, folder: Path, cache: Path, path: Path) -> Side:
    extractors = [extractor, Pixels(), Judgements(path, classifier)]
    measured = measured_folder(extractors, folder, cache, Ranks())
    rows: list[Any] = [films.mapped(cache) for films in measured]
    return side_of(measured[0], {FEATURES: rows[0], PIXELS: rows[1]}, rows[2], classifier)


def _fresh(space: str, source: Side, held_out: Side | None) -> Nearest:
    if held_out is None:
        return nearest_training(source.spaces[space], of_training=source.patients)
    return nearest_training(
        source.spaces[space], held_out.spaces[space], of_training=source.patients, of_films=held_out.patients
    )


def _similarity(
    source: Side, archive: Side, review: ArchiveReview, finding: str, seed: int
) -> Mapping[str, Any] | None:
    group = review.groups[finding]
    films = AsTheyAreRead(source.films, group.real), AsTheyAreRead(archive.films, group.synthetic)
    return similarity(*films, seed, group.patients)
