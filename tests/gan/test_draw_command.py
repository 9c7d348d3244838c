"""`python -m gan generate` and `interpolate` on plain folders: forms, shares of processes, going on, refusals."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pydicom
import pytest
from PIL import Image

from gan import draw_command
from gan.__main__ import main
from gan.drawing import Drawer
from gan.pixels import Film, quantise, read_film
from tests.gan.test_drawing import DONE, write_generator
from tests.gan.test_resume import ROOT


@pytest.fixture
def generator(tmp_path: Path) -> Path:
    return write_generator(tmp_path / "g.safetensors", DONE)


def arguments(generator: Path, out: Path, *options: object) -> list[str]:
    return [str(part) for part in ("generate", "--generator", generator, "--out", out, *options)]


def drawn(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.glob("synthetic_*")}


def refused(capsys: pytest.CaptureFixture[str], *given: object) -> str:
    assert main([str(part) for part in given]) == 1
    (line,) = capsys.readouterr().err.strip().splitlines()[-1:]
    return line


def test_a_film_is_the_same_in_every_form(generator: Path, tmp_path: Path) -> None:
    for form in ("png", "png16", "dicom"):
        assert main(arguments(generator, tmp_path / form, "--count", 1, "--seed", 5, "--form", form)) == 0
    (film,) = Drawer(generator).films([5])
    with Image.open(tmp_path / "png" / "synthetic_00000005.png") as image:
        assert image.mode == "L"
        assert np.array_equal(np.asarray(image).astype(int) * 257, quantise(film, 256))
    assert np.array_equal(read_film(tmp_path / "png16" / "synthetic_00000005.png"), film)
    assert np.array_equal(pydicom.dcmread(tmp_path / "dicom" / "synthetic_00000005.dcm").pixel_array, film)


def test_processes_draw_shares_that_make_up_the_whole(generator: Path, tmp_path: Path) -> None:
    """Two at once in one folder, as torchrun begins them."""
    assert main(arguments(generator, tmp_path / "alone", "--count", 9, "--seed", 3)) == 0
    command = [sys.executable, "-m", "gan", *arguments(generator, tmp_path / "shared", "--count", 9, "--seed", 3)]
    ranks = [
        subprocess.Popen(
            command,
            cwd=ROOT,
            env=os.environ | {"OMP_NUM_THREADS": "1", "RANK": str(rank), "LOCAL_RANK": str(rank), "WORLD_SIZE": "2"},
            stderr=subprocess.PIPE,
        )
        for rank in (0, 1)
    ]
    for process in ranks:
        _, said = process.communicate(timeout=120)
        assert process.returncode == 0, said
    assert drawn(tmp_path / "shared") == drawn(tmp_path / "alone")
    assert len(drawn(tmp_path / "shared")) == 9
    assert not list((tmp_path / "shared").glob("*.partial"))


def test_each_process_draws_none_but_its_own_films(
    generator: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shares = []
    for rank in ("0", "1"):
        monkeypatch.setenv("RANK", rank)
        monkeypatch.setenv("WORLD_SIZE", "2")
        assert main(arguments(generator, tmp_path / rank, "--count", 5)) == 0
        shares.append(set(drawn(tmp_path / rank)))
    assert [len(share) for share in shares] == [3, 2]
    assert shares[0].isdisjoint(shares[1])


def test_an_interrupted_run_goes_on_with_what_is_missing(
    generator: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, real, written = tmp_path / "drawn", draw_command.write_film, []

    def write_two_and_a_half(path: Path, film: Film) -> None:
        if len(written) == 2:
            path.with_name(path.name + ".partial").write_bytes(b"half a film")
            raise KeyboardInterrupt
        written.append(path)
        real(path, film)

    with monkeypatch.context() as interrupted:
        interrupted.setattr(draw_command, "write_film", write_two_and_a_half)
        with pytest.raises(KeyboardInterrupt):
            main(arguments(generator, out, "--count", 4))
    for path in written:
        os.utime(path, ns=(1, 1))
    assert main(arguments(generator, out, "--count", 4)) == 0
    assert [path.stat().st_mtime_ns for path in written] == [1, 1]
    assert sorted(drawn(out)) == [f"synthetic_{seed:08d}.png" for seed in range(4)]
    for seed, film in enumerate(Drawer(generator).films(range(4))):
        assert np.array_equal(read_film(out / f"synthetic_{seed:08d}.png"), film)


def test_a_folder_holds_films_that_were_drawn_in_one_way(
    generator: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "drawn"
    assert main(arguments(generator, out, "--count", 1)) == 0
    before = drawn(out)
    for other in (("--truncation", 0.5), ("--form", "dicom")):
        assert "films there are drawn in another way" in refused(
            capsys, *arguments(generator, out, "--count", 2, *other)
        )
    assert drawn(out) == before
    (out / draw_command.DRAWN).unlink()
    assert "no drawn.json says how they were drawn" in refused(capsys, *arguments(generator, out, "--count", 2))
    assert main(arguments(generator, tmp_path / "more", "--count", 1)) == 0
    assert main(arguments(generator, tmp_path / "more", "--count", 3)) == 0
    assert len(drawn(tmp_path / "more")) == 3
    assert json.loads((tmp_path / "more" / draw_command.DRAWN).read_text())["generator"] == Drawer(generator).sha256


def test_strips_lie_on_one_sheet(generator: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sheet = tmp_path / "sheets" / "strip.png"
    given = ("interpolate", "--generator", generator, "--out", sheet)
    assert main([str(part) for part in (*given, "--seeds", 3, 9, 4, "--steps", 5)]) == 0
    strips = read_film(sheet)
    assert strips.shape == (2 * 16, 5 * 16)
    drawer = Drawer(generator)
    for row, ends in ((0, (3, 9)), (1, (9, 4))):
        strip = strips[16 * row : 16 * (row + 1)]
        first, last = drawer.films(ends)
        assert np.array_equal(strip[:, :16], first)
        assert np.array_equal(strip[:, -16:], last)
    assert "give two or more" in refused(capsys, *given, "--seeds", 3)
    assert "seed of at least 0" in refused(capsys, *given, "--seeds", 3, -1)
    assert "at least 2 films" in refused(capsys, *given, "--seeds", 3, 4, "--steps", 1)


def test_strips_between_latents_of_a_file_are_those_between_their_seeds(
    generator: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    latents, of_seeds, of_rows = tmp_path / "latents.npy", tmp_path / "seeds.png", tmp_path / "rows.png"
    np.save(latents, Drawer(generator).latents([7, 3, 9]).numpy())
    given = ("interpolate", "--generator", generator, "--steps", 4)
    assert main([str(part) for part in (*given, "--out", of_seeds, "--seeds", 9, 7, 3)]) == 0
    given = (*given, "--out", of_rows, "--latents", latents)
    assert main([str(part) for part in (*given, "--rows", 2, 0, 1)]) == 0
    assert np.array_equal(read_film(of_rows), read_film(of_seeds))
    assert "give two or more" in refused(capsys, *given)
    assert "numbered from 0 to 2" in refused(capsys, *given, "--rows", 0, 3)
    assert "truncation is for seeds" in refused(capsys, *given, "--rows", 0, 1, "--truncation", 0.5)
    np.save(latents, np.zeros((3, 5), dtype=np.float32))
    assert "draws from latents of" in refused(capsys, *given, "--rows", 0, 1)
    latents.write_bytes(b"no array")
    assert "no array as NumPy saves it" in refused(capsys, *given, "--rows", 0, 1)


def test_what_the_machine_does_not_have_is_said_in_a_sentence(
    generator: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    given = arguments(generator, tmp_path / "drawn", "--count", 1)
    for threads in (0, -1):
        assert f"must be a positive number, not {threads}" in refused(capsys, *given, "--threads", threads)
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    assert "no graphics card that this torch can use" in refused(capsys, *given, "--device", "cuda")
    monkeypatch.setattr("shutil.which", lambda name: None)
    assert "torch.compile needs a C++ compiler" in refused(capsys, *given, "--compile")
    assert not (tmp_path / "drawn").exists()
