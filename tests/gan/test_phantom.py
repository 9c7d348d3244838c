"""Phantoms: what a film shows is measured on the film, as a reader would."""

from __future__ import annotations

import csv
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from scipy.ndimage import gaussian_filter

from gan.findings import FINDINGS
from gan.phantom import DRAWABLE, Phantom, draw_phantoms, on_film, render, sample_phantom
from gan.pixels import canonical, read_film

Values = npt.NDArray[np.float64]

# Standing patients in whom nothing but the finding differs.
PATIENTS = [seed for seed in range(60) if sample_phantom(seed, []).view == "PA"][:5]


def film(seed: int, findings: list[str], side: int = 256) -> tuple[Phantom, Values]:
    phantom = sample_phantom(seed, findings)
    return phantom, render(phantom, side) / 65535


def box_mean(values: Values, side: int) -> Values:
    step = len(values) // side
    return values.reshape(side, step, side, step).mean((1, 3))


def patch(values: Values, phantom: Phantom, x: float, y: float, radius: float) -> float:
    """The mean grey of a disc, in centimetres of the patient."""
    side = len(values)
    across, down = on_film(phantom, x, y)
    rows, columns = np.indices(values.shape)
    pixel = phantom.pose.field / side
    inside = np.hypot(columns + 0.5 - across * side, rows + 0.5 - down * side) * pixel <= radius
    assert inside.any(), "The place lies on the film."
    return float(values[inside].mean())


def test_the_same_seed_draws_the_same_film() -> None:
    first, again = render(sample_phantom(7)), render(sample_phantom(7))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, render(sample_phantom(8)))


@pytest.mark.parametrize("seed", range(6))
def test_a_small_film_shows_the_same_patient_as_a_large_one(seed: int) -> None:
    phantom = sample_phantom(seed)
    large, small = render(phantom, 256) / 65535, render(phantom, 64) / 65535
    assert np.corrcoef(box_mean(large, 64).ravel(), small.ravel())[0, 1] > 0.97


def test_two_patients_differ_more_than_two_sizes_of_one() -> None:
    one, other = (render(sample_phantom(seed, []), 64) / 65535 for seed in (0, 1))
    same = box_mean(render(sample_phantom(0, []), 256) / 65535, 64)
    assert np.abs(one - same).mean() < 0.25 * np.abs(one - other).mean()


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**40))
def test_every_film_is_whole(seed: int) -> None:
    phantom = sample_phantom(seed)
    pixels = render(phantom, 64)
    assert pixels.dtype == np.uint16
    assert pixels.shape == (64, 64)
    assert pixels.min() < 0.3 * 65535
    assert pixels.max() > 0.8 * 65535
    # A twelve-bit detector: nothing between its 4,096 levels.
    assert np.array_equal(pixels, np.rint(np.rint(pixels / 65535 * 4095) * 65535 / 4095))
    assert canonical(pixels.astype(float)).std() > 0.1 * 65535
    assert 18 <= phantom.age <= 92
    assert set(phantom.findings) <= set(FINDINGS)
    assert (phantom.cardiothoracic_ratio > 0.5) == ("Cardiomegaly" in phantom.findings)


def test_about_half_of_the_patients_have_no_finding_and_every_finding_occurs() -> None:
    drawn = [sample_phantom(seed).labels for seed in range(1000)]
    assert 0.45 < np.mean([labels == ("No Finding",) for labels in drawn]) < 0.58
    for finding in DRAWABLE:
        assert sum(finding in labels for labels in drawn) > 60


def test_it_refuses_what_it_cannot_draw() -> None:
    with pytest.raises(ValueError, match=r"cannot show Hernia; it can show Cardiomegaly"):
        sample_phantom(0, ["Hernia"])
    with pytest.raises(ValueError, match="not 8"):
        render(sample_phantom(0), 8)


def test_lungs_are_dark_between_a_bright_heart_and_a_bright_wall() -> None:
    for seed in PATIENTS:
        phantom, pixels = film(seed, [])
        thorax = phantom.thorax
        middle = (thorax.apex + thorax.right_dome) / 2
        lungs = [patch(pixels, phantom, side * 0.62 * thorax.half_width, middle, 1.5) for side in (-1, 1)]
        heart = patch(pixels, phantom, 0.4 * thorax.heart_left, thorax.right_dome - 2, 1.5)
        liver = patch(pixels, phantom, -0.4 * thorax.half_width, thorax.right_dome + 5, 1.5)
        assert max(lungs) + 0.15 < min(heart, liver)


def measured_ratio(phantom: Phantom, pixels: Values) -> float:
    """The cardiothoracic ratio as read off the film.

    Above the diaphragm every row runs from the bright heart through the dark lungs to the bright walls; half the step
    from lung to heart counts as the edge.
    """
    side, thorax = len(pixels), phantom.thorax
    smooth = gaussian_filter(pixels, 1.0)
    top, bottom = (int(on_film(phantom, 0, thorax.right_dome - up)[1] * side) for up in (9.0, 0.5))
    midline = int(on_film(phantom, 0, thorax.right_dome - 4)[0] * side)
    lung = patch(smooth, phantom, -0.6 * thorax.half_width, thorax.right_dome - 8, 1.0)
    heart = patch(smooth, phantom, 2.0, thorax.right_dome - 3, 1.0)
    dark = smooth[top:bottom] < (lung + heart) / 2
    hearts, walls = [], []
    for half in (dark[:, midline::-1], dark[:, midline:]):
        open_rows = half[half.any(axis=1)]
        edge = open_rows.argmax(axis=1)
        beyond = [row[start:].argmin() for row, start in zip(open_rows, edge, strict=True)]
        hearts.append(edge.max())
        walls.append((edge + beyond).max())
    return float(sum(hearts) / sum(walls))


def test_a_large_heart_takes_more_than_half_of_the_chest() -> None:
    for seed in PATIENTS:
        normal, large = (measured_ratio(*film(seed, findings)) for findings in ([], ["Cardiomegaly"]))
        assert normal < 0.5 < large


@pytest.mark.parametrize("seed", PATIENTS)
def test_an_effusion_fills_the_costophrenic_angle_of_its_side_alone(seed: int) -> None:
    _, without = film(seed, [])
    phantom, pixels = film(seed, ["Effusion"])
    (lesion,) = phantom.lesions
    thorax = phantom.thorax
    dome = thorax.right_dome if lesion.x < 0 else thorax.left_dome
    angle = (0.86 * thorax.half_width, dome - 0.5)
    change = patch(pixels, phantom, lesion.x * angle[0], angle[1], 0.8) - patch(
        without, phantom, lesion.x * angle[0], angle[1], 0.8
    )
    other = patch(pixels, phantom, -lesion.x * angle[0], angle[1], 0.8) - patch(
        without, phantom, -lesion.x * angle[0], angle[1], 0.8
    )
    assert change > 0.12
    assert abs(other) < 0.06


@pytest.mark.parametrize("seed", PATIENTS)
def test_a_nodule_is_denser_than_what_surrounds_it(seed: int) -> None:
    _, without = film(seed, [])
    phantom, pixels = film(seed, ["Nodule"])
    for lesion in phantom.lesions:
        change = pixels - without
        inside = patch(change, phantom, lesion.x, lesion.y, 0.5 * lesion.radius)
        ring = np.mean(
            [
                patch(
                    change, phantom, lesion.x + 2.2 * lesion.radius * np.cos(turn), lesion.y, 0.3 * lesion.radius + 0.1
                )
                for turn in (0, np.pi)
            ]
        )
        assert inside > 0.02
        assert inside > ring + 0.015


@pytest.mark.parametrize("seed", PATIENTS)
def test_a_pneumothorax_is_darker_than_lung_and_without_vessels(seed: int) -> None:
    _, without = film(seed, [], 512)
    phantom, pixels = film(seed, ["Pneumothorax"], 512)
    (lesion,) = phantom.lesions
    thorax = phantom.thorax
    across = np.linspace(0.3, 1.05, 200) * thorax.half_width
    y = thorax.apex + 0.35 * (thorax.right_dome - thorax.apex)
    change = gaussian_filter(pixels - without, 1.0)
    profile = np.array([patch(change, phantom, lesion.x * x, y, 0.15) for x in across])
    # Where lung is gone the film is darker: a band at the side, no wider than the gap at this height.
    gone = profile < 0.4 * profile.min()
    assert profile.min() < -0.025
    assert 0.3 < gone.sum() * (across[1] - across[0]) / (lesion.radius * (1 - 0.75 * 0.35)) < 1.2
    assert across[gone].mean() > 0.65 * thorax.half_width
    # The lung that is left is as it was.
    assert abs(profile[: len(profile) // 4].mean()) < 0.03
    # Without vessels: two patients who differ in their vessels alone look the same there.
    thick, thin = (
        gaussian_filter(render(replace(phantom, thorax=replace(thorax, vessel_scale=scale)), 512) / 65535, 1.0)
        for scale in (1.15, 0.85)
    )
    band = [patch(np.abs(thick - thin), phantom, lesion.x * x, y, 0.15) for x in across[gone]]
    lung = [patch(np.abs(thick - thin), phantom, lesion.x * x, y + 4, 0.15) for x in across[:60]]
    assert np.mean(band) < 0.5 * np.mean(lung)


@pytest.mark.parametrize("seed", PATIENTS)
def test_a_consolidation_is_a_dense_region_in_its_place(seed: int) -> None:
    _, without = film(seed, [])
    phantom, pixels = film(seed, ["Consolidation"])
    (lesion,) = phantom.lesions
    change = pixels - without
    assert patch(change, phantom, lesion.x, lesion.y, 0.4 * lesion.radius) > 0.08
    assert abs(patch(change, phantom, -lesion.x, lesion.y, 0.4 * lesion.radius)) < 0.06


def rows_of(folder: Path) -> list[dict[str, str]]:
    with (folder / "labels.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_a_folder_holds_films_and_their_labels(tmp_path: Path) -> None:
    steps: list[tuple[int, int]] = []
    paths = draw_phantoms(tmp_path, 4, 100, side=32, progress=lambda done, count: steps.append((done, count)))
    assert [path.name for path in paths] == [f"phantom_{seed}.png" for seed in range(100, 104)]
    assert steps == [(1, 4), (2, 4), (3, 4), (4, 4)]
    with Image.open(paths[0]) as image:
        assert (image.mode, image.size, image.info) == ("I;16", (32, 32), {})
    assert np.array_equal(read_film(paths[2]), render(sample_phantom(102), 32))
    rows = rows_of(tmp_path)
    assert [row["file"] for row in rows] == [path.name for path in paths]
    assert len({row["patient_id"] for row in rows}) == 4
    for row in rows:
        phantom = sample_phantom(int(row["phantom_seed"]))
        assert row["labels"] == "|".join(phantom.labels)
        assert (row["age"], row["sex"], row["view"]) == (str(phantom.age), phantom.sex, phantom.view)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["labels.csv", *sorted(path.name for path in paths)]


def test_the_findings_asked_for_are_drawn_and_labelled(tmp_path: Path) -> None:
    draw_phantoms(tmp_path, 2, 0, side=32, findings=["Effusion", "Cardiomegaly"])
    assert {row["labels"] for row in rows_of(tmp_path)} == {"Cardiomegaly|Effusion"}


def test_two_processes_draw_the_same_as_one(tmp_path: Path) -> None:
    draw_phantoms(tmp_path / "one", 5, 0, side=32)
    draw_phantoms(tmp_path / "two", 5, 0, side=32, processes=2)
    for path in (tmp_path / "one").iterdir():
        assert path.read_bytes() == (tmp_path / "two" / path.name).read_bytes()


def test_drawing_goes_on_where_it_stopped(tmp_path: Path) -> None:
    """Stopped by a signal in the middle, then called again: nothing is drawn twice, nothing is missing."""
    script = "import sys, pathlib, gan.phantom as p; p.draw_phantoms(pathlib.Path(sys.argv[1]), 40, 0, 64)"
    drawing = subprocess.Popen([sys.executable, "-c", script, str(tmp_path)], cwd=Path(__file__).parents[2])
    deadline = time.monotonic() + 60
    while len(list(tmp_path.glob("phantom_*.png"))) < 3:
        assert time.monotonic() < deadline
        assert drawing.poll() is None
        os.sched_yield()
    drawing.send_signal(signal.SIGKILL)
    drawing.wait()
    there = {path: path.stat().st_mtime_ns for path in tmp_path.glob("phantom_*.png")}
    assert 3 <= len(there) < 40
    assert not (tmp_path / "labels.csv").exists()

    draw_phantoms(tmp_path, 40, 0, side=64)
    assert all(path.stat().st_mtime_ns == before for path, before in there.items())
    assert [row["phantom_seed"] for row in rows_of(tmp_path)] == [str(seed) for seed in range(40)]
    assert len(list(tmp_path.glob("phantom_*.png"))) == 40


def test_more_seeds_are_added_to_a_folder(tmp_path: Path) -> None:
    draw_phantoms(tmp_path, 2, 10, side=32)
    draw_phantoms(tmp_path, 3, 8, side=32)
    assert [row["phantom_seed"] for row in rows_of(tmp_path)] == ["8", "9", "10", "11"]


def test_a_folder_of_other_films_is_left_as_it_is(tmp_path: Path) -> None:
    draw_phantoms(tmp_path, 2, 0, side=32, findings=["Nodule"])
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(ValueError, match="drawn with the labels Nodule, not Effusion"):
        draw_phantoms(tmp_path, 3, 0, side=32, findings=["Effusion"])
    with pytest.raises(ValueError, match="a side other than 64"):
        draw_phantoms(tmp_path, 3, 0, side=64, findings=["Nodule"])
    with pytest.raises(ValueError, match="count of at least 1"):
        draw_phantoms(tmp_path, 0, 0)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
