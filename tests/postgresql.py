"""Run a command against a PostgreSQL server of its own: `python -m tests.postgresql COMMAND …`.

The server lives in a temporary folder, listens on a socket there and nowhere else, and is gone afterwards. Where no
server is installed, this says so and does nothing; in CI that is a failure.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from urllib.parse import quote

# PostgreSQL refuses to run as root; Debian's package brings this account.
ACCOUNT = "postgres"


def main(command: list[str]) -> int:
    binaries = find_binaries()
    if binaries is None:
        sys.stderr.write("PostgreSQL's server is not installed: the database tests ran on SQLite alone.\n")
        return 1 if os.environ.get("CI") else 0
    with tempfile.TemporaryDirectory(prefix="postgresql-") as folder:
        if os.geteuid() == 0:
            shutil.chown(folder, ACCOUNT)
        return with_server(binaries, Path(folder), command)


def find_binaries() -> Path | None:
    """The folder of initdb and pg_ctl: on the path, or where Debian puts the newest."""
    on_path = shutil.which("pg_ctl")
    if on_path:
        return Path(on_path).parent
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin/pg_ctl"), key=lambda path: int(path.parts[-3]))
    return versions[-1].parent if versions else None


def with_server(binaries: Path, folder: Path, command: list[str], *, durable: bool = False) -> int:
    """Tests need no power cut survived; a measurement asks for `durable`."""
    data = folder / "data"
    options = f"-c listen_addresses= -c unix_socket_directories={folder} -c max_connections=200"
    options += "" if durable else " -c fsync=off"
    as_account([binaries / "initdb", "-D", data, "-U", ACCOUNT, "--auth=trust", "--encoding=UTF8", "--no-sync"])
    as_account([binaries / "pg_ctl", "-D", data, "-o", options, "-l", folder / "log", "-w", "start"])
    try:
        url = f"postgres://{ACCOUNT}@{quote(str(folder), safe='')}/postgres"
        return subprocess.run(command, env=os.environ | {"DATABASE_URL": url}, check=False).returncode
    finally:
        as_account([binaries / "pg_ctl", "-D", data, "-m", "immediate", "-w", "stop"])


def as_account(command: list[str | Path]) -> None:
    switch = ["runuser", "-u", ACCOUNT, "--"] if os.geteuid() == 0 else []
    subprocess.run([*switch, *map(str, command)], check=True, stdout=subprocess.DEVNULL, cwd="/")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
