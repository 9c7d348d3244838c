"""The product as a person starts it: commands and a server as processes of their own."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

ROOT = Path(__file__).resolve().parents[2]
SECONDS_TO_START = 60


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


@contextmanager
def started(command: list[str], environment: dict[str, str], log: Path) -> Iterator[subprocess.Popen]:
    """A process in a group of its own, whose output goes to `log`; it is killed at the end if it still runs."""
    with log.open("wb") as file:
        process = subprocess.Popen(
            command, cwd=ROOT, env=os.environ | environment, stdout=file, stderr=file, start_new_session=True
        )
        try:
            yield process
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def wait_for_server(address: str) -> None:
    """Wait until something listens at the address of a page."""
    parts = urlsplit(address)
    deadline = time.monotonic() + SECONDS_TO_START
    while True:
        try:
            socket.create_connection((parts.hostname, parts.port), timeout=1).close()
        except OSError:
            assert time.monotonic() < deadline, f"Nothing listens at {address}."
            time.sleep(0.1)
        else:
            return


def found_in(text: str, name: str) -> str:
    """What stands behind “name: ” on a line of its own."""
    (value,) = re.findall(rf"^{name}: (\S+)$", text, flags=re.MULTILINE)
    return value
