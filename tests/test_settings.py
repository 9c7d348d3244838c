"""What the environment says, and what becomes of it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.test import Client


def setting(name: str, home: Path, **environment: str) -> str:
    """A setting as a fresh process reads it."""
    variables = os.environ | {"READERSTUDY_HOME": str(home), "READERSTUDY_DEBUG": "1"} | environment
    code = f"from readerstudy import settings; print(settings.{name})"
    done = subprocess.run([sys.executable, "-c", code], env=variables, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_blanks_between_host_names_are_no_part_of_them(tmp_path: Path) -> None:
    hosts = setting("ALLOWED_HOSTS", tmp_path, READERSTUDY_ALLOWED_HOSTS=" a.example.org, b.example.org")
    assert hosts == "['a.example.org', 'b.example.org']"


@pytest.mark.parametrize("asked", ["de", "fr-CA,fr;q=0.9", "en-US", ""])
def test_pages_name_the_language_that_they_are_in(client: Client, asked: str) -> None:
    page = client.get("/", headers={"Accept-Language": asked}).content.decode()
    assert '<html lang="en-gb">' in page
