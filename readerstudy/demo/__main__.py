"""`make demo`: a study to read in the browser, on phantom films, in a folder of its own.

The first start takes minutes, every later one seconds: what is there is kept, above all what was read. Ends with
Ctrl-C or SIGTERM.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import FrameType

import django
from django.core.exceptions import ImproperlyConfigured, ValidationError
from django.core.management import CommandError, call_command

from readerstudy.commands import sentences
from readerstudy.kept_secret import kept_secret

BASE_DIR = Path(__file__).resolve().parent.parent.parent
HOME = Path(os.environ.get("READERSTUDY_HOME", BASE_DIR / "var" / "demo"))
ADDRESS = "127.0.0.1"
SECONDS_TO_START = 60.0
SECONDS_TO_END = 6.0


class Stopped(Exception):
    """Somebody asked the demo to end."""


def main() -> int:
    """Prepare what is missing, print the three addresses and serve until somebody stops it."""
    signal.signal(signal.SIGTERM, _stop)
    try:
        port = _free_port(os.environ.get("PORT", "8000"))
        _set_environment()
        django.setup()
        base_url = f"http://{ADDRESS}:{port}"
        lines = _prepare(base_url)
        with Processes() as processes:
            processes.start(
                "gunicorn", "readerstudy.wsgi", f"--bind={ADDRESS}:{port}", "--workers=2", "--threads=4",
                f"--graceful-timeout={SECONDS_TO_END - 2:.0f}", "--log-level=warning",
            )  # fmt: skip
            processes.start(str(BASE_DIR / "manage.py"), "run_jobs")
            _wait_for(port, processes.running)
            print(*lines, "Ctrl-C stops the demo; what was read is kept.", sep="\n", flush=True)
            while processes.running():
                time.sleep(0.5)
        print("error: a process of the demo has ended; look at its message above.", file=sys.stderr)
    except (Stopped, KeyboardInterrupt):
        return 0
    except ValidationError as error:
        print(f"error: {sentences(error)}", file=sys.stderr)
    except (CommandError, ImproperlyConfigured, OSError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
    return 1


class Processes:
    """The server and the worker, which end together with the demo."""

    def __init__(self) -> None:
        self._processes: list[subprocess.Popen] = []

    def __enter__(self) -> Processes:
        return self

    def __exit__(self, *exception: object) -> None:
        # A signal to the whole group has reached them already, and a second one would break off their orderly end.
        self._wait(SECONDS_TO_END / 2)
        for process in self._processes:
            process.terminate()
        self._wait(SECONDS_TO_END / 2)
        for process in self._processes:
            process.kill()
            process.wait()

    def start(self, program: str, *arguments: str) -> None:
        """Run a program of this environment; a name without a folder is a module's."""
        module = [] if "/" in program else ["-m"]
        self._processes.append(subprocess.Popen([sys.executable, *module, program, *arguments], cwd=BASE_DIR))

    def _wait(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        for process in self._processes:
            with suppress(subprocess.TimeoutExpired):
                process.wait(max(0.0, deadline - time.monotonic()))

    def running(self) -> bool:
        return all(process.poll() is None for process in self._processes)


def _stop(number: int, frame: FrameType | None) -> None:
    # A second signal must not break off the orderly end.
    signal.signal(number, signal.SIG_IGN)
    raise Stopped


def _free_port(asked: str) -> int:
    if not asked.isdecimal():
        raise ValueError(f"PORT must be a number, not {asked!r}.")
    port = int(asked)
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((ADDRESS, port))
        except OSError as error:
            raise OSError(
                f"Port {port} is taken ({error.strerror}); choose another one: PORT=8001 make demo."
            ) from error
    return port


def _set_environment() -> None:
    """Production settings on a machine that nobody else can reach, with keys that stay the same from start to start."""
    HOME.mkdir(parents=True, exist_ok=True)
    os.environ |= {
        "DJANGO_SETTINGS_MODULE": "readerstudy.settings",
        "READERSTUDY_HOME": str(HOME),
        "READERSTUDY_DEBUG": "0",
        "READERSTUDY_HTTPS": "0",
        "READERSTUDY_ALLOWED_HOSTS": f"localhost,{ADDRESS}",
        "READERSTUDY_SECRET_KEY": kept_secret(HOME / "secret_key"),
        "READERSTUDY_PSEUDONYM_KEY": kept_secret(HOME / "pseudonym_key"),
        "DATABASE_URL": f"sqlite:///{HOME / 'db.sqlite3'}",
        # PyTorch's threads sleep while they wait, so that drawing is quick beside other work too.
        "OMP_WAIT_POLICY": "PASSIVE",
    }


def _prepare(base_url: str) -> list[str]:
    call_command("migrate", verbosity=0)
    call_command("collectstatic", verbosity=0, interactive=False)
    # Models can be imported only now that Django is set up.
    from readerstudy.demo.studies import prepare

    return prepare(base_url, password=kept_secret(HOME / "password", random_bytes=12), link=HOME / "reader_link")


def _wait_for(port: int, running: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SECONDS_TO_START
    while running() and time.monotonic() < deadline:
        try:
            socket.create_connection((ADDRESS, port), timeout=1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise OSError(f"The server did not begin to listen on port {port}; look at its message above.")


if __name__ == "__main__":
    sys.exit(main())
