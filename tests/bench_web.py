"""`make bench-web`: how fast the reading room is, on PostgreSQL behind gunicorn; one JSON line for each figure.

Server, database and the readers' client share this machine. The database keeps what it acknowledged through a power
cut, as in earnest. A read is one answer and the slot after it, with its time, its place in the order and its audit row.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from http.client import HTTPConnection
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any

from tests.postgresql import ACCOUNT, find_binaries, with_server

WORKERS, READERS, FILMS = 4, 20, 200
SIDE, LARGE_SIDE = 64, 1024
ARCHIVES = (1_000, 20_000)
PORT = 8971
CLOCK_TICKS = os.sysconf("SC_CLK_TCK")


def main() -> int:
    if "--inside" in sys.argv:
        return measure()
    binaries = find_binaries()
    if binaries is None:
        sys.stderr.write("PostgreSQL's server is not installed, so the reading room is not measured.\n")
        return 1
    with tempfile.TemporaryDirectory() as database, tempfile.TemporaryDirectory() as home:
        os.environ |= {
            "READERSTUDY_DEBUG": "0",
            "READERSTUDY_HTTPS": "0",
            "READERSTUDY_HOME": home,
            "READERSTUDY_ALLOWED_HOSTS": "127.0.0.1",
            "READERSTUDY_SECRET_KEY": secrets.token_urlsafe(60),
            "READERSTUDY_PSEUDONYM_KEY": secrets.token_urlsafe(60),
            "DJANGO_SETTINGS_MODULE": "readerstudy.settings",
        }
        if os.geteuid() == 0:
            shutil.chown(database, ACCOUNT)
        return with_server(
            binaries, Path(database), [sys.executable, "-m", "tests.bench_web", "--inside"], durable=True
        )


def measure() -> int:
    import django

    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    call_command("collectstatic", verbosity=0, interactive=False)
    study = make_study("answers", SIDE, FILMS)
    large = make_study("pixels", LARGE_SIDE, 8)
    for films in ARCHIVES:
        fill_archive(films)
        for with_film in (False, True):
            with server(), shares() as used:
                fast = reading(study, films_each=FILMS // 2, pause=0, with_film=with_film)
            tell(
                "reads per second, flat out",
                round(fast.per_second, 1),
                with_film=with_film,
                archive=films,
                answer=fast.quantiles(),
                used=used,
            )
        with server(), shares() as used:
            calm = reading(study, films_each=20, pause=1, with_film=True)
        tell(
            "milliseconds of an answer, p95, calm",
            calm.quantiles()["p95"],
            archive=films,
            answer=calm.quantiles(),
            used=used,
        )
    with server(), shares() as used:
        speed = fetching(large)
    tell("megabytes of film per second, 1024²", round(speed), archive=ARCHIVES[-1], used=used)
    tell_page(study)
    return 0


# What is measured


class Reading:
    """What a crowd of readers saw of answers: seconds each, and of all together."""

    def __init__(self, seconds: list[float], wall: float) -> None:
        self.seconds, self.wall = seconds, wall

    @property
    def per_second(self) -> float:
        return len(self.seconds) / self.wall

    def quantiles(self) -> dict[str, float]:
        hundredths = statistics.quantiles(self.seconds, n=100)
        return {f"p{share}": round(1000 * hundredths[share - 1], 1) for share in (50, 95, 99)}


def reading(study: Any, films_each: int, pause: float, with_film: bool) -> Reading:
    """READERS at once read `films_each` films each, with `pause` seconds between an answer and the next.

    They begin one after the other within one pause, since no two people work in step. Without film, all films have been
    sent before, and answers alone are measured.
    """
    from django.utils import timezone

    from readerstudy.studies.models import Slot

    visitors = [Visitor(token) for token in invite(study)]
    if not with_film:
        Slot.objects.filter(case__study=study, shown_at=None).update(shown_at=timezone.now())
    seconds: list[float] = []

    def read(number: int, visitor: Visitor) -> None:
        time.sleep(pause * number / READERS)
        slot = visitor.get("/read/slot/")
        for _ in range(films_each):
            if with_film:
                visitor.raw("GET", f"/read/film/{slot['code']}/")
            time.sleep(pause)
            begun = time.perf_counter()
            said = {"rating": 4, "milliseconds": 4000, "active_milliseconds": 3500, "uses": {"window_uses": 2}}
            reply = visitor.post(f"/read/answer/{slot['code']}/", said)
            seconds.append(time.perf_counter() - begun)
            slot = reply["next"]

    readers = [partial(read, number, visitor) for number, visitor in enumerate(visitors)]
    return Reading(seconds, wall=together(readers))


def fetching(study: Any, times: int = 60) -> float:
    """Megabytes per second of films that WORKERS readers fetch at once, each with its access check."""
    visitors = [Visitor(token) for token in invite(study)[:WORKERS]]
    codes = [visitor.get("/read/slot/")["code"] for visitor in visitors]

    def fetch(visitor: Visitor, code: str) -> None:
        for _ in range(times):
            assert len(visitor.raw("GET", f"/read/film/{code}/")) == 2 * LARGE_SIDE**2

    pairs = zip(visitors, codes, strict=True)
    wall = together([lambda visitor=visitor, code=code: fetch(visitor, code) for visitor, code in pairs])
    return WORKERS * times * 2 * LARGE_SIDE**2 / 1e6 / wall


def tell_page(study: Any) -> None:
    """The researcher's page of 200 readers and 500 films."""
    from django.contrib.auth.models import User
    from django.db import connection
    from django.test import Client
    from django.test.utils import CaptureQueriesContext

    from readerstudy.studies.models import Reader, Sitting, Slot

    cases = list(study.cases.all())
    for number in range(200):
        reader = Reader.objects.create(study=study, pseudonym=f"T{number:03d}")
        sitting = Sitting.objects.create(reader=reader)
        Slot.objects.bulk_create(
            Slot(
                sitting=sitting,
                position=position,
                case=cases[position % len(cases)],
                kind="main" if position < len(cases) else "repeat",
            )
            for position in range(500)
        )
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO reading_answer (slot_id, revision, rating, chosen, milliseconds, active_milliseconds,"
            " window_uses, zoom_uses, pan_uses, answered_at) SELECT slot.id, 1, 4, '', 4000, 4000, 0, 0, 0, now()"
            " FROM studies_slot slot JOIN studies_sitting s ON s.id = slot.sitting_id"
            " JOIN studies_reader r ON r.id = s.reader_id WHERE r.pseudonym LIKE 'T%' AND slot.position % 2 = 0"
        )
        cursor.execute("ANALYZE")
    client = Client(SERVER_NAME="127.0.0.1")
    client.force_login(User.objects.create_superuser("bench"))
    begun = time.perf_counter()
    with CaptureQueriesContext(connection) as captured:
        assert client.get(f"/admin/studies/study/{study.pk}/readers/").status_code == 200
    seconds = time.perf_counter() - begun
    tell("milliseconds of the page of 200 readers and 500 films", round(1000 * seconds), queries=len(captured))


# The readers


class Visitor:
    """One reader's browser: cookies, and one connection while the server keeps it."""

    def __init__(self, token: str) -> None:
        self.connection = HTTPConnection("127.0.0.1", PORT, timeout=60)
        self.cookies: dict[str, str] = {}
        self.raw("GET", f"/read/{token}/")
        self.raw("GET", "/read/room/")

    def get(self, path: str) -> Any:
        return json.loads(self.raw("GET", path))

    def post(self, path: str, fields: Any) -> Any:
        headers = {"Content-Type": "application/json", "X-CSRFToken": self.cookies["csrftoken"]}
        return json.loads(self.raw("POST", path, json.dumps(fields), headers))

    def raw(self, method: str, path: str, body: str | None = None, headers: dict[str, str] | None = None) -> bytes:
        cookies = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        self.connection.request(method, path, body, {"Cookie": cookies, **(headers or {})})
        reply = self.connection.getresponse()
        content = reply.read()
        assert reply.status < 400, (reply.status, content[:200])
        for cookie in reply.headers.get_all("Set-Cookie", []):
            self.cookies |= {name: morsel.value for name, morsel in SimpleCookie(cookie).items()}
        return content


def together(works: list[Callable[[], None]]) -> float:
    """Do all at once; gives the seconds that it took. What fails in one is raised."""
    faults: list[BaseException] = []

    def guarded(work: Callable[[], None]) -> None:
        try:
            work()
        except BaseException as fault:
            faults.append(fault)

    threads = [threading.Thread(target=guarded, args=(work,)) for work in works]
    begun = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if faults:
        raise faults[0]
    return time.perf_counter() - begun


def invite(study: Any) -> list[str]:
    from readerstudy.studies.services import invite_reader

    return [invite_reader(study=study, actor="bench")[1] for _ in range(READERS)]


# The server and its films


@contextmanager
def server() -> Iterator[None]:
    """gunicorn as docs/operations.md starts it."""
    command = [sys.executable, "-m", "gunicorn", "readerstudy.wsgi", f"--workers={WORKERS}", f"--bind=127.0.0.1:{PORT}"]
    process = subprocess.Popen([*command, "--log-level=error"])
    try:
        wait_for_server()
        yield
    finally:
        process.terminate()
        process.wait()


def wait_for_server() -> None:
    for _ in range(200):
        try:
            connection = HTTPConnection("127.0.0.1", PORT, timeout=5)
            connection.request("GET", "/")
            connection.getresponse().read()
            return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError("The server did not start.")


def make_study(name: str, side: int, films: int) -> Any:
    """A frozen study of films of noise, half of them synthetic."""
    from readerstudy.studies.services import add_arm, freeze_study
    from tests.studies.films import ACTOR, add_film, make_collection
    from tests.studies.films import make_study as designed

    study = designed(name, override_reason="Noise has no patient.", block_films=0)
    for role, truth in (("real", "real"), ("generator", "synthetic")):
        collection = make_collection(f"{name}-{truth}", truth)
        for number in range(films // 2):
            add_film(collection, number, side=side, levels=256)
        add_arm(study=study, actor=ACTOR, name=truth, role=role, collection=collection, films=films // 2)
    return freeze_study(study=study, actor=ACTOR)


def fill_archive(films: int) -> None:
    """Bring the archive to so many films. What no study uses needs no pixels here."""
    from django.db import connection

    from readerstudy.archive.models import Radiograph
    from tests.studies.films import make_collection

    missing = films - Radiograph.objects.count()
    collection = make_collection(f"archive-{films}")
    Radiograph.objects.bulk_create(
        Radiograph(
            collection=collection,
            source_path=f"{films}-{number}.png",
            film=f"{films}-{number}.png",
            film_hash=secrets.token_hex(32),
            side=LARGE_SIDE,
            levels=256,
            native_rows=LARGE_SIDE,
            native_columns=LARGE_SIDE,
            patient=secrets.token_hex(32),
        )
        for number in range(missing)
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


# What is told


@contextmanager
def shares() -> Iterator[dict[str, float]]:
    """Of one processor, how much client, server and database were at work meanwhile."""
    used: dict[str, float] = {}
    before, begun = processor_seconds(), time.perf_counter()
    yield used
    wall = time.perf_counter() - begun
    used |= {name: round((now - before[name]) / wall, 2) for name, now in processor_seconds().items()}


def processor_seconds() -> dict[str, float]:
    seconds = {"client": 0.0, "server": 0.0, "database": 0.0}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            called = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        who = "client" if folder.name == str(os.getpid()) else None
        who = who or (
            "server" if f"--bind=127.0.0.1:{PORT}" in called else "database" if "postgres" in called else None
        )
        if who:
            seconds[who] += (int(fields[11]) + int(fields[12])) / CLOCK_TICKS
    return seconds


def tell(figure: str, value: float, **circumstances: Any) -> None:
    common = {"workers": WORKERS, "cores": os.cpu_count(), "load": round(os.getloadavg()[0], 1)}
    print(json.dumps({"figure": figure, "value": value} | circumstances | common), flush=True)


if __name__ == "__main__":
    sys.exit(main())
