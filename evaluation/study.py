"""What the analysis of a study is given: its plan, its arms, its films and what readers said of them.

    analysis = evaluation.analysis.analyse(study)                    # plain values, ready for JSON
    path = evaluation.report.write_report(analysis, study, folder)   # report.html and what stands beside it

The caller has already left out what was withdrawn: readings of withdrawn films and readers are not here, each
withdrawal is a `Deviation`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from evaluation.readers.pairs import PairReading
from evaluation.readers.reading import Reading, Role, Truth
from gan.pixels import Film

Blinding = Literal["passed", "open", "leak"]
"""Nothing tells truth; nothing was found, by too few films to exclude it; something does."""


@dataclass(frozen=True)
class Plan:
    """What freezing fixed before anybody read. Times are texts as the report prints them."""

    name: str
    title: str
    primary_end_point: Literal["auc", "deception_rate"]
    margin: float
    margin_reason: str
    alpha: float
    decision_cut: int
    """A film counts as rated synthetic when its rating is at least this."""
    instruction_version: str
    ratio_told: bool
    seed: int
    side: int
    """Side of the square matrix on which readers saw every film, in pixels."""
    levels: int
    """Grey levels of the study's grid."""
    manifest_hash: str
    frozen_at: str
    closed_at: str
    unblinded_at: str
    unblinding_reason: str
    instruction_text: str = ""
    question: Literal["rating", "confidence", "pairs"] = "rating"
    practice_films: int = 0
    practice_feedback: bool = False
    repeats: int = 0
    repeat_lag: int = 0
    block_films: int = 0
    """Films before a pause; 0 makes no pauses."""
    sittings: int = 1
    washout_days: int = 0
    amend_seconds: int = 0
    asked_beside: Sequence[str] = ()
    """What was asked of films beside the question and when, as texts."""
    consent_version: str = ""
    """Empty where consent was taken elsewhere."""
    purpose_blind_films: int = 0
    ethics_reference: str = ""
    debriefing_version: str = ""
    not_known: Sequence[str] = ()
    """What was not known of patients and training films; sentences. Freezing then asked for the override."""
    override_reason: str = ""
    scale: tuple[int, int] = (1, 6)


@dataclass(frozen=True)
class Generator:
    """A checkpoint that drew films of an arm."""

    name: str
    sha256: str
    detail: str = ""
    """For instance its resolution, the images it was shown, the truncation."""


@dataclass(frozen=True)
class Arm:
    """One source of films.

    Shares are of the films whose findings are known, in 0 … 1; they can add up to more than 1.
    """

    name: str
    role: Role
    films: int
    """Main films of the arm, as frozen."""
    source: str
    """Where the films come from, as a text: collection, origin, licence, split."""
    selection: str
    """How films came into the arm, as a text."""
    finding_shares: Mapping[str, float] = field(default_factory=dict)
    finding_targets: Mapping[str, float] = field(default_factory=dict)
    """The finding mix that was asked for; empty where none was."""
    generators: Sequence[Generator] = ()

    @property
    def truth(self) -> Truth:
        return "real" if self.role in ("real", "control-real") else "synthetic"


@dataclass(frozen=True, eq=False)
class CaseFilm:
    """One main film as readers saw it. `patient` is a keyed hash, empty where the patient is not known."""

    case: str
    arm: str
    pixels: Film
    patient: str = ""


class Films(Protocol):
    """Films that may be read each time they are asked for."""

    def __len__(self) -> int: ...
    def __iter__(self) -> Iterator[Film]: ...
    def __getitem__(self, index: int, /) -> Film: ...


@dataclass(frozen=True, eq=False)
class Training:
    """What the generators of an arm were trained on, as far as it is at hand, in the form that readers saw films in."""

    films: Films = ()
    patients: Sequence[str] = ()
    """Of each film, as in `CaseFilm`."""
    missing: str = ""
    """Why not all films are at hand, a sentence; empty where they are."""


@dataclass(frozen=True)
class Deviation:
    """What happened otherwise than planned. `kind` and `about` are texts as the report prints them."""

    kind: str
    reason: str
    at: str
    about: str = ""
    readings_left_out: int = 0


@dataclass(frozen=True)
class Person:
    """What one reader said of himself or herself and of the displays, as texts; empty what was not asked."""

    reader: str
    position: str = ""
    years: int | None = None
    """Of reading chest radiographs."""
    exposure: str = ""
    """To synthetic films, before this study."""
    displays: Sequence[str] = ()


@dataclass(frozen=True)
class Remark:
    """What a reader said of all films together; `text` may be empty."""

    reader: str
    text: str


@dataclass(frozen=True)
class StudyInput:
    """Everything that one report says. A study has `readings`, or where it shows pairs `choices`."""

    plan: Plan
    arms: Sequence[Arm]
    readings: Sequence[Reading]
    """The last answer of every slot before its lock, practice and repeats included; they are told apart by `kind`."""
    films: Sequence[CaseFilm]
    """The main films of every arm that were not withdrawn."""
    training: Mapping[str, Training] = field(default_factory=dict)
    """By the name of an arm of drawn films."""
    first_readings: Sequence[Reading] = ()
    """The same slots with their first answer, for the sensitivity analysis; empty where no answer was amended."""
    choices: Sequence[PairReading] = ()
    """As `readings`, of pairs."""
    first_choices: Sequence[PairReading] = ()
    amended: int = 0
    """How many of the answers were amended."""
    matching: Mapping[str, int] | None = None
    """Of how many `pairs` the findings are the same (`matched`), or of one film at least `not_known`."""
    cues: Mapping[str, str] = field(default_factory=dict)
    """The check-list by name, in words. What was named after a rating is carried by the readings (see `cues`)."""
    people: Sequence[Person] = ()
    """The readers who stay in the analysis; empty where nothing was asked of them."""
    noticed: Sequence[Remark] = ()
    """What readers said had struck them before they were told the purpose; one entry per reader who was asked."""
    deviations: Sequence[Deviation] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    """Code version and versions of the parts, by name."""
    blinding: Blinding | None = None
    """What the last check of the blinding said; None where there was none."""
    simulated: bool = False
    """The readers are programs: no person has read these films."""
