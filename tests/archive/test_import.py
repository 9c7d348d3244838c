"""What all imports share: counting, duplicates, taking up again, the split, collections."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit, urlunsplit

import numpy as np
import pytest
from django.conf import settings as django_settings
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gan.pixels import Film, canonical, film_hash, read_film, write_film
from readerstudy.archive import services, tasks
from readerstudy.archive.models import Collection, Radiograph
from readerstudy.archive.services import AlreadyPresent, ExactDuplicate, create_collection, store_film
from readerstudy.audit.models import AuditRow
from readerstudy.jobs.models import Job
from readerstudy.jobs.services import enqueue
from tests.archive.files import ACTOR, bring_in, grey8, phantom, stored, write_picture, write_table

pytestmark = [pytest.mark.database, pytest.mark.django_db]

ROOT = Path(__file__).resolve().parents[2]


def pictures(folder: Path, films: int = 4) -> Path:
    for number in range(films):
        write_picture(folder / f"{number}.png", grey8(number))
    return folder


def everything_fits() -> bool:
    """Every row has its film, and there is no other file under a film's name."""
    rows = list(Radiograph.objects.all())
    files = set(django_settings.FILMS.rglob("*.png"))
    return files == {row.path for row in rows} and all(film_hash(read_film(row.path)) == row.film_hash for row in rows)


# Counting

KINDS = ["a", "b", "c", "empty", "garbage", "black"]
numbers = count()


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    first=st.lists(st.sampled_from(KINDS), min_size=1, max_size=6), later=st.lists(st.sampled_from(KINDS), max_size=4)
)
def test_every_film_is_counted_once_whatever_comes(first: list[str], later: list[str]) -> None:
    with TemporaryDirectory() as folder:
        collection = f"films-{next(numbers)}"
        for run in (first, first + later):
            for number, kind in enumerate(run):
                write_kind(Path(folder) / f"{number}.png", kind)
            # `bring_in` compares what was found with the sum of what became of it.
            summary = bring_in(Path(folder), collection)
            assert summary.found == len(run)
        different = {kind for kind in first + later if kind in "abc"}
        assert Radiograph.objects.filter(collection__name=collection).count() == len(different)
        assert len(summary.refused) == sum(kind not in "abc" for kind in first + later)


def write_kind(path: Path, kind: str) -> None:
    if kind == "empty":
        path.touch()
    elif kind == "garbage":
        path.write_bytes(b"no picture")
    elif kind == "black":
        write_picture(path, np.zeros((16, 16), np.uint8))
    else:
        write_picture(path, np.random.default_rng(ord(kind)).integers(0, 256, (16, 16), dtype=np.uint8))


def test_two_films_of_one_name_are_two_films_and_a_copy_is_counted(source: Path) -> None:
    write_picture(source / "one/film.png", grey8(1))
    write_picture(source / "two/film.png", grey8(2))
    write_picture(source / "two/copy.png", grey8(2))
    summary = bring_in(source)
    assert (summary.found, summary.imported, summary.duplicates) == (3, 2, 1)
    assert stored("one/film.png").film_hash == film_hash(canonical(grey8(1)))
    assert {row.source_path for row in Radiograph.objects.all()} == {"one/film.png", "two/copy.png"}
    assert everything_fits()


def test_the_same_film_may_be_in_two_collections(source: Path) -> None:
    assert bring_in(pictures(source, 1), "one").imported == 1
    assert bring_in(source, "two").imported == 1
    assert everything_fits()


def test_a_second_run_brings_what_is_new(source: Path) -> None:
    bring_in(pictures(source, 2))
    summary = bring_in(pictures(source, 3))
    assert (summary.found, summary.imported, summary.already_present) == (3, 1, 2)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("when", ["half", "whole"])
def test_a_killed_import_is_taken_up_again(source: Path, home: Path, when: str) -> None:
    folder = pictures(source, 5)
    killed = subprocess.run(
        [sys.executable, "-m", "tests.archive.mortal", when, str(folder)], cwd=ROOT, env=environment(home), check=False
    )
    assert killed.returncode == -signal.SIGKILL
    assert Radiograph.objects.count() == 2
    assert all(film_hash(read_film(row.path)) == row.film_hash for row in Radiograph.objects.all())
    summary = bring_in(folder)
    assert (summary.already_present, summary.imported) == (2, 3)
    assert everything_fits()
    assert not list(django_settings.FILMS.rglob("*.partial"))


def environment(home: Path) -> dict[str, str]:
    """Another process on this test's database and films."""
    database = connection.settings_dict["NAME"]
    url = f"sqlite:///{database}"
    if connection.vendor == "postgresql":
        url = urlunsplit(urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{database}"))
    own = {"DATABASE_URL": url, "READERSTUDY_DEBUG": "1", "READERSTUDY_HOME": str(home)}
    return os.environ | own | {"DJANGO_SETTINGS_MODULE": "readerstudy.settings"}


@pytest.mark.parametrize(("folder", "counted"), [("", "already_present"), ("copy", "duplicates")])
def test_a_film_that_another_import_brings_in_meanwhile_is_counted(
    source: Path, monkeypatch: pytest.MonkeyPatch, folder: str, counted: str
) -> None:
    mine, other = source / "mine", source / "other"
    pictures(mine / "1", films=2)
    pictures(other / (folder or "1"), films=2)
    real = services.write_film

    def meanwhile(path: Path, film: Film) -> None:
        monkeypatch.setattr(services, "write_film", real)
        assert bring_in(other).imported == 2
        real(path, film)

    monkeypatch.setattr(services, "write_film", meanwhile)
    summary = bring_in(mine)
    assert (summary.imported, getattr(summary, counted), summary.refused) == (0, 2, {})
    assert everything_fits()


def test_two_imports_that_begin_one_collection_end_in_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    real = Collection.full_clean

    def meanwhile(collection: Collection, *args: object, **kwargs: object) -> None:
        real(collection)
        Collection.objects.create(name=collection.name, truth="real", origin="elsewhere")

    monkeypatch.setattr(Collection, "full_clean", meanwhile)
    with pytest.raises(ValidationError, match="Collection with this Name already exists"):
        create_collection(name="films", truth="real", origin="here", actor=ACTOR)


def test_a_full_disk_stops_the_import_and_the_next_one_goes_on(source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written = []

    def write_until_full(path: Path, film: Film) -> None:
        if len(written) == 2:
            raise OSError(errno.ENOSPC, "No space left on device")
        written.append(path)
        write_film(path, film)

    pictures(source)
    with monkeypatch.context() as full:
        full.setattr(services, "write_film", write_until_full)
        with pytest.raises(ValidationError, match=r"stopped at 2\.png: No space left on device\. Mend that"):
            bring_in(source)
    assert everything_fits()
    assert bring_in(source).counts() == {
        "found": 4,
        "imported": 2,
        "exact_duplicates": 0,
        "refused": 0,
        "already_present": 2,
    }


# The split


def test_a_patient_on_both_sides_of_the_split_stays_outside(source: Path) -> None:
    pictures(source)
    rows = ("0.png,7,train_val", "1.png,0007,test", "2.png,8,train_val", "3.png,8,")
    write_table(source / "labels.csv", "file,patient_id,official_split", *rows)
    summary = bring_in(source)
    reason = "Its patient has films on both sides of the split."
    assert summary.refused == {"0.png": reason, "1.png": reason}
    assert stored("2.png").split == "train"


def test_a_patient_stays_on_the_side_of_an_earlier_run(source: Path) -> None:
    pictures(source, 1)
    write_table(source / "labels.csv", "file,patient_id,official_split", "0.png,7,train_val")
    bring_in(source)
    pictures(source, 3)
    rows = ("0.png,7,train_val", "1.png,7,test", "2.png,7,train_val")
    write_table(source / "labels.csv", "file,patient_id,official_split", *rows)
    summary = bring_in(source)
    assert summary.refused.keys() == {"1.png"}
    assert (summary.already_present, summary.imported) == (1, 1)


# Collections


def test_an_import_into_another_kind_of_collection_changes_nothing(source: Path) -> None:
    bring_in(pictures(source, 1), origin="hospital", licence="CC0")
    pictures(source, 2)
    for options in ({"truth": "synthetic"}, {"origin": "clinic"}, {"licence": "none"}):
        with pytest.raises(ValidationError, match="name another one"):
            bring_in(source, **options)
    assert Radiograph.objects.count() == 1


@pytest.mark.parametrize("options", [{"truth": "unknown"}, {"collection": "no name"}])
def test_a_collection_that_cannot_be_is_refused(source: Path, options: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        bring_in(pictures(source, 1), **options)
    assert not Collection.objects.exists()


def test_an_empty_folder_and_none_at_all_are_refused(source: Path) -> None:
    (source / "empty").mkdir()
    with pytest.raises(ValidationError, match="There are no DICOM, PNG or JPEG films"):
        bring_in(source / "empty")
    with pytest.raises(ValidationError, match="is not a folder"):
        bring_in(source / "missing")
    with pytest.raises(ValidationError, match="There is no form “tiff”; there are: chestxray14, dicom, folder"):
        bring_in(source, form="tiff")
    assert not Collection.objects.exists()


def test_the_act_is_logged(source: Path) -> None:
    bring_in(pictures(source, 2))
    rows = AuditRow.objects.filter(subject="collection:films").order_by("id")
    assert [row.action for row in rows] == ["collection created", "import begun", "import ended"]
    assert rows[2].detail == {
        "path": str(source),
        "found": 2,
        "imported": 2,
        "exact_duplicates": 0,
        "refused": 0,
        "already_present": 0,
    }


# One film


def test_one_film_is_stored_with_its_findings_or_not_at_all() -> None:
    collection = create_collection(name="drawn", truth="synthetic", origin="generator", actor=ACTOR)
    film = canonical(phantom(1))
    with pytest.raises(ValidationError, match="Cough"):
        store_film(collection=collection, film=film, source_path="1", levels=256, findings=["Mass", "Cough"])
    assert not Radiograph.objects.exists()
    stored_film = store_film(collection=collection, film=film, source_path="1", levels=256, findings=["Mass", "Mass"])
    assert np.array_equal(read_film(stored_film.path), film)
    with pytest.raises(AlreadyPresent, match="holds 1 already"):
        store_film(collection=collection, film=canonical(phantom(2)), source_path="1", levels=256)
    with pytest.raises(ExactDuplicate, match="2 has the same pixels as 1"):
        store_film(collection=collection, film=film, source_path="2", levels=256)
    assert everything_fits()


# Doors


def test_the_command_names_what_was_refused_and_counts(source: Path, capsys: pytest.CaptureFixture) -> None:
    pictures(source, 2)
    (source / "empty.png").touch()
    call_command("import_radiographs", str(source), "--collection", "films", "--truth", "real", "--origin", "here")
    shown = capsys.readouterr()
    assert shown.out.splitlines() == [
        "Refused: empty.png: The file is empty.",
        "Found 3 = imported 2 + exact duplicates 0 + refused 1 + already present 0.",
    ]
    assert "Importing" in shown.err
    assert Collection.objects.get().origin == "here"


def test_the_command_ends_in_one_sentence_when_it_cannot_begin(source: Path) -> None:
    with pytest.raises(CommandError, match="is not a folder"):
        call_command("import_radiographs", str(source / "x"), "--collection", "films", "--truth", "real")


@pytest.mark.django_db(transaction=True)
def test_an_import_runs_as_a_job(source: Path) -> None:
    asked = {"path": str(pictures(source, 2)), "collection": "films", "truth": "real"}
    job = enqueue(tasks.import_radiographs, title="Import", actor=ACTOR, **asked)
    call_command("run_jobs", once=True)
    job.refresh_from_db()
    assert (job.state, job.steps_total) == (Job.State.DONE, 2)
    assert job.message == "Found 2 = imported 2 + exact duplicates 0 + refused 0 + already present 0."
