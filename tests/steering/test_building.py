"""Labelled archives: what is accepted and counted, what is refused before any work, and that an interruption leaves
no mark."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from django.core.exceptions import ValidationError
from django.core.management import call_command

from evaluation.classifiers.network import load_classifier
from gan.drawing import Drawer
from gan.latent import angles, in_canonical_form
from gan.pixels import read_film
from readerstudy.archive.models import Collection, Radiograph, RadiographFinding
from readerstudy.audit.models import AuditRow
from readerstudy.commands import sentences
from readerstudy.jobs import services as jobs
from readerstudy.steering import attempts, building, tasks
from readerstudy.steering.building import build_archive, reached
from readerstudy.steering.models import Block, Classifier, LabelledArchive, SteeredFilm
from readerstudy.steering.planning import plan_archive
from readerstudy.synthesis.models import Generator
from tests.archive.test_import import environment
from tests.steering.tiny import make_classifier, make_generator
from tests.studies.films import ACTOR, make_collection

pytestmark = [pytest.mark.database, pytest.mark.django_db]

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="module")
def networks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the files of networks lie that several tests use."""
    return tmp_path_factory.mktemp("networks")


@pytest.fixture
def generator(networks: Path) -> Generator:
    """A generator, and three classifiers named by what they may do."""
    generator = make_generator(networks)
    for name in ("steering", "accepting", "judging"):
        make_classifier(networks, name, generator)
    return generator


ASKED: dict[str, Any] = {
    "name": "labelled",
    "generator": "chest",
    "classifiers": ["steering"],
    "acceptor": "accepting",
    "judge": "judging",
    "per_finding": 3,
    "findings": ["Effusion"],
    "combinations": ["Pneumothorax-Effusion"],
    "attempts_per_film": 16,
    "steering": {"steps": 2},
    "actor": ACTOR,
}


def build(**changes: Any) -> LabelledArchive:
    return build_archive(**(ASKED | changes))


def contents(archive: LabelledArchive) -> dict[str, list[Any]]:
    """All that an archive holds, but for its name, ids and times."""
    films = SteeredFilm.objects.filter(goal__archive=archive).order_by("goal__position", "seed")
    blocks = Block.objects.filter(goal__archive=archive).order_by("goal__position", "number")
    of_films = ("seed", "radiograph__film_hash", "radiograph__source_path", "steps", "distance", "latent")
    scores = ("steering_scores", "accepting_scores", "judging_scores")
    counts = ("number", "attempts", "accepted", "rejected", "surplus", "forward_equivalents")
    return {
        "films": [
            [bytes(value) if isinstance(value, memoryview) else value for value in row]
            for row in films.values_list("goal__position", *of_films, *scores)
        ],
        "blocks": list(blocks.values_list("goal__position", *counts)),
    }


def test_an_archive_holds_the_films_that_the_accepting_classifier_takes(generator: Generator) -> None:
    archive = build()
    accepting, judging = (
        load_classifier(generator.file.with_name(f"{name}.safetensors")) for name in ("accepting", "judging")
    )
    drawer = Drawer(generator.file)
    assert archive.finished_at
    assert (archive.collection.truth, archive.seed, archive.settings["steps"]) == ("synthetic", 0, 2)
    films = SteeredFilm.objects.select_related("goal", "radiograph")
    assert [films.filter(goal=goal).count() for goal in archive.goals.order_by("position")] == [3, 3]
    for film in films:
        (seen,) = read_film(film.radiograph.path)[None].astype("float32") / 32767.5 - 1
        with torch.no_grad():
            logits, verdict = (
                dict(zip(network.findings, network.logits(torch.from_numpy(seen)[None, None])[0].tolist(), strict=True))
                for network in (accepting, judging)
            )
        assert film.accepting_scores == pytest.approx(logits)
        assert film.judging_scores == pytest.approx(verdict)
        threshold = dict(zip(accepting.findings, accepting.about.threshold, strict=True))
        shown = {finding for finding, logit in logits.items() if logit >= threshold[finding]}
        assert film.goal.present in shown
        assert not film.goal.absent or film.goal.absent not in shown
        # The latent is where the film comes from, and the distance is the way to it from the seed's.
        end = torch.from_numpy(np.frombuffer(bytes(film.latent), "<f4").copy())[None]
        assert float(angles(drawer.latents([film.seed]), end)) == pytest.approx(film.distance, abs=1e-4)
        with torch.no_grad():
            (again,), _values = in_canonical_form(drawer.draw_latents(end))
        assert again is not None
        # Drawn alone, a film differs by rounding from what it was in its block.
        assert np.abs(again.astype(int) - read_film(film.radiograph.path)).max() <= 8
    assert {film.levels for film in Radiograph.objects.all()} == {256}


def test_a_target_is_no_finding_and_every_attempt_is_counted_once(generator: Generator) -> None:
    out = StringIO()
    command = ["build_archive", "labelled", "--generator=chest", "--classifier=steering", "--acceptor=accepting"]
    command += [
        "--per-finding=2",
        "--finding=Effusion",
        "--finding=Cardiomegaly",
        "--steps=2",
        "--attempts-per-film=20",
    ]
    call_command(*command, stdout=out)
    assert not RadiographFinding.objects.exists()
    archive = LabelledArchive.objects.get()
    for row, line in zip(reached(archive), out.getvalue().splitlines()[1:], strict=True):
        assert row.attempts == row.films + row.rejected + row.surplus
        assert row.attempts % 8 == 0
        # Of a step: 8 films forward and back, 3 each, through 2 networks. At the end 8 forward through both and through
        # the accepting classifier.
        assert row.forward_equivalents == row.attempts // 8 * (2 * 8 * 3 * 2 + 8 * 2 + 8)
        cost = f"{row.forward_equivalents / 2:.0f}"
        assert line.split() == [
            str(row.goal),
            str(row.attempts),
            "2",
            "/",
            "2",
            str(row.rejected),
            str(row.surplus),
            cost,
            # Nobody judges here.
            "–",
        ]
    assert {film.judging_scores for film in SteeredFilm.objects.all()} == {None}
    said = AuditRow.objects.filter(subject="archive:labelled").order_by("id")
    assert [row.action for row in said] == ["archive begun", "archive built"]
    before = contents(archive)
    call_command(*command, stdout=out)
    assert contents(archive) == before
    assert said.count() == 2


@pytest.mark.django_db(transaction=True)
def test_an_archive_that_was_killed_goes_on_to_be_the_same(generator: Generator, home: Path) -> None:
    whole = contents(build(name="whole"))
    killed = subprocess.Popen(
        [sys.executable, "-m", "tests.steering.mortal", json.dumps(ASKED | {"processes": 2})],
        cwd=ROOT,
        env=environment(home),
        start_new_session=True,
    )
    assert killed.wait(timeout=300) == -signal.SIGKILL
    archive = LabelledArchive.objects.get(collection__name="labelled")
    half = contents(archive)
    assert len(half["films"]) == sum(row[3] for row in half["blocks"]) < 3
    assert archive.finished_at is None
    # Two processes worked on these blocks, and one works on the rest.
    assert half["blocks"] == whole["blocks"][: len(half["blocks"])] != []
    assert contents(build()) == whole
    assert len(list((home / "films" / "labelled").rglob("*.png"))) == len(whole["films"])
    deadline = time.monotonic() + 60
    # The processes that steered for it do not outlive it.
    while is_alive(killed.pid):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def is_alive(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_goal_ends_when_its_attempts_are_used_up(generator: Generator) -> None:
    archive = build(per_finding=11, attempts_per_film=1, findings=["Effusion"], combinations=[])
    (row,) = reached(archive)
    assert (row.attempts, row.has_ended) == (11, True)
    assert row.films < 11
    assert archive.finished_at
    assert list(archive.goals.get().blocks.values_list("attempts", flat=True)) == [8, 3]


def test_accepted_films_beyond_the_last_one_wanted_are_left_over(
    generator: Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attempts, "met", lambda *_asked: torch.tensor([True]))
    archive = build(per_finding=3, findings=["Effusion"], combinations=[])
    (row,) = reached(archive)
    assert (row.attempts, row.films, row.rejected, row.surplus) == (8, 3, 0, 5)


def test_a_twin_and_a_film_of_one_grey_are_rejected(generator: Generator, monkeypatch: pytest.MonkeyPatch) -> None:
    def one_grey_and_twins(films: torch.Tensor) -> Any:
        kept, values = in_canonical_form(films)
        return [None, kept[1], kept[1], *kept[3:]], values

    monkeypatch.setattr(attempts, "met", lambda *_asked: torch.tensor([True]))
    monkeypatch.setattr(attempts, "in_canonical_form", one_grey_and_twins)
    archive = build(per_finding=7, findings=["Effusion"], combinations=[])
    first, second = archive.goals.get().blocks.order_by("number")
    assert (first.accepted, first.rejected, first.surplus) == (6, 2, 0)
    assert (second.accepted, second.surplus) == (1, 6)
    # The film of one grey was shown to no accepting classifier.
    assert first.forward_equivalents == 2 * 8 * 3 * 2 + 8 * 2 + 7


def test_another_seed_gives_other_films(generator: Generator) -> None:
    of = {"findings": ["Effusion"], "combinations": [], "per_finding": 1}
    one, other = build(**of), build(**of, name="other", seed=1)
    seeds = [
        set(SteeredFilm.objects.filter(goal__archive=archive).values_list("seed", flat=True))
        for archive in (one, other)
    ]
    assert not seeds[0] & seeds[1]


def test_the_table_says_in_how_many_films_the_judge_sees_the_target(generator: Generator) -> None:
    archive = build(per_finding=2, findings=["Effusion"], combinations=[])
    first, second = SteeredFilm.objects.all()
    for film, score in ((first, 1e6), (second, -1e6)):
        film.judging_scores |= {"Effusion": score}
        film.save()
    assert building.in_words(archive).splitlines()[1].split()[-3:] == ["1", "/", "2"]
    archive.parts.filter(part="judges").delete()
    assert building.in_words(archive).splitlines()[1].endswith("–")


def test_a_job_builds_it_and_ends_with_the_table(generator: Generator) -> None:
    asked = {name: value for name, value in ASKED.items() if name != "actor"} | {"per_finding": 1, "judge": ""}
    job = jobs.enqueue(tasks.build, title="Build labelled", actor=ACTOR, **asked)
    tasks.build.func(job.pk)
    job.refresh_from_db()
    assert job.message == building.in_words(LabelledArchive.objects.get())
    assert (job.state, job.steps_done, job.steps_total) == ("done", 2, 2)


# What is refused


def refused(**changes: Any) -> str:
    """What is said of a request that changes nothing."""
    with pytest.raises(ValidationError) as refusal:
        build(**changes)
    assert not LabelledArchive.objects.exists()
    assert not Radiograph.objects.exists()
    assert not AuditRow.objects.filter(action="archive begun").exists()
    return sentences(refusal.value)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"generator": "brain"}, "There is no generator “brain”; there are: chest."),
        ({"judge": "jury"}, "“jury”"),
        ({"findings": ["Hernia"]}, "Classifier “steering” does not know Hernia; it knows Cardiomegaly, Effusion, Pneu"),
        ({"combinations": ["Effusion+Hernia"]}, "does not know Hernia"),
        ({"combinations": ["Effusion-Effusion"]}, "“Effusion-Effusion” asks for nothing that a film can show"),
        ({"combinations": ["-Effusion"]}, "“-Effusion” asks for nothing"),
        ({"combinations": ["Effusion+"]}, "“Effusion+” is no goal"),
        ({"combinations": [""]}, "asks for nothing"),
        ({"classifiers": []}, "An archive needs a classifier that steers."),
        ({"classifiers": ["steering", "accepting"]}, "“accepting” (steers) and “accepting” (accepts)"),
        ({"judge": "accepting"}, "“accepting” (accepts) and “accepting” (judges)"),
        ({"steering": {"steps": 0}}, "Steering takes at least one step"),
        ({"steering": {"speed": 1}}, "Steering has no setting speed."),
        ({"per_finding": 0}, "at least one film a goal"),
        ({"seed": -1}, "a seed that is not negative"),
        ({"processes": 0}, "at least one process"),
        ({"name": "no name"}, "slug"),
    ],
)
def test_what_cannot_be_is_refused_before_any_work(generator: Generator, changes: dict[str, Any], said: str) -> None:
    assert said in refused(**changes)
    assert not Collection.objects.exists()


@pytest.mark.parametrize(
    ("part", "shared", "said"),
    [
        (
            "acceptor",
            {"patients": ("someone", "patient of steering")},
            "1 of the same patients and 0 of the same films",
        ),
        ("judge", {"films": ("film of accepting",)}, "0 of the same patients and 1 of the same films"),
    ],
)
def test_classifiers_of_different_parts_share_nobody(
    generator: Generator, tmp_path: Path, part: str, shared: dict[str, Any], said: str
) -> None:
    make_classifier(tmp_path, "related", generator, **shared)
    assert said in refused(**{part: "related"})


def test_classifiers_that_steer_together_may_share_patients(generator: Generator, tmp_path: Path) -> None:
    make_classifier(tmp_path, "related", generator, patients=("patient of steering",))
    plan = plan_archive(
        **{key: value for key, value in ASKED.items() if key != "actor"} | {"classifiers": ["steering", "related"]}
    )
    assert len(plan.networks.steer) == 2


def test_without_an_accepting_classifier_those_that_fit_are_named(generator: Generator, tmp_path: Path) -> None:
    make_classifier(tmp_path, "related", generator, patients=("patient of steering",))
    make_classifier(tmp_path, "unknowing", generator, findings=("Cardiomegaly", "Effusion"))
    make_classifier(tmp_path, "large", generator, side=64)
    assert refused(acceptor="", judge="").endswith("of the registered classifiers these fit: accepting, judging.")


@pytest.mark.parametrize("name", ["steering", "accepting"])
def test_weights_that_have_changed_are_refused(generator: Generator, name: str) -> None:
    Classifier.objects.filter(name=name).update(sha256="0" * 64)
    assert name in refused()


def test_a_generator_whose_weights_have_changed_is_refused(generator: Generator) -> None:
    Generator.objects.update(sha256="0" * 64)
    assert "no longer holds the weights of generator “chest”" in refused()


def test_a_classifier_of_a_larger_side_than_the_generator_draws_is_refused(
    generator: Generator, tmp_path: Path
) -> None:
    make_classifier(tmp_path, "large", generator, side=64)
    said = refused(judge="large")
    assert "“large” was trained on films of 64 × 64 pixels and generator “chest” draws 32 × 32" in said
    assert said.endswith("Train a classifier with a side of at most 32.")


def test_a_collection_of_that_name_is_left_alone(generator: Generator) -> None:
    make_collection("labelled", truth="synthetic")
    assert refused().startswith("There is a collection “labelled” already, and it is no labelled archive")


def test_an_archive_goes_on_only_as_it_was_begun(generator: Generator, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = {"per_finding": 1, "findings": ["Effusion"], "combinations": []}
    archive = build(**asked)
    before = contents(archive)
    LabelledArchive.objects.update(finished_at=None)
    for changes, what in (
        ({"seed": 1}, "seed"),
        ({"judge": ""}, "set of classifiers"),
        ({"steering": {"steps": 3}}, "setting of the steering"),
        ({"per_finding": 2}, "set of goals"),
        ({"findings": ["Cardiomegaly"], "licence": "none"}, "set of goals, licence"),
    ):
        with pytest.raises(ValidationError, match=f"“labelled” was begun with another {what};"):
            build(**(asked | changes))
    monkeypatch.setattr("readerstudy.steering.planning.code_version", lambda: "0.0.0")
    with pytest.raises(ValidationError, match="begun with another version of the program"):
        build(**asked)
    LabelledArchive.objects.update(finished_at=archive.finished_at)
    assert contents(build(**asked)) == before


def test_an_archive_is_built_by_one_at_a_time(generator: Generator) -> None:
    asked = {"per_finding": 1, "findings": ["Effusion"], "combinations": []}
    archive = build(**asked)
    with building._alone_with(archive), pytest.raises(ValidationError, match="“labelled” is being built already"):
        build(**asked)


def test_goals_are_all_that_every_classifier_knows_unless_named(generator: Generator, tmp_path: Path) -> None:
    make_classifier(tmp_path, "other", generator, findings=("Hernia", "Pneumothorax", "Effusion"))
    asked = {key: value for key, value in ASKED.items() if key != "actor"} | {"acceptor": "other"}
    plan = plan_archive(**asked | {"findings": [], "combinations": []})
    assert list(map(str, plan.goals)) == ["Effusion", "Pneumothorax"]
    assert list(map(str, plan_archive(**asked | {"findings": []}).goals)) == ["Pneumothorax-Effusion"]
