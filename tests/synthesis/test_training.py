"""Training on films of the archive."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command
from django.test import Client

from gan.checkpoint import checkpoints
from gan.config import preset
from gan.provenance import key_fingerprint
from gan.stopping import TrainingStopped
from readerstudy.archive.models import Collection, Radiograph
from readerstudy.audit.models import AuditRow
from readerstudy.jobs import services as jobs
from readerstudy.jobs.models import Job
from readerstudy.synthesis import services, tasks
from readerstudy.synthesis.models import Generator, TrainingRun
from tests.studies.films import ACTOR, add_film, make_collection, make_generator

pytestmark = [pytest.mark.database, pytest.mark.django_db(transaction=True)]

ASKED = ("--collection", "nih", "--resolution", "16", "--kimg", "0.2", "--preset", "tiny", "--name", "chest")


class Counted:
    """A progress that asks to stop after so many images."""

    def __init__(self, most: int) -> None:
        self.most, self.steps, self.total = most, 0, 0

    def start(self, total: int, label: str) -> None:
        self.steps, self.total = 0, total

    def advance(self, steps: int = 1) -> None:
        self.steps += steps

    def stop_asked(self) -> bool:
        return self.total == 200 and self.steps >= self.most


def train(collection: Collection, **changes: object) -> Generator:
    asked = {"name": "chest", "collection": collection, "config": preset("tiny"), "split": "train", "actor": ACTOR}
    return services.train_gan(**(asked | changes))  # type: ignore[arg-type]


def test_a_generator_is_trained_on_the_training_patients_only_and_says_so(collection: Collection) -> None:
    call_command("train_gan", *ASKED)
    generator = Generator.objects.get(name="chest")
    run = TrainingRun.objects.get(name="chest")
    assert (generator.run, generator.resolution, generator.images_shown, generator.levels) == (run, 16, 200, 256)
    assert (run.split, run.images_shown, run.finished_at is not None) == ("train", 200, True)
    described = json.loads(generator.file.with_suffix(".json").read_text())
    trained_on = Radiograph.objects.filter(split="train")
    assert {film["film_hash"] for film in described["films"]} == set(trained_on.values_list("film_hash", flat=True))
    assert {film["patient_hash"] for film in described["films"]} == set(trained_on.values_list("patient", flat=True))
    assert described["patient_key"] == key_fingerprint(settings.PSEUDONYM_KEY)
    assert list(AuditRow.objects.order_by("id").values_list("action", flat=True)) == [
        "training begun",
        # Four held-out films are too few.
        *["snapshot not measured"] * 3,
        "training finished",
        "generator registered",
    ]


def test_all_films_are_taken_where_they_are_asked_for(collection: Collection) -> None:
    call_command("train_gan", *ASKED, "--split", "all")
    described = json.loads(Generator.objects.get().file.with_suffix(".json").read_text())
    assert len(described["films"]) == 12


def test_a_run_that_was_stopped_goes_on_to_the_same_weights(collection: Collection) -> None:
    whole = train(collection, name="whole")
    progress = Counted(100)
    with pytest.raises(TrainingStopped):
        train(collection, name="parts", progress=progress, should_stop=progress.stop_asked)
    assert 100 <= TrainingRun.objects.get(name="parts").images_shown < 200
    assert not Generator.objects.filter(name="parts").exists()
    with pytest.raises(ValidationError, match="already exists"):
        # Both runs end in the same bytes, so the second cannot be registered as another generator.
        train(collection, name="parts", resume=True)
    parts = json.loads((TrainingRun.objects.get(name="parts").folder / "generator.json").read_text())
    assert parts["sha256"] == whole.sha256


def test_a_job_that_is_cancelled_saves_the_run(collection: Collection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "SECONDS_BETWEEN_REPORTS", 0.0)
    asked = {"preset": "tiny", "resolution": 16, "kimg": 0.2, "seed": 0, "name": "chest", "split": "train"}
    job = jobs.enqueue(tasks.train, title="Train", actor=ACTOR, collection=collection.pk, **asked)
    real = jobs.JobProgress.advance

    def cancel_on_the_way(progress: jobs.JobProgress, steps: int = 1) -> None:
        if Job.objects.get().steps_total == 200 and not Job.objects.get().cancel_requested:
            jobs.cancel(job=job, actor=ACTOR)
        real(progress, steps)

    monkeypatch.setattr(jobs.JobProgress, "advance", cancel_on_the_way)
    call_command("run_jobs", once=True)
    job.refresh_from_db()
    assert job.state == Job.State.CANCELLED
    run = TrainingRun.objects.get()
    assert 0 < run.images_shown < 200
    monkeypatch.setattr(jobs.JobProgress, "advance", real)
    again = jobs.enqueue(tasks.train, title="Train", actor=ACTOR, collection=collection.pk, **asked)
    call_command("run_jobs", once=True)
    again.refresh_from_db()
    assert again.message == "Generator chest is trained and registered."


def test_a_stop_while_films_are_read_is_heard_at_once(collection: Collection) -> None:
    progress = Counted(0)
    with pytest.raises(TrainingStopped, match="nothing was trained yet"):
        train(collection, progress=progress, should_stop=lambda: progress.steps >= 2)
    assert (progress.total, progress.steps) == (8, 2)
    assert not TrainingRun.objects.exists()
    assert not AuditRow.objects.filter(action="training stopped").exists()


def test_a_second_run_of_one_name_is_refused(collection: Collection) -> None:
    call_command("train_gan", *ASKED)
    with pytest.raises(CommandError, match="There is a training run “chest” already"):
        call_command("train_gan", *ASKED)
    with pytest.raises(CommandError, match="“chest” is finished"):
        call_command("train_gan", *ASKED, "--resume")


def test_what_cannot_be_trained_on_is_refused(collection: Collection) -> None:
    make_collection("drawn", truth="synthetic")
    with pytest.raises(CommandError, match="holds synthetic films; a generator is trained on real ones"):
        call_command("train_gan", *ASKED, "--collection", "drawn")
    with pytest.raises(CommandError, match="There is no collection “elsewhere”; there are: drawn, nih"):
        call_command("train_gan", *ASKED, "--collection", "elsewhere")
    with pytest.raises(CommandError, match="There is no preset 'huge'; choose one of tiny"):
        call_command("train_gan", *ASKED, "--preset", "huge")
    for endless in ("inf", "nan"):
        with pytest.raises(CommandError, match=f"kimg must be a finite number, not {endless}"):
            call_command("train_gan", *ASKED, "--kimg", endless)
    with pytest.raises(CommandError, match="There is no training run “chest” to resume; there are: none"):
        call_command("train_gan", *ASKED, "--resume")
    with pytest.raises(ValidationError, match="There are no such films to train on"):
        train(make_collection("empty"), name="empty")
    assert not Generator.objects.exists()


def test_a_film_that_has_changed_since_the_import_stops_the_training(collection: Collection) -> None:
    films = Radiograph.objects.filter(split="train").order_by("pk")
    films[0].path.write_bytes(films[1].path.read_bytes())
    with pytest.raises(ValidationError, match="has changed since it came into the archive; import it again"):
        train(collection)
    assert not TrainingRun.objects.exists()


def test_a_film_smaller_than_the_resolution_is_named(collection: Collection) -> None:
    config = preset("tiny")
    config = replace(config, resolution=64, minibatch=(*config.minibatch, (32, 8), (64, 8)))
    with pytest.raises(ValidationError, match="is 32 pixels wide, less than the 64 to train at"):
        train(collection, config=config)


def test_a_start_that_failed_leaves_the_name_free(collection: Collection) -> None:
    film = Radiograph.objects.filter(split="train").order_by("film_hash").last()
    pixels = film.path.read_bytes()
    film.path.write_bytes(b"")
    with pytest.raises(CommandError, match="cannot identify image file"):
        call_command("train_gan", *ASKED)
    assert not TrainingRun.objects.exists()
    assert not list(settings.RUNS.iterdir())
    row = AuditRow.objects.get(action="untrained run removed")
    assert (row.subject, "cannot identify image file" in row.detail["reason"]) == ("training run:chest", True)
    film.path.write_bytes(pixels)
    call_command("train_gan", *ASKED)


def test_a_run_that_was_saved_is_kept_when_it_cannot_go_on(collection: Collection) -> None:
    progress = Counted(100)
    with pytest.raises(TrainingStopped):
        train(collection, progress=progress, should_stop=progress.stop_asked)
    run = TrainingRun.objects.get()
    weights = checkpoints(run.folder)[-1] / "weights.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1])
    with pytest.raises(ValidationError, match="are not those that were saved"):
        train(collection, resume=True)
    assert TrainingRun.objects.get() == run
    assert weights.exists()


def test_the_name_of_a_generator_is_refused_before_the_training(collection: Collection, tmp_path: Path) -> None:
    make_generator(tmp_path / "chest")
    with pytest.raises(CommandError, match="There is a generator “chest” already; choose another name"):
        call_command("train_gan", *ASKED)
    assert not TrainingRun.objects.exists()


def test_only_the_same_training_goes_on_with_a_run(collection: Collection) -> None:
    progress = Counted(100)
    with pytest.raises(TrainingStopped):
        train(collection, progress=progress, should_stop=progress.stop_asked)
    for other in (
        {"collection": make_collection("elsewhere")},
        {"split": "test"},
        {"config": preset("tiny", seed=1)},
        {"config": preset("tiny", kimg=0.3)},
    ):
        with pytest.raises(ValidationError, match="“chest” was begun on other films or with another configuration"):
            train(**({"collection": collection} | other), resume=True)
    assert train(collection, resume=True).name == "chest"


def test_a_job_with_the_name_of_another_training_is_refused(collection: Collection, client: Client) -> None:
    progress = Counted(100)
    with pytest.raises(TrainingStopped):
        train(collection, progress=progress, should_stop=progress.stop_asked)
    asked = {"preset": "tiny", "resolution": 16, "kimg": 0.2, "seed": 3, "name": "chest", "split": "train"}
    client.force_login(User.objects.create_superuser("researcher"))
    page = f"/admin/archive/collection/{collection.pk}/step/train/"
    assert "with another configuration" in client.post(page, asked).content.decode()
    job = jobs.enqueue(tasks.train, title="Train", actor=ACTOR, collection=collection.pk, **asked)
    call_command("run_jobs", once=True)
    job.refresh_from_db()
    assert (job.state, "with another configuration" in job.message) == (Job.State.FAILED, True)


def test_what_is_left_of_runs_that_nobody_knows_is_neither_used_nor_overwritten(collection: Collection) -> None:
    train(collection, measured_films=0)
    described = json.loads((settings.RUNS / "chest" / "cache" / "films.json").read_text())
    Generator.objects.all().delete()
    TrainingRun.objects.all().delete()
    with pytest.raises(ValidationError, match="holds checkpoints of a run that is not known here"):
        train(collection)
    for folder in checkpoints(settings.RUNS / "chest"):
        shutil.rmtree(folder)
    train(collection, split="test")
    read = json.loads((settings.RUNS / "chest" / "cache" / "films.json").read_text())
    assert len(described["films"]) == 8
    assert len(read["films"]) == 4


def test_a_training_is_begun_from_the_collections_page(collection: Collection, client: Client) -> None:
    client.force_login(User.objects.create_superuser("researcher"))
    page = f"/admin/archive/collection/{collection.pk}"
    assert "Train a generator" in client.get(f"{page}/change/").content.decode()
    asked = {"name": "chest", "resolution": 16, "kimg": 0.2, "split": "train", "seed": 0, "preset": "tiny"}
    assert "names no minibatch" in client.post(f"{page}/step/train/", asked | {"resolution": 64}).content.decode()
    said = client.post(f"{page}/step/train/", asked, follow=True).content.decode()
    assert 'Training waits among the jobs; <a href="/admin/jobs/job/' in said
    call_command("run_jobs", once=True)
    assert Generator.objects.get().name == "chest"


def test_nobody_trains_on_synthetic_films_from_the_admin(db: None, client: Client) -> None:
    client.force_login(User.objects.create_superuser("researcher"))
    drawn = make_collection("drawn", truth="synthetic")
    assert "Train a generator" not in client.get(f"/admin/archive/collection/{drawn.pk}/change/").content.decode()


def test_the_form_trains_on_all_films_where_a_collection_is_not_split(db: None, client: Client) -> None:
    client.force_login(User.objects.create_superuser("researcher"))
    whole = make_collection("whole")
    page = f"/admin/archive/collection/{whole.pk}/step/train/"
    asked = {"name": "chest", "resolution": 16, "kimg": 0.2, "split": "", "seed": 0, "preset": "tiny"}
    assert "There are no such films to train on" in client.post(page, asked).content.decode()
    for number in range(8):
        add_film(whole, number, levels=256)
    assert "Training waits among the jobs" in client.post(page, asked, follow=True).content.decode()
    call_command("run_jobs", once=True)
    assert TrainingRun.objects.get().split == ""
    assert Generator.objects.get().name == "chest"
