"""`python -m gan train` and `generate` on plain folders, as a user calls them."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from gan import folder
from gan.__main__ import main
from gan.checkpoint import describe, save_checkpoint, save_generator
from gan.drawing import Drawer
from gan.folder import read_canonical
from gan.networks import Generator
from gan.phantom import draw_phantoms
from gan.pixels import film_hash, read_film
from gan.provenance import key_fingerprint, patient_hash
from gan.train_command import KEY
from tests.gan.made import random_films, small_cache, small_config
from tests.gan.test_resume import run


def test_a_generator_is_trained_on_a_folder_and_draws(tmp_path: Path) -> None:
    """The whole way at 64², on phantoms; shorter than a person would train."""
    films, out, drawn = tmp_path / "films", tmp_path / "run", tmp_path / "drawn"
    paths = draw_phantoms(films, 8, 40, side=64)
    trained = run(
        "gan", "train", "--films", films, "--out", out, "--resolution", 64, "--kimg", 0.06, "--seed", 3, "--threads", 1,
        "--origin", "phantoms", env={KEY: "for this test"},
    )  # fmt: skip
    assert trained.returncode == 0, trained.stderr
    generator = out / "generator.safetensors"
    assert trained.stdout == f"Generator: {generator}\n"

    said = json.loads(generator.with_suffix(".json").read_text())
    key = b"for this test"
    assert said["patient_key"] == key_fingerprint(key)
    assert said["films"] == [
        {
            "film_hash": film_hash(film),
            "patient_hash": patient_hash(key, "phantoms", f"phantom_{seed}"),
            "phantom_seed": seed,
        }
        for seed, film in ((40 + number, read_canonical(path)) for number, path in enumerate(paths))
    ]
    assert (said["config"]["seed"], said["config"]["resolution"], said["images"] >= 60) == (3, 64, True)

    assert main(["generate", "--generator", str(generator), "--out", str(drawn), "--count", "3", "--seed", "7"]) == 0
    names = [f"synthetic_{seed:08d}.png" for seed in (7, 8, 9)]
    assert sorted(path.name for path in drawn.glob("*.png")) == names
    made = [read_film(drawn / name) for name in names]
    assert all(film.shape == (64, 64) and film.std() > 0 for film in made)
    assert len({film.tobytes() for film in made}) == 3
    assert np.array_equal(made[1], Drawer(generator).films([8])[0])


def refused(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    """What the command says on standard error when it ends with status 1; one line, and no traceback."""
    assert main([str(argument) for argument in arguments]) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    (line,) = captured.err.strip().splitlines()[-1:]
    assert line.startswith("error: ")
    assert "Traceback" not in captured.err
    return line


def training(films: Path, out: Path, **options: object) -> list[object]:
    named = {"films": films, "out": out, "resolution": 8, "kimg": 1} | options
    return ["train", *(part for name, value in named.items() for part in (f"--{name}", value))]


def test_what_cannot_be_trained_on_is_said(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    write_films: Callable[[Path, list], None],
) -> None:
    films, empty, out = tmp_path / "films", tmp_path / "empty", tmp_path / "run"
    write_films(films, [film for film, _ in random_films(2)])
    empty.mkdir()
    monkeypatch.delenv(KEY, raising=False)
    assert "nowhere is not a folder" in refused(capsys, *training(tmp_path / "nowhere", out))
    assert "no PNG or JPEG films below" in refused(capsys, *training(empty, out))
    assert "Film 1 is 16 pixels wide, less than the 64" in refused(capsys, *training(films, out, resolution=64))
    assert "not 48" in refused(capsys, *training(films, out, resolution=48))
    assert "kimg must be above 0" in refused(capsys, *training(films, out, kimg=0))
    assert "choose one of few-films, h100-256, karras2018" in refused(capsys, *training(films, out, preset="huge"))
    assert f"--origin needs the key of the patients' pseudonyms in {KEY}" in refused(
        capsys, *training(films, out, origin="nih")
    )
    assert not out.exists() or not list(out.iterdir())


def test_a_signal_while_films_are_read_ends_the_command_with_nothing_trained(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    write_films: Callable[[Path, list], None],
) -> None:
    write_films(tmp_path / "films", [film for film, _ in random_films(3)])
    read = []

    def reading(path: Path) -> np.ndarray:
        read.append(path)
        signal.raise_signal(signal.SIGTERM)
        return read_canonical(path)

    monkeypatch.setattr(folder, "read_canonical", reading)
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        status = main([str(argument) for argument in training(tmp_path / "films", tmp_path / "run")])
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    assert status == 128 + signal.SIGTERM
    assert capsys.readouterr().err.endswith("Stopped while films were read; nothing was trained yet.\n")
    assert len(read) == 1
    assert not list((tmp_path / "run").iterdir())


def test_a_run_that_is_there_keeps_its_cache_when_the_command_is_given_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], write_films: Callable[[Path, list], None]
) -> None:
    run = tmp_path / "run"
    cache = small_cache(run)
    save_checkpoint(run, dict(Generator(8, 8, 16, 8).state_dict()), describe(small_config(), cache, 4))
    write_films(tmp_path / "films", [film for film, _ in random_films(2, seed=9)])
    assert "holds checkpoints already" in refused(capsys, *training(tmp_path / "films", run))
    assert json.loads((run / "cache" / "films.json").read_text())["films"][0]["film_hash"] == (
        cache.provenance[0].film_hash
    )


def test_what_cannot_be_drawn_from_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    generator, out = tmp_path / "g.safetensors", tmp_path / "drawn"
    save_generator(
        generator, dict(Generator(8, 8, 16, 8).state_dict()), describe(small_config(), small_cache(tmp_path), 4)
    )

    def drawing(path: Path, **options: object) -> str:
        named = {"generator": path, "out": out, "count": 1} | options
        return refused(capsys, "generate", *(part for name, value in named.items() for part in (f"--{name}", value)))

    assert "nowhere.safetensors does not exist" in drawing(tmp_path / "nowhere.safetensors")
    assert "count of at least 1" in drawing(generator, count=0)
    assert "seed of at least 0" in drawing(generator, seed=-1)
    assert "Truncation lies above 0 and up to 1" in drawing(generator, truncation=2)
    generator.write_bytes(generator.read_bytes()[:-1])
    assert "speaks of other weights" in drawing(generator)
    assert not list(out.iterdir()) if out.exists() else True
