"""Drawing films from a registered generator into the archive."""

from __future__ import annotations

import errno
import json
import os
import shutil
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import torch
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command
from django.db import IntegrityError, transaction
from django.test import Client

from gan.checkpoint import checkpoints, read_tensors, save_generator, sha256
from gan.config import preset
from gan.drawing import Drawer
from gan.pixels import canonical, film_hash, read_film
from gan.schedule import phase_at
from gan.stopping import TrainingStopped
from readerstudy.archive.models import Collection, Radiograph
from readerstudy.archive.services import store_film
from readerstudy.audit.models import AuditRow
from readerstudy.jobs import services as jobs
from readerstudy.synthesis import services, tasks
from readerstudy.synthesis.models import Batch, DrawnFilm, Generator, TrainingRun
from tests.studies.films import ACTOR, make_collection

pytestmark = [pytest.mark.database, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def generator(collection: Collection) -> Generator:
    return services.train_gan(name="chest", collection=collection, split="train", config=preset("tiny"), actor=ACTOR)


def draw(generator: Generator, count: int = 4, first_seed: int = 10, **changes: object) -> Batch:
    asked = {"collection": "drawn", "count": count, "first_seed": first_seed, "actor": ACTOR}
    return services.generate_radiographs(generator=generator, **(asked | changes))  # type: ignore[arg-type]


def test_films_are_drawn_into_a_collection_with_their_seeds(generator: Generator) -> None:
    out = StringIO()
    call_command("generate_radiographs", generator="chest", count=4, seed=10, stdout=out)
    assert out.getvalue() == "4 films by chest are in collection chest.\n"
    collection = Collection.objects.get(name="chest")
    assert (collection.truth, collection.origin) == ("synthetic", "generator chest")
    films = Radiograph.objects.filter(collection=collection).order_by("drawn__seed")
    assert [film.drawn.seed for film in films] == [10, 11, 12, 13]
    assert {(film.side, film.native_rows, film.levels, film.patient) for film in films} == {(16, 16, 256, "")}
    assert Batch.objects.get().films.count() == 4


def test_a_film_is_what_the_generator_draws_for_its_seed_in_canonical_form(generator: Generator) -> None:
    draw(generator)
    film = Radiograph.objects.get(drawn__seed=12)
    (drawn,) = Drawer(generator.file).draw([12])
    assert film_hash(read_film(film.path)) == film_hash(canonical(drawn[0].clamp(-1, 1).numpy())) == film.film_hash


def test_an_interrupted_batch_goes_on_with_the_missing_films(
    generator: Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored = []

    def store_two(**film: Any) -> Radiograph:
        if len(stored) == 2:
            raise KeyboardInterrupt
        stored.append(store_film(**film))
        return stored[-1]

    with monkeypatch.context() as interrupted:
        interrupted.setattr("readerstudy.synthesis.drawing.store_film", store_two)
        with pytest.raises(KeyboardInterrupt):
            draw(generator)
    assert DrawnFilm.objects.count() == 2
    first = set(Radiograph.objects.filter(drawn__isnull=False).values_list("pk", flat=True))
    draw(generator)
    assert first < set(Radiograph.objects.filter(drawn__isnull=False).values_list("pk", flat=True))
    assert (Batch.objects.count(), DrawnFilm.objects.count()) == (1, 4)
    draw(generator)
    # The call that found nothing missing did nothing, so there is nothing to record.
    assert [row.detail["drawn"] for row in AuditRow.objects.filter(action="films drawn")] == [2]


def test_seeds_that_overlap_are_refused(generator: Generator) -> None:
    draw(generator)
    with pytest.raises(ValidationError, match="has a batch with the seeds 10 to 13; begin elsewhere"):
        draw(generator, first_seed=13)
    draw(generator, first_seed=14)
    assert DrawnFilm.objects.count() == 8


def test_drawn_films_do_not_go_among_real_ones(generator: Generator) -> None:
    with pytest.raises(ValidationError, match="“nih” holds real films; choose another name"):
        draw(generator, collection="nih")


@pytest.mark.parametrize("wrong", [{"count": 0}, {"truncation": 0.0}, {"truncation": 1.5}])
def test_impossible_batches_are_refused(generator: Generator, wrong: dict[str, float]) -> None:
    with pytest.raises(ValidationError):
        draw(generator, **wrong)
    assert not Batch.objects.exists()


def test_a_generator_that_draws_one_grey_is_named_with_the_seed(generator: Generator) -> None:
    path = generator.file
    description = json.loads(path.with_suffix(".json").read_text())
    zeros = {name: torch.zeros_like(tensor) for name, tensor in read_tensors(path).items()}
    save_generator(path, zeros, description)
    Generator.objects.update(sha256=sha256(path))
    with pytest.raises(CommandError, match=r"“chest” cannot draw: The film of seed 7 cannot be used: .*"):
        call_command("generate_radiographs", generator="chest", count=1, seed=7)


def test_a_disk_that_is_full_ends_the_command_in_a_sentence(
    generator: Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path, film: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))

    monkeypatch.setattr("readerstudy.archive.services.write_film", full)
    with pytest.raises(CommandError, match=r"films/chest/.*\.png: No space left on device\.$"):
        call_command("generate_radiographs", generator="chest", count=1)


def test_weights_that_have_changed_do_not_draw(generator: Generator) -> None:
    path = generator.file
    path.write_bytes(path.read_bytes() + b" ")
    with pytest.raises(ValidationError, match=r"“chest” cannot draw: .* speaks of other weights than"):
        draw(generator)


def test_a_generator_is_registered_once_from_its_file(generator: Generator, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="already exists"):
        call_command("register_generator", "again", str(generator.file))
    with pytest.raises(CommandError, match=r"nowhere\.safetensors is not a generator: .*does not exist"):
        call_command("register_generator", "lost", str(tmp_path / "nowhere.safetensors"))
    with pytest.raises(CommandError, match="There is no generator “who”; there are: chest"):
        call_command("generate_radiographs", generator="who", count=1)


def test_a_checkpoint_from_the_middle_of_a_run_is_registered_with_one_command(collection: Collection) -> None:
    images: list[int] = []

    def stop() -> bool:
        images.append(8)
        return sum(images) >= 104

    asked = {"name": "half", "collection": collection, "split": "train", "config": preset("tiny"), "actor": ACTOR}
    with pytest.raises(TrainingStopped):
        services.train_gan(**asked, should_stop=stop)  # type: ignore[arg-type]
    run = TrainingRun.objects.get(name="half")
    (checkpoint,) = checkpoints(run.folder)
    call_command("register_generator", "half-way", str(checkpoint))
    generator = Generator.objects.get(name="half-way")
    phase = phase_at(run.images_shown, preset("tiny"))
    assert (generator.run, generator.images_shown, generator.resolution) == (run, run.images_shown, phase.resolution)
    assert phase.resolution < 16
    shutil.rmtree(run.folder)
    films = Radiograph.objects.filter(drawn__batch=draw(generator))
    assert {(film.side, film.levels) for film in films} == {(phase.resolution, 256)}
    row = AuditRow.objects.get(action="generator registered")
    assert (row.subject, row.detail["images_shown"]) == ("generator:half-way", run.images_shown)


def test_what_is_no_generator_is_not_registered(generator: Generator, tmp_path: Path) -> None:
    (checkpoint,) = checkpoints(generator.run.folder)
    half = checkpoint.with_name(checkpoint.name + ".partial")
    shutil.copytree(checkpoint, half)
    with pytest.raises(CommandError, match=r"\.partial is not a generator: .* is half written"):
        call_command("register_generator", "half", str(half))
    other = tmp_path / "other.safetensors"
    said = json.loads(generator.file.with_suffix(".json").read_text())
    save_generator(other, read_tensors(generator.file), said | {"config": said["config"] | {"latent": 9}})
    with pytest.raises(CommandError, match=r"other\.safetensors does not hold the network that its \.json describes"):
        call_command("register_generator", "other", str(other))
    assert Generator.objects.get() == generator
    kept = {path.suffix for path in generator.file.parent.iterdir()}
    assert (kept, len(list(generator.file.parent.iterdir()))) == ({".json", ".safetensors"}, 2)


def test_database_and_home_move_together(
    generator: Generator, home: Path, tmp_path_factory: pytest.TempPathFactory, settings: Any
) -> None:
    outside = tmp_path_factory.mktemp("outside") / "other.safetensors"
    description = json.loads(generator.file.with_suffix(".json").read_text())
    tensors = {name: tensor + 0.01 for name, tensor in read_tensors(generator.file).items()}
    save_generator(outside, tensors, description)
    call_command("register_generator", "other", str(outside))
    assert [(row.path, row.file.exists()) for row in Generator.objects.order_by("pk")] == [
        (f"generators/{generator.sha256}.safetensors", True),
        (f"generators/{sha256(outside)}.safetensors", True),
    ]
    shutil.rmtree(outside.parent)
    moved = tmp_path_factory.mktemp("elsewhere") / "home"
    home.rename(moved)
    settings.HOME = moved
    for row in Generator.objects.all():
        assert draw(row, collection=f"drawn-by-{row}").films.count() == 4


def test_a_seed_is_drawn_once_in_a_batch_whoever_asks(generator: Generator) -> None:
    batch = draw(generator)
    film = make_collection("other", truth="synthetic")
    radiograph = Radiograph.objects.filter(collection=batch.collection)[0]
    radiograph.pk, radiograph.collection, radiograph.film = None, film, "copy.png"
    radiograph.save()
    with pytest.raises(IntegrityError), transaction.atomic():
        DrawnFilm.objects.create(radiograph=radiograph, batch=batch, seed=10)


def test_drawing_is_a_job_too(generator: Generator) -> None:
    asked = {"collection": "drawn", "count": 3, "first_seed": 0, "truncation": 1.0}
    job = jobs.enqueue(tasks.draw, title="Draw", actor=ACTOR, generator=generator.pk, **asked)
    call_command("run_jobs", once=True)
    job.refresh_from_db()
    assert (job.message, job.steps_done, job.steps_total) == ("3 films are in collection drawn.", 3, 3)


def test_the_admin_shows_runs_generators_and_batches(generator: Generator, client: Client) -> None:
    draw(generator)
    client.force_login(User.objects.create_superuser("researcher"))
    for page in ("trainingrun", "generator", "batch"):
        response = client.get(f"/admin/synthesis/{page}/")
        assert "chest" in response.content.decode()
        assert client.get(f"/admin/synthesis/{page}/add/").status_code == 403


def test_a_batch_is_drawn_from_the_generators_page(generator: Generator, client: Client) -> None:
    client.force_login(User.objects.create_superuser("researcher"))
    page = f"/admin/synthesis/generator/{generator.pk}"
    assert "Draw films" in client.get(f"{page}/change/").content.decode()
    asked = {"collection": "drawn", "count": 2, "first_seed": 5, "truncation": 1}
    said = client.post(f"{page}/step/draw/", asked, follow=True).content.decode()
    assert 'Drawing waits among the jobs; <a href="/admin/jobs/job/' in said
    call_command("run_jobs", once=True)
    assert sorted(DrawnFilm.objects.values_list("seed", flat=True)) == [5, 6]
