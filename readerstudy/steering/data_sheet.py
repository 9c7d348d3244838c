"""The data sheet of an exported archive: what it is, how it was made, and what is wrong with it.

In the manner of “Datasheets for Datasets” (Gebru et al., Communications of the ACM 2021), as short as it can be. In
Markdown, in English whatever the language of the application, as it goes out with the files.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from django.conf import settings
from django.utils import timezone

import readerstudy
from evaluation.classifiers.archive_folder import TABLE, TARGETS
from evaluation.readers.intervals import wilson
from gan.drawing import describe_generator
from gan.provenance import key_fingerprint
from readerstudy.archive.importing.chestxray14 import ORIGIN as NIH
from readerstudy.archive.models import Collection, Radiograph, Truth
from readerstudy.steering.building import reached
from readerstudy.steering.goals import wanted_of
from readerstudy.steering.members import Member, in_part, seen_by
from readerstudy.steering.models import Goal, LabelledArchive, Part, SteeredFilm
from readerstudy.steering.review import asks_for_tubes, confirmed

ATTRIBUTION = (
    "The NIH Clinical Center provided the films on which the generator was trained "
    "(<https://nihcc.app.box.com/v/ChestXray-NIHCC>). NIH asks for this link, for an acknowledgement of the NIH "
    "Clinical Center as the provider, and for this citation: X. Wang, Y. Peng, L. Lu, Z. Lu, M. Bagheri, "
    "R. M. Summers, *ChestX-ray8: Hospital-scale Chest X-ray Database and Benchmarks on Weakly-Supervised "
    "Classification and Localization of Common Thorax Diseases*, IEEE CVPR 2017, pp. 3462–3471."
)
UNKNOWN_ORIGIN = (
    "The generator's training films are not known here, and so neither is what their provider asks for. Ask whoever "
    "trained the generator before you pass these films on."
)


def data_sheet(archive: LabelledArchive, members: Sequence[Member], form: str, *, finding_labels: bool) -> str:
    """The data sheet in Markdown. `form` and `finding_labels` are those of the export.

    Raises OSError or ValueError where the generator's files are not what they were.
    """
    films = SteeredFilm.objects.filter(goal__archive=archive).count()
    generator = describe_generator(archive.generator.file)
    known = _training_collections(generator)
    sections = [
        [
            f"# {archive}: synthetic chest radiographs with target labels",
            "**All films are synthetic. No film shows a person. The labels are targets: a finding to which a film was "
            "steered and which a classifier then saw. Unless the table below says that a reviewer confirmed it, nobody "
            "has verified that the finding is there, or that no other one is.**",
            f"{films} films, exported by readerstudy {readerstudy.__version__} on {timezone.now():%Y-%m-%d}. "
            + ("The archive is complete." if archive.finished_at else "**The archive was still being built.**"),
        ],
        ["## What is here", *_files(form, finding_labels=finding_labels)],
        ["## How the films were made", *_method(archive, generator)],
        ["## Whose films taught the networks", *_networks(archive, members, generator, known)],
        ["## What was accepted and what was not", *_acceptance(archive)],
        ["## How far the labels are to be believed", *_belief(archive, members)],
        ["## Known faults", *_faults()],
        ["## Use", *_use()],
        ["## Licence and attribution", *_licence(archive, generator, known)],
    ]
    return "\n\n".join(paragraph for section in sections for paragraph in section) + "\n"


def _files(form: str, *, finding_labels: bool) -> list[str]:
    filled = (
        "**`Finding Labels` holds the targets as well, as was asked for: programs will take them for findings.**"
        if finding_labels
        else "`Finding Labels` is empty, so that no program takes a target for a finding."
    )
    pictures = {
        "nih": "- `images/`: 8-bit grey PNG, as NIH's own are; the archive keeps 16 bits, which the DICOM form has.\n"
        f"- `{TABLE}`: NIH's columns, then `{TARGETS}`, what a film was steered away from, and the findings that the "
        f"accepting classifier did not see. {filled} What NIH says of a patient is empty, as there is none: every film "
        "is of nobody, so films may be split in any way.",
        "dicom": "- `dicom/`: Secondary Capture, 16 bits, all that the archive keeps. Conversion Type SYN, image type, "
        "patient and descriptions say that a film is synthetic; Image Comments name the target.",
    }
    return [
        f"{pictures[form]}\n"
        "- `films.csv`: for each film its target, seed, steps, distance moved (radians), the calibrated logits of the "
        "steering, the accepting and the judging classifier, and the SHA-256 of all weights.\n"
        "- `latents.npy`: single precision; row n is the latent of row n of `films.csv`."
    ]


def _method(archive: LabelledArchive, generator: dict[str, Any]) -> list[str]:
    values = ", ".join(f"{name} {value}" for name, value in archive.settings.items() if name != "findings")
    return [
        "Latent class optimisation: a progressive generative adversarial network that knows no findings draws films "
        "from latents; a latent is turned, on the sphere on which the generator was trained, by the gradient of the "
        "steering classifiers' mean logits until they see the target. A classifier that had no part in it then looks "
        "at the finished film and alone decides whether it is taken: all findings to show at or above its threshold, "
        "all findings not to show below it. Nothing was picked by hand.",
        _table(
            ("", ""),
            [
                ("generator", archive.generator.name),
                ("its weights, SHA-256", f"`{archive.generator.sha256}`"),
                ("draws", f"{archive.generator.resolution} × {archive.generator.resolution} pixels"),
                ("images shown in its training", f"{generator['images']:,}"),
                ("seed of the archive", archive.seed),
                ("settings", values),
                ("program", archive.code_version),
                ("begun", f"{archive.created_at:%Y-%m-%d}"),
            ],
        ),
    ]


# Whose films


def _networks(
    archive: LabelledArchive, members: Sequence[Member], generator: dict[str, Any], known: Counter[Collection]
) -> list[str]:
    rows = generator["films"]
    named = {row["patient_hash"] for row in rows} | {f"phantom_{row['phantom_seed']}" for row in rows}
    hashes = {row["film_hash"] for row in rows}
    collections = ", ".join(
        f"{count:,} of “{collection}” (origin {collection.origin})" for collection, count in known.items()
    )
    table = [
        (
            member.part.value,
            member.row.name,
            f"{member.network.about.network}, {member.row.side}²",
            f"{len(member.network.about.patients):,}",
            f"{len(named & set(member.network.about.patients)):,}",
            f"{len(hashes & set(member.network.about.films)):,}",
            f"`{member.row.sha256}`",
        )
        for member in members
    ]
    return [
        f"The generator was trained on {len(rows):,} films: {collections or _of_no_collection(generator)}.",
        _table(
            (
                "part",
                "classifier",
                "network",
                "patients",
                "of them the generator's",
                "films the generator's",
                "SHA-256",
            ),
            table,
        ),
        "Classifiers of different parts share no patient, by the names under which each lists them, and no film, by "
        "its pixels. Those that a classifier shares with the generator are counted above: what the generator took from "
        "them, it may know better than what it took from "
        "others." + _other_key(generator),
        "Thresholds of the accepting classifier (calibrated logits; at most 5 % of the films without the finding on "
        "which it was calibrated lie above), and its AUC on held-out patients: "
        f"{_thresholds(archive, in_part(members, Part.ACCEPTS))}.",
    ]


def _of_no_collection(generator: dict[str, Any]) -> str:
    if _knows_phantoms_only(generator):
        return "phantoms, drawn by this software"
    return "none of them is known here"


def _knows_phantoms_only(generator: dict[str, Any]) -> bool:
    return all(row["phantom_seed"] is not None for row in generator["films"])


def _other_key(generator: dict[str, Any]) -> str:
    if generator["patient_key"] in (None, key_fingerprint(settings.PSEUDONYM_KEY)):
        return ""
    return " The generator's patients have pseudonyms of another installation, so only films can be compared."


def _thresholds(archive: LabelledArchive, accepting: Member | None) -> str:
    wanted = [wanted_of(goal) for goal in archive.goals.order_by("position")]
    named = dict.fromkeys(name for goal in wanted for name in goal.findings)
    if accepting is None:
        return "not known"
    return ", ".join(f"{name} {accepting.thresholds[name]:.2f} (AUC {_auc(accepting, name)})" for name in named)


def _auc(member: Member, finding: str) -> str:
    measured = member.network.about.held_out.get("findings", {}).get(finding, {}).get("auc")
    return "not measured" if measured is None else f"{measured:.2f}"


def _training_collections(generator: dict[str, Any]) -> Counter[Collection]:
    """How many of the generator's training films are in which collection here."""
    trained = {row["film_hash"] for row in generator["films"]}
    films = Radiograph.objects.filter(collection__truth=Truth.REAL).order_by("collection_id")
    found = Counter(
        collection
        for collection, hashed in films.values_list("collection_id", "film_hash").iterator()
        if hashed in trained
    )
    collections = Collection.objects.in_bulk(found)
    return Counter({collections[pk]: count for pk, count in found.items()})


# What was accepted, and what it is worth


def _acceptance(archive: LabelledArchive) -> list[str]:
    rows = [
        (
            row.goal,
            f"{row.films} of {row.goal.films_wanted}",
            row.attempts,
            row.rejected,
            row.surplus,
            _share(row.films + row.surplus, row.attempts),
            "–" if row.cost_per_film is None else f"{row.cost_per_film:,.0f}",
        )
        for row in reached(archive)
    ]
    return [
        _table(("target", "films", "attempts", "rejected", "left over", "accepted", "cost of a film"), rows),
        "Shares with 95 % intervals (Wilson). Rejected: the accepting classifier did not see the target, the film was "
        "of one grey, or the archive held its twin. Left over: accepted after the target had all its films. Cost: one "
        "for every film that went forward through a network, and two more where a gradient came back.",
    ]


def _belief(archive: LabelledArchive, members: Sequence[Member]) -> list[str]:
    judging = in_part(members, Part.JUDGES)
    rows = [
        (
            said.goal,
            said.films,
            _judged(said.goal, judging),
            said.reviewed or "none yet",
            *(_share(count, said.reviewed) for count in (said.plausible, said.implausible, said.artefact)),
            _share(said.tubes_seen, said.tubes_asked) if asks_for_tubes(said.goal) else "not asked",
        )
        for said in confirmed(archive)
    ]
    judge = (
        f"The judging classifier “{judging.row}” took no part in steering or acceptance. It goes by its own thresholds "
        "and errs as any classifier does: its share is an estimate, not a reading."
        if judging
        else "No third classifier judged these films, so how often the target is there was not measured by any network "
        "that had no part in making them."
    )
    return [
        _table(
            ("target", "films", "seen by the judge", "reviewed", "plausible", "implausible", "artefact", "tube seen"),
            rows,
        ),
        judge,
        "Reviewed: films on which somebody gave a verdict; plausible, implausible and artefact are what more than half "
        "of a film's reviewers said, as shares of the reviewed ones, with 95 % intervals (Wilson).",
        "Tubes: the drain is what many classifiers take for a pneumothorax, as most treated ones have one. A film that "
        "was steered to Pneumothorax and shows a tube may show nothing else of it.",
    ]


def _judged(goal: Goal, judging: Member | None) -> str:
    return _share(*seen_by(judging, goal)) if judging else "not judged"


def _share(count: int, of: int) -> str:
    if not of:
        return "none yet"
    interval = wilson(count, of)
    return f"{interval.estimate:.0%} ({interval.low:.0%}–{interval.high:.0%})"


# What holds for every archive


def _faults() -> list[str]:
    return [
        "- A target is what classifiers see. They see what went with the labels that they were taught (tubes, "
        "projection, scars of an operation) as well as disease, and have learnt the labels' mistakes; those of "
        "ChestX-ray14 were read off reports by a program.\n"
        "- Of findings other than the target nothing is known. They come and go with it, as they do among the "
        "generator's training films or in the classifiers' minds; frequencies in this archive are those of the targets "
        "and say nothing of any population.\n"
        "- Accepted films are those that are easy for the accepting classifier: subtle and unusual cases are missing.\n"
        "- Films are less varied than real ones, and several may be near copies of one another or of a training film.\n"
        "- Side markers and writing are garbled; fine structure is weak. There is no scale: nothing can be measured in "
        "millimetres.\n"
        "- View, age and sex are not known."
    ]


def _use() -> list[str]:
    return [
        "For research on generative networks, on classifiers and on how people read films. A classifier that is "
        "trained on these films must be measured on real ones, of patients whom neither the generator nor the "
        "classifiers named here have seen.",
        "Not for diagnosis, nor for training or testing anything that is used on patients without that measurement; "
        "not as real films, and not mixed with real ones unless each stays marked as synthetic; not for teaching what "
        "a finding looks like unless a radiologist confirmed the film; not for estimating how frequent anything is.",
    ]


def _licence(archive: LabelledArchive, generator: dict[str, Any], known: Counter[Collection]) -> list[str]:
    stated = archive.collection.licence
    of_training = [
        f"The training collection “{collection}” has the licence: {collection.licence}"
        for collection in known
        if collection.licence
    ]
    return [
        f"Licence of this archive: {stated}"
        if stated
        else "No licence was stated for this archive; ask whoever gave it to you.",
        *of_training,
        *([] if known or _knows_phantoms_only(generator) else [UNKNOWN_ORIGIN]),
        *([ATTRIBUTION] if any(collection.origin == NIH for collection in known) else []),
    ]


def _table(head: Sequence[object], rows: Iterable[Sequence[object]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(str(cell).replace('|', '/') for cell in line)} |" for line in lines)
