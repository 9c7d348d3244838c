"""All that readings say, as plain values ready for JSON: the figures of `python -m evaluation readers`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict

from evaluation.readers.agreed import between_readers
from evaluation.readers.all_readers import FIGURES, overall
from evaluation.readers.arms import LATER_SITTINGS, later_sittings_as_repeats, main_readings, modalities_of
from evaluation.readers.between_arms import comparison
from evaluation.readers.one_reader import figures_by_reader, reader_figures
from evaluation.readers.options import Options
from evaluation.readers.plain import Json
from evaluation.readers.ratings import ratings_by_modality, ratings_of
from evaluation.readers.reading import Reading

CROSSED = "Cases were read in several arms, so there are figures of each arm but none over all arms."


def summarise(readings: Sequence[Reading], options: Options) -> Json:
    """Figures of every reader, of all readers and of the arms, from readings of kind main and role real or generator.

    Where the same cases were read in several arms, nothing is pooled over arms. Raises ValueError where there is no
    such reading, or where a reader rated a case twice in one arm and sitting.
    """
    main = main_readings(later_sittings_as_repeats(readings, options.arms))
    if not main:
        raise ValueError("There are no main readings of real or generated films to analyse.")
    warnings: list[str] = []
    if len(main) < len(main_readings(readings)):
        warnings.append(LATER_SITTINGS)
    modalities = modalities_of(main, options.arms)
    ratings = ratings_by_modality(modalities)
    # Where a case is read in several values of the column, be it by one reader or by two, nothing is pooled.
    crossed = bool(options.arms) and (
        bool((ratings.read.any(1).sum(0)[ratings.synthetic] > 1).any())
        or len({(reading.reader, reading.case) for reading in main}) < len(main)
    )
    if crossed:
        warnings.append(CROSSED)
    whole = None if crossed else ratings_of(main)
    over = overall(whole, options, warnings) if whole else dict.fromkeys(FIGURES) | {"undefined": [CROSSED]}
    if options.covariates:
        over["regression"] = _regression(main, options, warnings)
    of_arms = {
        name: overall(ratings.of_modality(index), options, warnings)
        | {"agreement": between_readers(ratings.of_modality(index), options)}
        for index, name in enumerate(modalities)
        if options.arms
    }
    return {
        "n": _counts(main),
        "protocol": _protocol(options),
        "readers": _readers(main, modalities, crossed, options),
        "overall": over,
        "arms": of_arms,
        "agreement": between_readers(whole, options),
        **comparison(ratings, options, warnings),
        "warnings": list(dict.fromkeys(warnings)),
    }


def _readers(
    main: Sequence[Reading], modalities: dict[str, list[Reading]], crossed: bool, options: Options
) -> dict[str, Json]:
    """Figures by reader, and by arm within each reader where arms are named."""
    if crossed:
        figures = {
            name: reader_figures([], options)
            | {
                "n": count,
                "undefined": ["The reader read the same cases in several arms; see the figures by arm."],
            }
            for name, count in Counter(reading.reader for reading in main).items()
        }
    else:
        figures = figures_by_reader(main, options)
    if options.arms:
        by_arm = {arm: figures_by_reader(of_arm, options) for arm, of_arm in modalities.items()}
        for name, of_reader in figures.items():
            of_reader["arms"] = {arm: of_arm[name] for arm, of_arm in by_arm.items() if name in of_arm}
    return figures


def _regression(main: Sequence[Reading], options: Options, warnings: list[str]) -> Json | None:
    if options.decision_cut is None:
        warnings.append("There is no regression, since ratings are no decisions on this scale; give a cut.")
        return None
    # statsmodels takes a second to import, and few ask for a regression.
    from evaluation.readers import regression

    try:
        figures = asdict(regression.logistic(main, options.covariates, options.decision_cut))
    except ValueError as error:
        warnings.append(f"There is no regression. {error}")
        return None
    return figures | {"df": figures["df"] if figures["df"] < float("inf") else None}


def _counts(main: Sequence[Reading]) -> Json:
    truths = {reading.case: reading.truth for reading in main}
    real = sum(truth == "real" for truth in truths.values())
    return {
        "readers": len({reading.reader for reading in main}),
        "cases": len(truths),
        "real": real,
        "synthetic": len(truths) - real,
        "readings": len(main),
    }


def _protocol(options: Options) -> Json:
    return {
        "scale": list(options.scale),
        "cut": options.decision_cut,
        "covariance": options.covariance,
        "random": options.random,
        "alpha": options.alpha,
        "method": "Obuchowski-Rockette, Hillis' degrees of freedom",
    }
