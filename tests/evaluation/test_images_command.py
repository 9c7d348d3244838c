"""`python -m evaluation images` on folders: with held-out films, by finding, among pixels, with and without a cache."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from evaluation.__main__ import main
from evaluation.images.extractors import Texture
from evaluation.images.frechet import frechet
from gan.folder import film_paths, read_canonical
from gan.pixels import write_film

REAL, FAKE, HELD_OUT = 24, 12, 10


@pytest.fixture
def films(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Folders real, fake and held-out of blurred noise; what is cached by default goes to the folder xdg."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    monkeypatch.setattr("evaluation.images.two_sample.PERMUTATIONS", 9)
    random = np.random.default_rng(1)
    for name, count in (("real", REAL), ("fake", FAKE), ("held-out", HELD_OUT)):
        (tmp_path / name).mkdir()
        for number in range(count):
            greys = gaussian_filter(random.normal(size=(40, 40)), 2)
            film = np.rint((greys - greys.min()) / np.ptp(greys) * 65535).astype(np.uint16)
            write_film(tmp_path / name / f"{number:02d}.png", film)
    return tmp_path


def label(folder: Path, count: int, masses: int, films_of_a_patient: int) -> None:
    rows = [
        f"{row:02d}.png,p{row // films_of_a_patient},{'Mass' if row < masses else 'Nodule'}" for row in range(count)
    ]
    (folder / "labels.csv").write_text("\n".join(["file,patient_id,labels", *rows]))


def images(films: Path, capsys: pytest.CaptureFixture, *options: Any) -> tuple[dict[str, Any], str]:
    """What the command writes, and the words on the screen."""
    out = films / "figures.json"
    folders = films / "real", films / "fake"
    assert main(["images", *map(str, [*folders, *options]), "--json", str(out)]) == 0
    return json.loads(out.read_text(encoding="utf-8")), capsys.readouterr().out


def refused(films: Path, capsys: pytest.CaptureFixture, *options: Any) -> str:
    arguments = [films / "real", films / "fake", *options, "--json", films / "refused.json"]
    assert main(["images", *map(str, arguments)]) == 1
    (line,) = capsys.readouterr().err.strip().splitlines()
    return line


def test_held_out_films_findings_and_pixels_stand_beside_the_distance(
    films: Path, capsys: pytest.CaptureFixture
) -> None:
    label(films / "real", REAL, masses=20, films_of_a_patient=2)
    label(films / "fake", FAKE, masses=10, films_of_a_patient=1)
    shutil.copy(films / "real" / "07.png", films / "fake" / "11.png")
    figures, screen = images(films, capsys, "--held-out", films / "held-out", "--per-finding")
    assert (figures["reference"], figures["held_out"]["reference"]) == ("training", "held-out")
    fake, held_out = (
        Texture().features([read_canonical(path) for path in film_paths(films / name)]) for name in ("fake", "held-out")
    )
    assert figures["held_out"]["frechet"] == pytest.approx(frechet(held_out, fake), rel=1e-6)
    assert figures["held_out"]["extractor"] == figures["extractor"]
    assert f"n = {HELD_OUT} real (held-out), {FAKE} synthetic" in figures["held_out"]["protocol"]
    assert "patients kept apart" in figures["protocol"]
    assert (figures["by_finding"]["n"], figures["by_finding"]["left_out"]) == (10, ["Nodule"])
    assert set(figures["by_finding"]["findings"]) == {"overall", "Mass"}
    for near in (figures["memorisation"], figures["memorisation"]["by_pixels"]):
        assert near["baseline"] == "held-out films"
        assert near["pairs"][0] == {"synthetic": "11.png", "real": "07.png", "distance": 0}
        assert len(near["pairs"]) == FAKE
    assert "64 × 64" in figures["memorisation"]["by_pixels"]["rule"]
    # The pairs are in the file; the screen has the figures.
    assert "07.png" not in screen
    assert json.loads(screen)["frechet"] == figures["frechet"]
    assert len(screen.splitlines()) < 100


def test_it_works_without_a_cache_and_without_knowing_patients(films: Path, capsys: pytest.CaptureFixture) -> None:
    before, _ = images(films, capsys, "--no-cache")
    assert not (films / "xdg").exists()
    assert "patients not known" in before["protocol"]
    assert before["memorisation"]["baseline"] == "training films among themselves"
    cached, _ = images(films, capsys)
    assert cached == before
    kept = [path.suffix for path in (films / "xdg").rglob("*") if path.is_file()]
    # Texture and pixels of two folders; nothing else is left behind.
    assert kept == [".npy"] * 4


def test_films_that_do_not_tell_what_is_asked_are_refused_in_one_sentence(
    films: Path, capsys: pytest.CaptureFixture
) -> None:
    assert "labels.csv has no findings" in refused(films, capsys, "--per-finding")
    label(films / "real", REAL, masses=20, films_of_a_patient=REAL)
    assert "all of one patient" in refused(films, capsys)
    assert not (films / "refused.json").exists()
