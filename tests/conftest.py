"""Shared fixtures. Films of tests are phantoms; real films come from READERSTUDY_DATA where it is set."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import connection
from django.db.backends.sqlite3.base import DatabaseOperations
from hypothesis import settings as drawing

# The films of tests are small: a second thread would wait more than work.
os.environ.setdefault("OMP_NUM_THREADS", "1")
# How long an example takes says how busy the machine is, not whether the code is right.
drawing.register_profile("no deadline", deadline=None)
drawing.load_profile("no deadline")


@pytest.fixture(autouse=True)
def home(settings: object, tmp_path: Path) -> Path:
    """Everything that the product writes goes to a folder of the test's own."""
    settings.HOME = tmp_path  # type: ignore[attr-defined]
    for name in ("films", "studies", "runs", "reports"):
        setattr(settings, name.upper(), tmp_path / name)
    settings.STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}  # type: ignore[attr-defined]
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # type: ignore[attr-defined]
    return tmp_path


@pytest.fixture(scope="session")
def real_films() -> Path:
    """The folder of real radiographs, or a skip that says why."""
    folder = os.environ.get("READERSTUDY_DATA")
    if not folder:
        pytest.skip("READERSTUDY_DATA is not set, so there are no real films.")
    return Path(folder)


@pytest.fixture(scope="session")
def django_db_modify_db_settings(tmp_path_factory: pytest.TempPathFactory) -> None:
    """SQLite's tests run on a file, as the product does, so that threads and other processes meet in it."""
    if connection.vendor == "sqlite":
        connection.settings_dict["TEST"]["NAME"] = str(tmp_path_factory.mktemp("database") / "test.sqlite3")


@pytest.fixture(scope="session", autouse=True)
def _flush_past_the_triggers() -> Iterator[None]:
    """Let Django's flush between transactional tests empty append-only tables (PostgreSQL truncates them)."""
    original = DatabaseOperations.sql_flush

    def sql_flush(self: DatabaseOperations, *args: object, **kwargs: object) -> list[str]:
        with self.connection.cursor() as cursor:
            cursor.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
            triggers = cursor.fetchall()
        statements = original(self, *args, **kwargs)  # type: ignore[arg-type]
        return [f"DROP TRIGGER {name}" for name, _ in triggers] + statements + [sql for _, sql in triggers]

    DatabaseOperations.sql_flush = sql_flush  # type: ignore[method-assign]
    yield
    DatabaseOperations.sql_flush = original  # type: ignore[method-assign]
