"""Folders of films: their features by name, computed once, kept by what the files hold."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from evaluation.images.extractors import Texture
from evaluation.images.extractors.interface import Extractor, Rows
from evaluation.images.folder import Films, measured
from gan.folder import read_canonical
from gan.phantom.film import render
from gan.phantom.patient import sample_phantom
from gan.pixels import Film, canonical, write_film


class Counting(Extractor):
    """Mean and spread of the greys; counts the films that it is shown."""

    name, version, rule = "counting", "1", "as it is"

    def __init__(self) -> None:
        self.seen = 0

    def rows(self, films: Sequence[Film]) -> Rows:
        self.seen += len(films)
        return np.array([[film.mean(), film.std()] for film in films], dtype=np.float32)


class Failing(Counting):
    """Has no number for the last film of a folder of twelve."""

    def rows(self, films: Sequence[Film]) -> Rows:
        rows = super().rows(films)
        if len(films) == 4:
            rows[-1, 1] = np.nan
        return rows


@pytest.fixture(scope="module")
def drawn() -> list[Film]:
    return [render(sample_phantom(seed), 32) for seed in range(12)]


@pytest.fixture
def folder(tmp_path: Path, drawn: list[Film]) -> Path:
    folder = tmp_path / "films"
    (folder / "b").mkdir(parents=True)
    for seed, film in enumerate(drawn):
        write_film(folder / ("b" if seed < 2 else "") / f"{seed:02d}.png", film)
    return folder


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


def _pressed_harder(film: Path, out: Path) -> None:
    """The same film in a file of other bytes."""
    before = film.read_bytes()
    with Image.open(film) as image:
        image.load()
    image.save(out, compress_level=9)
    assert out.read_bytes() != before


def features(path: Path, films: Films) -> np.ndarray:
    films.write(path)
    return np.load(path)


def test_a_folder_gives_the_features_of_its_films_in_canonical_form_by_path(folder: Path, cache: Path) -> None:
    progress: list[tuple[int, int]] = []
    films = measured(Texture(), folder, cache, progress=lambda done, number: progress.append((done, number)))
    assert films.names == [f"{seed:02d}.png" for seed in range(2, 12)] + ["b/00.png", "b/01.png"]
    assert (films.patients, films.findings) == (None, None)
    written = features(folder.parent / "features.npy", films)
    direct = Texture().features([read_canonical(folder / name) for name in films.names])
    assert (written.dtype, written.shape) == (np.float32, (12, 64))
    assert np.array_equal(written, direct)
    assert progress == [(8, 12), (12, 12)]


def test_patients_and_findings_come_from_the_table_beside_the_films(folder: Path, cache: Path) -> None:
    (folder / "labels.csv").write_text(
        "file,patient_id,labels\n02.png,p1,Mass|Nodule\nb/00.png,p2,\nother.png,p3,Mass\n"
    )
    films = measured(Counting(), folder, cache)
    assert films.patients == ["p1", *[""] * 9, "p2", ""]
    assert films.findings
    assert films.findings[0] == {"Mass", "Nodule"}
    assert not any(films.findings[1:])


def test_a_film_is_measured_once_whatever_its_name_and_its_company(folder: Path, cache: Path) -> None:
    first = Counting()
    before = features(folder.parent / "before.npy", measured(first, folder, cache))
    (folder / "02.png").rename(folder / "z.png")
    write_film(folder / "new.png", render(sample_phantom(20), 32))
    again = Counting()
    films = measured(again, folder, cache)
    after = features(folder.parent / "after.npy", films)
    assert (first.seen, again.seen) == (12, 1)
    assert np.array_equal(after[films.names.index("z.png")], before[0])


def test_the_same_film_in_another_file_is_not_measured_again(folder: Path, cache: Path) -> None:
    measured(Counting(), folder, cache)
    _pressed_harder(folder / "02.png", folder / "02.png")
    again = Counting()
    measured(again, folder, cache)
    assert again.seen == 0


@pytest.mark.parametrize("attribute", ["name", "version", "rule", "sha256"])
def test_another_extractor_or_rule_finds_nothing(folder: Path, cache: Path, attribute: str) -> None:
    measured(Counting(), folder, cache)
    other = Counting()
    setattr(other, attribute, "other")
    measured(other, folder, cache)
    assert other.seen == 12


def test_what_was_measured_before_a_film_at_fault_is_kept(folder: Path, cache: Path) -> None:
    (folder / "b" / "01.png").write_bytes(b"\x89PNG broken")
    with pytest.raises(ValueError, match=r"b/01\.png cannot be read"):
        measured(Counting(), folder, cache)
    (folder / "b" / "01.png").unlink()
    again = Counting()
    measured(again, folder, cache)
    assert again.seen == 3


def test_a_film_whose_features_are_not_finite_is_named(folder: Path, cache: Path) -> None:
    with pytest.raises(ValueError, match=r"counting gave .*b/01\.png features that are not finite"):
        measured(Failing(), folder, cache)


def test_a_folder_without_films_or_with_twins_is_refused(folder: Path, cache: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="nowhere is not a folder"):
        measured(Counting(), tmp_path / "nowhere", cache)
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match="no PNG or JPEG films"):
        measured(Counting(), tmp_path / "empty", cache)
    _pressed_harder(folder / "b" / "01.png", folder / "twin.png")
    with pytest.raises(ValueError, match=r"The films b/01\.png and twin\.png in .* are the same"):
        measured(Counting(), folder, cache)


def test_a_damaged_cache_says_which_file_to_delete(folder: Path, cache: Path) -> None:
    measured(Counting(), folder, cache)
    (segment,) = cache.glob("counting-*/*.npy")
    segment.write_bytes(segment.read_bytes()[:200])
    with pytest.raises(ValueError, match=f"{segment} is damaged"):
        measured(Counting(), folder, cache)


def test_two_runs_at_once_do_not_disturb_each_other(folder: Path, cache: Path) -> None:
    with ThreadPoolExecutor(4) as pool:
        runs = list(pool.map(lambda _: measured(Counting(), folder, cache), range(4)))
    (folder.parent / "out").mkdir()
    rows = [features(folder.parent / "out" / f"{number}.npy", films) for number, films in enumerate(runs)]
    assert all(np.array_equal(one, rows[0]) for one in rows)
    assert not list(cache.rglob("*.partial"))


def test_mapped_features_leave_no_file_behind_however_a_run_ends(folder: Path, cache: Path) -> None:
    films = measured(Counting(), folder, cache)
    before = set(cache.rglob("*"))
    rows = films.mapped(cache)
    assert set(cache.rglob("*")) == before
    assert np.array_equal(rows, features(folder.parent / "features.npy", films))


def test_processes_of_torchrun_take_a_share_each_and_give_one_table(folder: Path, cache: Path, tmp_path: Path) -> None:
    command = ["-m", "evaluation", "features", folder, "--cache", cache, "--out", tmp_path / "shared.npy"]
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2", *map(str, command)]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "GLOO_SOCKET_IFNAME": "lo"}
    done = subprocess.run(launch, capture_output=True, text=True, timeout=300, env=environment)
    assert done.returncode == 0, done.stderr
    segments = list(cache.glob("texture-*/*.npy"))
    assert sorted(len(np.load(segment)) for segment in segments) == [6, 6]
    alone = measured(Texture(), folder, tmp_path / "of one")
    assert np.array_equal(np.load(tmp_path / "shared.npy"), features(tmp_path / "alone.npy", alone))
    assert (tmp_path / "shared.csv").read_text().splitlines()[1:] == [f"{name}," for name in alone.names]


@pytest.mark.parametrize("top", [3, 255, 65535])
def test_films_of_whole_numbers_are_stretched_as_any_others(top: int) -> None:
    """The intensity rule written out with NumPy's percentiles: counting greys may not change a bit."""
    random = np.random.default_rng(top)
    for side in (5, 40, 41):
        values = random.integers(0, top + 1, (side, side)).astype(np.float64)
        low, high = np.percentile(values, [0.5, 99.5])
        stretched = (np.clip(values, low, high) - low) / (high - low)
        assert np.array_equal(canonical(values), np.rint(stretched * 65535))
        assert np.array_equal(canonical(values, inverted=True), np.rint((1 - stretched) * 65535))
