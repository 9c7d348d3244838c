"""What is taken as known of the films of an exported archive."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from evaluation.classifiers.archive_folder import synthetic_films
from gan.findings import FINDINGS
from gan.phantom import draw_phantoms

FULL = '"Image Index","Finding Labels","{}","{}","{}"'.format(
    "Target Labels (classifier, unverified)",
    "Absent Targets (classifier, unverified)",
    "Below Threshold (accepting classifier)",
)


def archive(folder: Path, *rows: str, head: str = FULL) -> Path:
    draw_phantoms(folder / "images", 2, 900, side=32)
    (folder / "Data_Entry.csv").write_text("\n".join((head, *rows)) + "\n", encoding="utf-8")
    return folder


def known(folder: Path) -> dict[str, dict[str, float]]:
    films = synthetic_films(folder, FINDINGS, 16)
    return {
        Path(name).name: {finding: value for finding, value in zip(FINDINGS, row, strict=True) if not np.isnan(value)}
        for name, row in zip(films.names, films.labels.tolist(), strict=True)
    }


def test_only_the_target_and_what_the_accepting_classifier_did_not_see_are_known(tmp_path: Path) -> None:
    """NIH's column is not read: it is empty, or holds the targets under another name."""
    folder = archive(
        tmp_path,
        "phantom_900.png,Mass,Effusion|Edema,Nodule,Hernia|Nodule",
        "phantom_901.png,,Hernia,,Hernia",
    )
    assert known(folder) == {
        "phantom_900.png": {"Effusion": 1, "Edema": 1, "Nodule": 0, "Hernia": 0},
        # The classifier that accepts has not accepted this one, but a target stays a target.
        "phantom_901.png": {"Hernia": 1},
    }


def test_without_scores_all_but_the_target_is_masked(tmp_path: Path) -> None:
    head = '"Image Index","Target Labels (classifier, unverified)"'
    folder = archive(tmp_path, "phantom_900.png,Mass", "phantom_901.png,Edema", head=head)
    assert known(folder) == {"phantom_900.png": {"Mass": 1}, "phantom_901.png": {"Edema": 1}}


def test_another_folder_goes_by_its_labels(tmp_path: Path) -> None:
    draw_phantoms(tmp_path, 2, 900, side=32)
    (tmp_path / "labels.csv").write_text("file,labels,unknown\nphantom_900.png,Mass,Edema\nphantom_901.png,,\n")
    found = known(tmp_path)
    assert found["phantom_900.png"] == {finding: float(finding == "Mass") for finding in FINDINGS if finding != "Edema"}
    assert found["phantom_901.png"] == {}


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (("phantom_900.png,,Mass,,",), "phantom_901.png is either below"),
        (("phantom_900.png,,Mass,,", "phantom_901.png,,Mass,,", "phantom_901.png,,Mass,,"), "again in line 4"),
        (("phantom_900.png,,Mass,,", "phantom_901.png,,Tumour,,"), "holds Tumour, which is no finding"),
    ],
)
def test_a_table_that_does_not_fit_is_refused(tmp_path: Path, rows: tuple[str, ...], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        synthetic_films(archive(tmp_path, *rows), FINDINGS, 16)
