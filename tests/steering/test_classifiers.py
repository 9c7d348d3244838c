"""Classifiers of the application: trained on a collection, registered, and ready to judge."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command

from evaluation.classifiers.network import Description, network_of, save_classifier
from evaluation.classifiers.training import ClassifierConfig
from gan.provenance import key_fingerprint
from gan.stopping import TrainingStopped
from readerstudy.archive.models import Collection, Radiograph
from readerstudy.audit.models import AuditRow
from readerstudy.commands import sentences
from readerstudy.steering import classifiers
from readerstudy.steering.classifiers import find_classifier, loaded, register_classifier
from readerstudy.steering.models import Classifier
from tests.studies.films import ACTOR, add_film, make_collection, pseudonym

pytestmark = [pytest.mark.database, pytest.mark.django_db]

CONFIG = ClassifierConfig(network="densenet-narrow", side=32, images=16, batch=8)
ASKED = ("--network", "densenet-narrow", "--side", "32", "--images", "16", "--batch", "8", "--threads", "1")


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture
def collection() -> Collection:
    """Sixteen films to train on of eight patients and eight held out, every second one with a mass."""
    collection = make_collection("nih")
    for number in range(24):
        side, patient = ("train", number // 2) if number < 16 else ("test", number)
        findings = ["Mass"] if number % 2 else ["No Finding"]
        add_film(collection, number, patient=f"p{patient}", split=side, findings=findings)
    # Of this one nothing is known.
    add_film(collection, 24, patient="p24", split="train")
    return collection


def weights_in(folder: Path, seed: int = 0) -> Path:
    """The file of an untrained classifier."""
    torch.manual_seed(seed)
    about = Description("densenet-narrow", 32, ("Mass",), (1.0,), (0.0,), (), (), {}, {})
    save_classifier(folder / f"weights-{seed}.safetensors", network_of("densenet-narrow", 1), about)
    return folder / f"weights-{seed}.safetensors"


def train(collection: Collection, **changes: Any) -> Classifier:
    asked = {"name": "steers", "collection": collection, "config": CONFIG, "split": "train", "actor": ACTOR}
    return classifiers.train_classifier(**(asked | changes))


def refused(act: Callable[[], object], said: str) -> None:
    with pytest.raises(ValidationError) as error:
        act()
    assert said in sentences(error.value)


def actions() -> list[str]:
    return list(AuditRow.objects.order_by("id").values_list("action", flat=True))


def test_a_classifier_is_trained_on_one_side_and_measured_on_the_other(
    collection: Collection, capsys: pytest.CaptureFixture
) -> None:
    call_command("train_classifier", "steers", "--collection", "nih", *ASKED)
    classifier = Classifier.objects.get(name="steers")
    assert (classifier.network, classifier.side, classifier.findings) == ("densenet-narrow", 32, ["Mass"])
    about = loaded(classifier).about
    assert set(about.patients) == {pseudonym(f"p{number}") for number in range(8)}
    known = Radiograph.objects.filter(split="train", findings__isnull=False)
    assert set(about.films) == set(known.values_list("film_hash", flat=True))
    assert (about.held_out["films"], about.held_out["findings"]["Mass"]["positives"]) == (8, 4)
    assert about.trained["patient_key"] == key_fingerprint(settings.PSEUDONYM_KEY)
    assert (about.trained["collection"], about.trained["split"], about.trained["part"]) == ("nih", "train", "1/1")
    assert actions() == ["classifier training begun", "classifier registered"]
    printed = capsys.readouterr()
    assert "Mass: AUC " in printed.out
    assert "Classifier steers is trained on films of nih and registered." in printed.out
    assert not list(classifier.file.parent.rglob("*steers*"))


def test_parts_of_an_undivided_collection_share_no_patient_and_phantoms_go_by_their_seed() -> None:
    collection = make_collection("phantoms")
    for number in range(30):
        add_film(collection, number, phantom_seed=number, findings=["Mass"] if number % 2 else ["No Finding"])
    patients = []
    for part in (1, 2):
        classifier = train(collection, name=f"part-{part}", split="", part=part, parts=2)
        about = loaded(classifier).about
        assert about.held_out["patients"] == 6
        patients.append(set(about.patients))
    assert not patients[0] & patients[1]
    assert len(patients[0] | patients[1]) == 24
    assert patients[0] | patients[1] < {f"phantom_{number}" for number in range(30)}


class Stopping:
    """A progress that asks to stop once so many films were shown."""

    def __init__(self, images: int) -> None:
        self.images, self.label, self.steps = images, "", 0

    def start(self, total: int, label: str) -> None:
        self.label, self.steps = label, 0

    def advance(self, steps: int = 1) -> None:
        self.steps += steps

    def __call__(self) -> bool:
        return self.label == "Training" and self.steps >= self.images


def test_a_training_that_was_stopped_is_resumed(collection: Collection) -> None:
    stop = Stopping(8)
    with pytest.raises(TrainingStopped):
        train(collection, progress=stop, should_stop=stop)
    assert not Classifier.objects.exists()
    refused(lambda: train(collection), "continue it with --resume")
    refused(lambda: train(collection, resume=True, part=1, parts=2), "other films")
    train(collection, resume=True)
    told = ["begun", "stopped", "resumed"]
    assert actions() == [*(f"classifier training {word}" for word in told), "classifier registered"]


def test_what_cannot_be_trained_is_refused_before_any_work(collection: Collection, tmp_path: Path) -> None:
    register_classifier(name="taken", path=weights_in(tmp_path), actor=ACTOR)
    refused(lambda: train(collection, name="taken"), "There is a classifier “taken” already; choose another name.")
    refused(lambda: train(collection, name="not a slug"), "name: ")
    unlabelled = make_collection("unlabelled")
    add_film(unlabelled, 0, split="train")
    refused(
        lambda: train(unlabelled), "No film of collection “unlabelled” on this side of its split has known findings"
    )
    film = Radiograph.objects.filter(collection=collection, split="train", findings__isnull=False)[1]
    shutil.copyfile(Radiograph.objects.filter(split="test")[0].path, film.path)
    refused(lambda: train(collection), "has changed since it came into the archive; import it again.")
    assert actions() == ["classifier registered"]
    with pytest.raises(CommandError, match="There is no collection “none”"):
        call_command("train_classifier", "c", "--collection", "none", *ASKED)
    with pytest.raises(CommandError, match="A side lies between 32 and 1024"):
        call_command("train_classifier", "c", "--collection", "nih", *ASKED, "--side", "8")


def test_a_registered_classifier_has_a_copy_of_its_own(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    path = weights_in(tmp_path)
    call_command("register_classifier", "steers", str(path))
    assert "Classifier steers is registered: densenet-narrow, 32 × 32 pixels, Mass." in capsys.readouterr().out
    path.unlink()
    path.with_suffix(".json").unlink()
    classifier = find_classifier("steers")
    assert classifier.path == f"classifiers/{classifier.sha256}.safetensors"
    judge = loaded(classifier)
    assert (judge.name, judge.sha256, judge.findings) == ("steers", classifier.sha256, ("Mass",))
    refused(lambda: find_classifier("judges"), "There is no classifier “judges”; there are: steers.")


def test_only_classifiers_are_registered_and_each_once(tmp_path: Path) -> None:
    path = weights_in(tmp_path)
    refused(lambda: register_classifier(name="c", path=tmp_path / "none.safetensors", actor=ACTOR), "not a classifier")
    register_classifier(name="steers", path=path, actor=ACTOR)
    refused(lambda: register_classifier(name="again", path=path, actor=ACTOR), "SHA-256")
    refused(lambda: register_classifier(name="steers", path=weights_in(tmp_path, 1), actor=ACTOR), "name")
    assert Classifier.objects.count() == 1
    assert len(list((settings.HOME / "classifiers").glob("*.safetensors"))) == 1


def test_weights_that_are_no_longer_those_that_were_registered_do_not_judge(tmp_path: Path) -> None:
    classifier = register_classifier(name="steers", path=weights_in(tmp_path), actor=ACTOR)
    other = weights_in(tmp_path, 1)
    for suffix in (".safetensors", ".json"):
        shutil.copyfile(other.with_suffix(suffix), classifier.file.with_suffix(suffix))
    refused(lambda: loaded(classifier), "no longer holds the weights of classifier “steers”")
    classifier.file.with_suffix(".json").write_text(json.dumps({}))
    refused(lambda: loaded(classifier), "Classifier “steers” cannot be used: ")
