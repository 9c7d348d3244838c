"""Films with all that the diversity review asks of them: features, pixels, labels, and what a classifier says."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from evaluation.classifiers.archive_folder import is_archive, steered_files
from evaluation.classifiers.films import known_of_folder
from evaluation.classifiers.network import Classifier
from evaluation.images.extractors.network import RESIZED, Network
from evaluation.images.folder import Films
from evaluation.readers.ratings import Bools, Floats


class Judgements(Network):
    """The calibrated logits of a classifier, as rows that the cache of features keeps."""

    def __init__(self, path: Path, classifier: Classifier) -> None:
        super().__init__(path, f"logits of {classifier.name}", classifier.sha256)
        self.version = f"{classifier.about.network} {classifier.about.version}"
        self.side = classifier.side
        # What is calibrated anew is another row.
        self.rule = f"{RESIZED.format(side=self.side)}, −1 … 1; logits over {classifier.about.temperature}"
        self._classifier = classifier

    def answer(self, greys: Tensor) -> object:
        return self._classifier.logits((greys * 2 - 1).contiguous(memory_format=torch.channels_last))


@dataclass(frozen=True)
class Side:
    """The films of one folder. Rows of `spaces`, `labels` and `shown` are films in the order of `films.names`.

    `spaces` holds features by the name of their space, of shapes (films, d). `labels` (films, findings) is 1, 0 or NaN
    where nothing is known: findings of real films, targets of steered ones. `shown` (films, findings) is what the
    classifier calls positive. `patients` is empty where a patient is not known, and None where none is.
    """

    films: Films
    spaces: dict[str, Floats]
    labels: Floats
    shown: Bools
    patients: list[str] | None

    @property
    def targets(self) -> Bools:
        """What is labelled; what is not known is not."""
        targets: Bools = self.labels == 1
        return targets

    def __len__(self) -> int:
        return len(self.films.names)

    def hashes(self) -> list[str]:
        """The hash of each film's canonical pixels."""
        return [place.film.hex() for place in self.films.places]


def side_of(films: Films, spaces: dict[str, Floats], logits: Floats, classifier: Classifier) -> Side:
    """Put together what was measured of a folder with what its table says. Raises ValueError naming a wrong row."""
    labels, patients = _known(films.folder, films.names, classifier.findings)
    shown = classifier.shown(torch.from_numpy(np.array(logits))).numpy()
    return Side(films, spaces, labels, shown, patients if any(patients) else None)


def require_unseen(side: Side, films: Collection[str], patients: Collection[str], whose: str) -> None:
    """Raises ValueError where a film, by its hash, or a patient is among those that something was trained on."""
    films, patients = set(films), set(patients) - {""}
    for name, film, patient in zip(side.films.names, side.hashes(), side.patients or [""] * len(side), strict=True):
        if film in films or patient in patients:
            raise ValueError(
                f"{whose} was trained on {name} in {side.films.folder} or on another film of its patient; "
                "held-out films are of other patients."
            )


def _known(folder: Path, names: Sequence[str], findings: Sequence[str]) -> tuple[Floats, list[str]]:
    if not is_archive(folder):
        labels, patients = known_of_folder(folder, [Path(name).as_posix() for name in names], findings)
        return labels.astype(np.float64), patients
    steered = {str(file.path.relative_to(folder)): file.labels(findings) for file in steered_files(folder)}
    return np.array([steered[name] for name in names]), [""] * len(names)
