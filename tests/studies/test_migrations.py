"""A database that holds a running study is brought up to date: its readers go on, and its rules stay."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path

from django.conf import settings

FROZEN_BEFORE = """
    INSERT INTO studies_study (id, name, title, seed, state, primary_end_point, margin, margin_reason, alpha,
        decision_cut, instruction_text, instruction_version, ratio_told, repeats, practice_films, override_reason, side,
        levels, manifest_hash, created_at, frozen_at, unblinding_reason)
        VALUES (1, 'running', 'Running', 1, 'frozen', 'auc', 0.1, 'Agreed.', 0.05, 4, 'Rate.', '1', 0, 0, 0, '', 8, 256,
        'f00d', '2026-01-01', '2026-01-01', '');
    INSERT INTO studies_reader (id, study_id, pseudonym, simulated, enrolled_at) VALUES (1, 1, 'R01', 0, '2026-01-01');
    INSERT INTO studies_readeridentity (reader_id, name, email, link_hash) VALUES (1, 'Ada', '', 'beef');
"""


def migrate(home: Path, *target: str) -> None:
    environment = {**os.environ, "READERSTUDY_HOME": str(home), "READERSTUDY_DEBUG": "1"}
    environment.pop("DATABASE_URL", None)
    command = [sys.executable, "manage.py", "migrate", "--verbosity", "0", *target]
    subprocess.run(command, cwd=settings.BASE_DIR, env=environment, check=True)


def rules(database: sqlite3.Connection) -> set[str]:
    return {name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")}


def test_a_study_that_is_being_read_goes_on(tmp_path: Path) -> None:
    migrate(tmp_path, "reading", "0002")
    with sqlite3.connect(tmp_path / "db.sqlite3") as database:
        database.executescript(FROZEN_BEFORE)
        rules_before = rules(database)
    migrate(tmp_path)
    with sqlite3.connect(tmp_path / "db.sqlite3") as database:
        [expires] = database.execute("SELECT link_expires_at FROM studies_readeridentity").fetchone()
        asked = database.execute("SELECT consent_text, profile_asked, display_asked FROM studies_study").fetchone()
        rules_now = rules(database)
    left = datetime.fromisoformat(f"{expires}+00:00") - datetime.now().astimezone()
    assert timedelta(days=89) < left <= timedelta(days=90)
    # Nothing is asked of readers that their study did not ask when it was frozen.
    assert asked == ("", 0, 0)
    assert rules_before
    assert rules_before <= rules_now
