"""The commands of docs/walkthrough.md as they stand there, with smaller numbers, on real films."""

from __future__ import annotations

import csv
import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.entrance import come_in
from tests.browser.processes import ROOT, found_in, free_port, started, wait_for_server
from tests.browser.screen import enter, film_is_shown, rate

pytestmark = [pytest.mark.browser]

TRAINING_FILMS, HELD_OUT_FILMS, FILMS_PER_ARM = 64, 40, 8
SMALLER = {
    "--kimg 120": "--kimg 1 --threads 1",
    "--count 200": "--count 12",
    "--films-per-arm 100": f"--films-per-arm {FILMS_PER_ARM}",
    "--practice 4": "--practice 2",
}


def commands() -> list[str]:
    """Every call of manage.py in the document, in order, with smaller numbers."""
    text = (ROOT / "docs" / "walkthrough.md").read_text(encoding="utf-8")
    for written, smaller in SMALLER.items():
        assert text.count(written) == 1
        text = text.replace(written, smaller)
    blocks = re.findall(r"```bash\n(.*?)```", text, flags=re.DOTALL)
    return [line.removeprefix("manage ") for block in blocks for line in block.splitlines() if line[:7] == "manage "]


@pytest.fixture
def films(real_films: Path, tmp_path: Path) -> Path:
    """A folder with some of the real films, as links, and their rows of labels.csv."""
    folder = tmp_path / "nih"
    (folder / "images").mkdir(parents=True)
    with (real_films / "nih" / "labels.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    # One film of each patient: a study shows no patient twice.
    rows = list({row["patient_id"]: row for row in rows}.values())
    chosen = [row for row in rows if row["official_split"] == "train_val"][:TRAINING_FILMS]
    chosen += [row for row in rows if row["official_split"] == "test"][:HELD_OUT_FILMS]
    for row in chosen:
        (folder / row["file"]).symlink_to(real_films / "nih" / row["file"])
    with (folder / "labels.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(chosen)
    return folder


def test_the_walkthrough_leads_from_films_to_a_report(films: Path, page: Page, tmp_path: Path) -> None:
    port = free_port()
    environment = {
        "READERSTUDY_DEBUG": "1",
        "READERSTUDY_HOME": str(tmp_path / "home"),
        "DATABASE_URL": f"sqlite:///{tmp_path / 'walkthrough.sqlite3'}",
        "FILMS": str(films),
    }
    said: dict[str, str] = {}
    for command in commands():
        written = command.replace("$FILMS", str(films)).replace("127.0.0.1:8000", f"127.0.0.1:{port}")
        words = [sys.executable, str(ROOT / "manage.py"), *shlex.split(written)]
        name = words[2]
        if name == "runserver":
            log = tmp_path / "server.log"
            with started([*words, "--noreload"], environment, log) as _server:
                read_everything(page, found_in(said["invite_reader"], "Reader"))
            continue
        done = subprocess.run(
            words, cwd=tmp_path, env=os.environ | environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{command}\n{done.stderr[-2000:]}"
        said[name] = done.stdout

    found = TRAINING_FILMS + HELD_OUT_FILMS
    assert f"Found {found} = imported " in said["import_radiographs"]
    assert "Findings of arm real (asked for, drawn):" in said["freeze_study"]
    report = Path(found_in(said["analyse_study"], "File"))
    figures = json.loads((report.parent / "report.json").read_text(encoding="utf-8"))
    assert figures["readers"]["n"]["readers"] == 1
    assert figures["images"]["arms"]["synthetic"]["frechet"] > 0
    page.goto(report.as_uri())
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    with (tmp_path / "answers.csv").open(newline="", encoding="utf-8") as file:
        answers = list(csv.DictReader(file))
    assert [row["truth"] for row in answers if row["kind"] == "main"].count("real") == FILMS_PER_ARM
    assert len(answers) == 2 * FILMS_PER_ARM + 2


def read_everything(page: Page, link: str) -> None:
    wait_for_server(link)
    come_in(page, link)
    enter(page, link)
    practice, main = 2, 2 * FILMS_PER_ARM
    names = [f"Practice film {n} of {practice}" for n in range(1, practice + 1)]
    names += [f"Film {n} of {main}" for n in range(1, main + 1)]
    for number, name in enumerate(names):
        film_is_shown(page, name)
        rate(page, 1 + number % 6)
    expect(page.get_by_text("Thank you for reading.")).to_be_visible()
