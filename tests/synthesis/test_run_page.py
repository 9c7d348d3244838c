"""A run on its way: what is measured of it, what its page shows, and how it is stopped and resumed from there."""

from __future__ import annotations

import fcntl
import json
from collections.abc import Callable
from datetime import timedelta

import numpy as np
import pytest
from django.contrib.auth.models import Permission, User
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command
from django.db import DatabaseError, IntegrityError, OperationalError, transaction
from django.test import Client
from django.utils import timezone
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from torch import Tensor

from evaluation.images import texture
from evaluation.images.course import distance_at_equal_n
from gan import config
from gan.cache import FilmCache
from gan.checkpoint import checkpoints
from gan.config import preset
from gan.drawing import Drawer
from gan.pixels import FULL_SCALE
from gan.snapshot import snapshots
from gan.stopping import TrainingStopped
from readerstudy.archive.models import Collection, Radiograph
from readerstudy.audit.models import AuditRow
from readerstudy.jobs import services as jobs
from readerstudy.jobs.models import Job
from readerstudy.synthesis import services, tasks, watching
from readerstudy.synthesis.models import Generator, RunMeasurement, TrainingRun
from readerstudy.synthesis.running import is_trained_now, training_of
from tests.studies.films import ACTOR, add_film
from tests.synthesis.runs import make_run

pytestmark = [pytest.mark.database, pytest.mark.django_db(transaction=True)]

PRESET = {"resolution": 8, "kimg": 0.2, "latent": 8, "fmap_base": 64, "fmap_max": 8, "snapshot_kimg": 0.1}


@pytest.fixture(autouse=True)
def eight(tiny: None) -> None:
    """A preset of two resolutions with a snapshot after every hundred images."""
    sizes = {"minibatch": [[4, 8], [8, 8]], "loss": "non-saturating-r1"}
    (config.PRESETS / "eight.json").write_text(json.dumps(PRESET | sizes))


@pytest.fixture
def collection(collection: Collection) -> Collection:
    """Eight films to train on and eight held-out ones, of four patients each."""
    for number in range(12, 16):
        add_film(collection, number, patient=f"p{number // 2}", split="test", levels=256)
    return collection


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reports and wishes go back and forth at every step."""
    monkeypatch.setattr(watching, "SECONDS_BETWEEN_REPORTS", 0.0)


@pytest.fixture
def page(client: Client) -> Callable[[TrainingRun], str]:
    client.force_login(User.objects.create_superuser("researcher"))

    def read(run: TrainingRun) -> str:
        return client.get(f"/admin/synthesis/trainingrun/{run.pk}/change/").content.decode()

    return read


class At:
    """A progress that does something once, after so many images."""

    def __init__(self, images: int, act: Callable[[], object]) -> None:
        self.images, self.act, self.training, self.steps = images, act, False, 0

    def start(self, total: int, label: str) -> None:
        self.training, self.steps = total == 200, 0

    def advance(self, steps: int = 1) -> None:
        before, self.steps = self.steps, self.steps + steps
        if self.training and before < self.images <= self.steps:
            self.act()


def train(collection: Collection, **changes: object) -> Generator:
    asked = {"name": "chest", "collection": collection, "config": preset("eight"), "split": "train", "actor": ACTOR}
    return services.train_gan(**(asked | changes))  # type: ignore[arg-type]


def stopped(collection: Collection, images: int = 100, **changes: object) -> TrainingRun:
    """A run that somebody stopped from its page."""
    stop = At(images, lambda: services.stop_training(run=TrainingRun.objects.get(name="chest"), actor=ACTOR))
    with pytest.raises(TrainingStopped):
        train(collection, progress=stop, **changes)
    return TrainingRun.objects.get(name="chest")


def features(films: Tensor) -> np.ndarray:
    greys = (films[:, 0].double().clamp(-1, 1).numpy() + 1) / 2 * FULL_SCALE
    return np.array([texture.features(np.rint(film).astype(np.uint16)) for film in greys])


def test_every_snapshot_is_measured_against_held_out_films(collection: Collection) -> None:
    train(collection)
    run = TrainingRun.objects.get()
    rows = list(run.measurements.all())
    kept = snapshots(run.folder)
    assert [row.images_shown for row in rows] == [row.images for row in kept]
    assert len(rows) >= 4
    assert [(row.resolution, row.alpha) for row in rows] == [(row.phase.resolution, row.phase.alpha) for row in kept]
    assert {(row.n, row.reference) for row in rows} == {(4, "held-out")}
    assert "extractor texture 1" in rows[0].protocol
    assert "n = 4 a side, of 8 real films at 8² and 4 drawn ones" in rows[0].protocol
    assert "patients kept apart" in rows[0].protocol
    held_out = FilmCache(run.folder / "held-out-cache")
    tested = Radiograph.objects.filter(split="test").order_by("film_hash")
    assert [row.film_hash for row in held_out.provenance] == list(tested.values_list("film_hash", flat=True))
    # Real films at the side of the run, drawn ones of the first seeds, both as the networks see them.
    real = features(held_out.films(np.arange(8), 8))
    drawn = features(Drawer(kept[-1].generator).draw(range(4)))
    patients = [row.patient_hash or "" for row in held_out.provenance]
    expected = distance_at_equal_n(real, drawn, patients=patients)
    assert rows[-1].frechet == pytest.approx(expected.distance.estimate, rel=1e-4)
    assert rows[-1].floor == pytest.approx(expected.floor.estimate, rel=1e-4)
    assert all(row.gap for row in kept)


def test_a_run_on_all_films_is_measured_against_its_own_and_says_so(collection: Collection) -> None:
    train(collection, split="")
    assert {row.reference for row in RunMeasurement.objects.all()} == {"training"}
    assert "of 16 real films at 8² and 8 drawn ones" in RunMeasurement.objects.all()[0].protocol


def test_a_resumed_run_doubles_neither_measurements_nor_curves(collection: Collection) -> None:
    run = stopped(collection)
    before = list(run.measurements.values_list("pk", "images_shown"))
    assert before
    train(collection, resume=True)
    after = list(run.measurements.values_list("pk", "images_shown"))
    assert after[: len(before)] == before
    assert [images for _, images in after] == [row.images for row in snapshots(run.folder)]
    events = EventAccumulator(str(run.folder / "tensorboard"), size_guidance={"images": 0})
    events.Reload()
    assert [image.step for image in events.Images("sheet")] == [images for _, images in after]


def test_nothing_is_measured_where_that_is_asked_for(collection: Collection) -> None:
    asked = ("--collection", "nih", "--preset", "eight", "--measured-films", "0")
    call_command("train_gan", *asked)
    assert TrainingRun.objects.get().name == "nih-8"
    assert not RunMeasurement.objects.exists()


def test_what_cannot_be_measured_is_said_and_costs_no_training(
    collection: Collection, page: Callable[[TrainingRun], str]
) -> None:
    Radiograph.objects.filter(split="test").exclude(pk=Radiograph.objects.filter(split="test")[0].pk).delete()
    assert train(collection).images_shown == 200
    assert not RunMeasurement.objects.exists()
    row = AuditRow.objects.filter(action="snapshot not measured")[0]
    assert "too few films or patients" in row.detail["reason"]
    shown = page(TrainingRun.objects.get())
    assert "The snapshot after 200 images was not measured: " in shown
    # The discriminator needs no second film to be watched.
    assert "Overfitting was" in shown


def test_measurements_are_only_ever_added(collection: Collection) -> None:
    train(collection)
    row = RunMeasurement.objects.all()[0]
    for forbidden in (lambda: RunMeasurement.objects.update(n=9), lambda: RunMeasurement.objects.all()[0].delete()):
        with pytest.raises(DatabaseError, match="only ever added"), transaction.atomic():
            forbidden()
    for wrong in (
        {},
        {"images_shown": 1, "n": 1},
        {"images_shown": 1, "alpha": 1.5},
        {"images_shown": 1, "reference": "hearsay"},
        {"images_shown": 1, "frechet_low": 2.0, "frechet_high": 1.0},
        {"images_shown": 1, "floor_low": -1.0},
    ):
        row.pk = None
        for name, value in wrong.items():
            setattr(row, name, value)
        with pytest.raises(IntegrityError), transaction.atomic():
            RunMeasurement.objects.bulk_create([row])
        row = RunMeasurement.objects.all()[0]


def test_the_row_follows_the_training(collection: Collection) -> None:
    seen = []
    look = At(160, lambda: seen.append(TrainingRun.objects.get()))
    train(collection, progress=look)
    (run,) = seen
    assert 100 <= run.images_shown <= 160
    assert run.images_per_second > 0
    assert timezone.now() - run.reported_at < timedelta(minutes=1)


def test_a_command_is_stopped_from_the_runs_page_and_resumed_there(
    collection: Collection, page: Callable[[TrainingRun], str], client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = []

    def stop() -> None:
        run = TrainingRun.objects.get()
        shown.append(page(run))
        said = client.post(f"/admin/synthesis/trainingrun/{run.pk}/step/stop/", follow=True).content.decode()
        assert "The training is asked to stop" in said
        assert "being saved, to stop then" in said

    monkeypatch.setattr("readerstudy.synthesis.management.commands.train_gan.Bar", lambda: At(100, stop))
    with pytest.raises(CommandError, match=r"Stopped after \d+ images") as error:
        call_command("train_gan", "--collection", "nih", "--preset", "eight", "--name", "chest")
    assert error.value.returncode == 1
    assert "being trained" in shown[0]
    assert "/step/stop/" in shown[0]
    assert "/step/resume/" not in shown[0]
    run = TrainingRun.objects.get()
    assert run.images_shown < 200
    after = page(run)
    assert "stopped; it can go on" in after
    assert "/step/stop/" not in after
    resume = f"/admin/synthesis/trainingrun/{run.pk}/step/resume/"
    said = client.post(resume, follow=True).content.decode()
    assert 'The training waits among the jobs; <a href="/admin/jobs/job/' in said
    assert "waiting among the jobs" in page(run)
    call_command("run_jobs", once=True)
    assert Job.objects.get().message == "Generator chest is trained and registered."
    assert "finished" in page(run)
    acts = AuditRow.objects.filter(subject="training run:chest").exclude(action="snapshot measured").order_by("pk")
    assert [(row.actor, row.action) for row in acts] == [
        ("command", "training begun"),
        ("researcher", "training asked to stop"),
        ("command", "training stopped"),
        ("researcher", "training finished"),
    ]


def test_a_job_is_stopped_from_the_runs_page(collection: Collection, monkeypatch: pytest.MonkeyPatch) -> None:
    run = stopped(collection, 60)
    monkeypatch.setattr(jobs, "SECONDS_BETWEEN_REPORTS", 0.0)
    real = jobs.JobProgress.advance

    def stop_on_the_way(progress: jobs.JobProgress, steps: int = 1) -> None:
        real(progress, steps)
        if not TrainingRun.objects.get().stop_requested:
            services.stop_training(run=run, actor=ACTOR)

    monkeypatch.setattr(jobs.JobProgress, "advance", stop_on_the_way)
    job = jobs.enqueue(tasks.resume, title="Go on", actor=ACTOR, run=run.pk)
    call_command("run_jobs", once=True)
    job.refresh_from_db()
    assert job.state == Job.State.CANCELLED
    assert run.images_shown < TrainingRun.objects.get().images_shown < 200


def test_what_is_not_trained_is_not_stopped_and_what_is_trained_not_begun_twice(collection: Collection) -> None:
    refused = []

    def try_again() -> None:
        run = TrainingRun.objects.get()
        for act in (lambda: services.require_resumable(run), lambda: train(collection, resume=True)):
            with pytest.raises(ValidationError, match="“chest” is being trained already") as error:
                act()
            refused.append(error)

    train(collection, progress=At(100, try_again))
    assert len(refused) == 2
    run = TrainingRun.objects.get()
    assert run.finished_at
    with pytest.raises(ValidationError, match="“chest” is not being trained now, so there is nothing to stop"):
        services.stop_training(run=run, actor=ACTOR)
    with pytest.raises(ValidationError, match="“chest” is finished"):
        services.require_resumable(run)


def test_asking_whether_a_run_is_trained_is_no_training_of_it(collection: Collection) -> None:
    run = make_run(collection)
    with training_of(run):
        assert is_trained_now(run)
    # Somebody else asks at the same instant.
    with (run.folder / "lock").open() as file:
        fcntl.flock(file, fcntl.LOCK_SH)
        assert not is_trained_now(run)


def test_a_database_that_is_gone_costs_nothing_that_was_trained(
    collection: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone() -> None:
        raise OperationalError("server closed the connection unexpectedly")

    with pytest.raises(OperationalError, match="closed the connection"):
        train(collection, progress=At(100, gone))
    run = TrainingRun.objects.get()
    (saved,) = checkpoints(run.folder)
    assert 100 <= int(saved.name.removeprefix("checkpoint-")) < 200
    assert train(collection, resume=True).images_shown == 200


def test_the_page_shows_sheet_curve_and_numbers(
    collection: Collection, page: Callable[[TrainingRun], str], client: Client
) -> None:
    run = make_run(collection)
    shown = page(run)
    sheet = f"/admin/synthesis/trainingrun/{run.pk}/sheet/300/"
    assert f'src="{sheet}"' in shown
    assert "300 of 1,000 (30 %)" in shown
    assert "After 300 images the Fréchet distance from held-out films was 30.00; real films are 2.50 from each" in shown
    # (2 − 1.7) / (2 + 1)
    assert "Overfitting was 0.10 at last" in shown
    assert "90.00 (80.00–99.00)" in shown
    assert "How it was measured: extractor texture 1; n = 200 a side." in shown
    assert "<svg" in shown
    response = client.get(sheet)
    assert response["Content-Type"] == "image/png"
    assert b"".join(response.streaming_content) == snapshots(run.folder)[-1].sheet.read_bytes()
    assert client.get(f"/admin/synthesis/trainingrun/{run.pk}/sheet/7/").status_code == 404


def test_a_run_that_has_drawn_nothing_yet_has_a_page(
    collection: Collection, page: Callable[[TrainingRun], str]
) -> None:
    run = TrainingRun.objects.create(name="new", collection=collection, config=preset("eight").to_json())
    assert "stopped; it can go on" in page(run)


def test_saved_weights_become_a_generator_from_the_page(
    collection: Collection, page: Callable[[TrainingRun], str], client: Client
) -> None:
    run = stopped(collection, 120)
    images = snapshots(run.folder)[-1].images
    step = f"/admin/synthesis/trainingrun/{run.pk}/step/register/"
    assert f"{step}?images={images}" in page(run)
    assert f'value="{images}"' in client.get(f"{step}?images={images}").content.decode()
    assert "only after these: " in client.post(step, {"images": 3, "name": "early"}).content.decode()
    client.post(step, {"images": images, "name": "early"})
    generator = Generator.objects.get()
    assert (generator.name, generator.run, generator.images_shown) == ("early", run, images)
    assert f'<a href="/admin/synthesis/generator/{generator.pk}/change/">early</a>' in page(run)
    # The run takes away what it no longer needs; the generator stays.
    train(collection, resume=True)
    assert generator.file.exists()


def test_who_may_only_look_is_offered_nothing_else(collection: Collection, client: Client) -> None:
    run = make_run(collection)
    visitor = User.objects.create_user("visitor", is_staff=True)
    client.force_login(visitor)
    own = f"/admin/synthesis/trainingrun/{run.pk}"
    assert client.get(f"{own}/sheet/300/").status_code == 403
    visitor.user_permissions.add(Permission.objects.get(codename="view_trainingrun"))
    assert client.get(f"{own}/sheet/300/").status_code == 200
    shown = client.get(f"{own}/change/").content.decode()
    for step in ("stop", "resume", "register"):
        assert f"/step/{step}/" not in shown
        assert client.post(f"{own}/step/{step}/").status_code == 403
    client.logout()
    assert client.get(f"{own}/sheet/300/").status_code == 302
