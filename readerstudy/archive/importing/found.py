"""What the forms have in common: a film that was found, and what reading it gives."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from gan.pixels import Film


class Refused(Exception):
    """A film that does not come in; the message is a sentence that says why."""


@dataclass(frozen=True)
class Known:
    """What a source says of a film beside its pixels. Empty means not known."""

    patient_id: str = ""
    age: int | None = None
    sex: str = ""
    view: str = ""
    split: str = ""
    findings: tuple[str, ...] = ()
    phantom_seed: int | None = None
    is_synthetic: bool = False


@dataclass(frozen=True)
class Pixels:
    """One film in canonical form with its circumstances."""

    film: Film
    native_shape: tuple[int, int]
    levels: int
    doubts: tuple[str, ...] = ()


@dataclass(frozen=True)
class FoundFilm:
    """One film of a source. `refusal` says why it does not come in, where that is known without its pixels.

    Doubts do not keep a film out; they are for a person to look at.
    """

    path: Path
    source_path: str
    reader: Callable[[Path], Pixels] = field(repr=False)
    known: Known = Known()
    refusal: str = ""
    doubts: tuple[str, ...] = ()
    instance: str = ""
    """The SOP Instance UID of a DICOM file: two films of one UID and different pixels contradict each other."""

    def read(self) -> Pixels:
        """Raises Refused."""
        if self.refusal:
            raise Refused(self.refusal)
        return self.reader(self.path)


@dataclass(frozen=True)
class Source:
    """All films below one folder, in the order of their paths, and what to say of the folder as a whole."""

    form: str
    films: list[FoundFilm]
    notes: list[str] = field(default_factory=list)
    origin: str = ""
    """Where the patient ids come from, if the form says so."""
