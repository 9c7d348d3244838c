"""Labelled archives as folders: what is in them, what they say of themselves, and that their films come back."""

from __future__ import annotations

import csv
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command
from PIL import Image

from evaluation.classifiers.archive_folder import steered_files
from gan.findings import FINDINGS
from gan.pixels import canonical, write_film
from readerstudy.archive.models import Collection, Radiograph
from readerstudy.archive.services import store_film
from readerstudy.audit.models import AuditRow
from readerstudy.steering.exporting import export_archive, find_archive
from readerstudy.steering.models import (
    ArchiveClassifier,
    Block,
    Classifier,
    FilmReview,
    Goal,
    LabelledArchive,
    SteeredFilm,
)
from readerstudy.synthesis.models import Generator
from tests.archive.files import bring_in
from tests.steering.tiny import make_classifier, make_generator
from tests.studies.films import ACTOR, add_film, make_collection, pseudonym

pytestmark = [pytest.mark.database, pytest.mark.django_db]

SIDE = 48
HEADER = (
    "Image Index,Finding Labels,Follow-up #,Patient ID,Patient Age,Patient Gender,View Position,"
    "OriginalImage[Width,Height],OriginalImagePixelSpacing[x,y],"
    '"Target Labels (classifier, unverified)","Absent Targets (classifier, unverified)",'
    "Below Threshold (accepting classifier)"
)


@pytest.fixture(scope="module")
def networks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("networks")


@pytest.fixture
def archive(networks: Path) -> LabelledArchive:
    """Three films of Pneumothorax, two of Cardiomegaly without Effusion: noise, with rows as building writes them."""
    trained = make_collection("nih")
    Collection.objects.filter(pk=trained.pk).update(origin="NIH ChestX-ray14", licence="No restrictions")
    seen = add_film(trained, 1, patient="p1")
    generator = make_generator(
        networks, films=[{"film_hash": seen.film_hash, "patient_hash": pseudonym("p1"), "phantom_seed": None}]
    )
    collection = Collection.objects.create(name="labelled", truth="synthetic", origin="archive", licence="CC0")
    archive = LabelledArchive.objects.create(
        collection=collection, generator=generator, settings={"steps": 60}, seed=7, code_version="1.2, torch 3"
    )
    parts = {"steering": "steers", "accepting": "accepts", "judging": "judges"}
    for name, part in parts.items():
        patients = (pseudonym("p1"), "someone") if name == "judging" else None
        classifier = make_classifier(networks, name, generator, patients=patients)
        ArchiveClassifier.objects.create(archive=archive, classifier=classifier, part=part)
    add_goal(archive, 0, "Pneumothorax", "", films=3)
    add_goal(archive, 1, "Cardiomegaly", "Effusion", films=2)
    return archive


def add_goal(archive: LabelledArchive, position: int, present: str, absent: str, films: int) -> None:
    goal = Goal.objects.create(
        archive=archive, position=position, present=present, absent=absent, films_wanted=3, attempts_allowed=8
    )
    Block.objects.create(
        goal=goal, number=0, attempts=8, accepted=films, rejected=8 - films, surplus=0, forward_equivalents=600
    )
    for seed in range(films):
        film = canonical(np.random.default_rng([position, seed]).normal(size=(SIDE, SIDE)))
        far = {finding: 1e6 if finding in present.split("|") else -1e6 for finding in (*FINDINGS[1:3], "Pneumothorax")}
        SteeredFilm.objects.create(
            radiograph=store_film(
                collection=archive.collection, film=film, source_path=f"{goal.pk}/{seed}", levels=256
            ),
            goal=goal,
            seed=seed,
            latent=np.arange(8, dtype="<f4").tobytes(),
            steps=12,
            distance=0.75,
            steering_scores=far,
            accepting_scores=far,
            # Of the first film of each goal the judge sees nothing.
            judging_scores=far if seed else dict.fromkeys(far, -1e6),
        )


def exported(archive: LabelledArchive, out: Path, form: str = "nih", **options: Any) -> Path:
    export_archive(archive=archive, out=out, form=form, actor=ACTOR, **options)
    return out


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def hashes() -> set[str]:
    return set(SteeredFilm.objects.values_list("radiograph__film_hash", flat=True))


def test_the_table_has_nihs_columns_and_says_of_targets_that_they_are_unverified(
    archive: LabelledArchive, tmp_path: Path
) -> None:
    out = exported(archive, tmp_path / "out")
    assert (out / "Data_Entry.csv").read_text().splitlines()[0] == HEADER
    rows = rows_of(out / "Data_Entry.csv")
    assert [row["Image Index"] for row in rows][-1] == "labelled_01_0000000001.png"
    assert [row["Target Labels (classifier, unverified)"] for row in rows] == ["Pneumothorax"] * 3 + [
        "Cardiomegaly"
    ] * 2
    assert (rows[0]["Height]"], rows[0]["OriginalImage[Width"]) == ("48", "48")
    unknown = ("Finding Labels", "Follow-up #", "Patient ID", "Patient Age", "Patient Gender", "View Position", "y]")
    assert {row[column] for row in rows for column in unknown} == {""}
    # As the classifiers of the project read it.
    last = steered_files(out)[-1]
    assert (last.present, last.absent, last.below) == ({"Cardiomegaly"}, {"Effusion"}, {"Effusion", "Pneumothorax"})


def test_nihs_own_column_holds_targets_only_when_asked_for(archive: LabelledArchive, tmp_path: Path) -> None:
    out = tmp_path / "out"
    call_command("export_archive", "labelled", f"--out={out}", "--form=nih", "--finding-labels")
    labels = [row["Finding Labels"] for row in rows_of(out / "Data_Entry.csv")]
    assert labels == ["Pneumothorax"] * 3 + ["Cardiomegaly"] * 2
    assert "holds the targets as well" in (out / "README.md").read_text()


@pytest.mark.parametrize("form", ["chestxray14", "folder"])
def test_the_folder_comes_back_through_the_importers(archive: LabelledArchive, tmp_path: Path, form: str) -> None:
    out = exported(archive, tmp_path / "out")
    with Image.open(next((out / "images").iterdir())) as image:
        assert (image.mode, image.size, image.info) == ("L", (SIDE, SIDE), {})
    summary = bring_in(out, "back", truth="synthetic", form=form)
    assert (summary.found, summary.imported) == (5, 5)
    back = Radiograph.objects.filter(collection__name="back")
    assert not back.filter(findings__isnull=False).exists()
    assert (back[0].collection.origin, back[0].levels) == ("back", 256)


def test_it_does_not_come_among_real_films(archive: LabelledArchive, tmp_path: Path) -> None:
    summary = bring_in(exported(archive, tmp_path / "out"), "chest", truth="real")
    assert summary.imported == 0
    assert "synthetic" in next(iter(summary.refused.values()))


@pytest.mark.parametrize("form", ["dicom", "png16"])
def test_dicom_and_16_bit_png_come_back_to_the_same_films(archive: LabelledArchive, tmp_path: Path, form: str) -> None:
    out = tmp_path / "out"
    if form == "dicom":
        exported(archive, out, "dicom")
    else:
        out.mkdir()
        for film in SteeredFilm.objects.select_related("radiograph"):
            shutil.copy(film.radiograph.path, out / f"{film.pk}.png")
    assert bring_in(out, "back", truth="synthetic").imported == 5
    assert set(Radiograph.objects.filter(collection__name="back").values_list("film_hash", flat=True)) == hashes()


def test_dicom_names_the_target_and_the_validator_finds_no_error(archive: LabelledArchive, tmp_path: Path) -> None:
    out = exported(archive, tmp_path / "out", "dicom")
    paths = sorted((out / "dicom").iterdir())
    said = pydicom.dcmread(paths[-1])
    assert said.ImageComments.endswith("Target Cardiomegaly without Effusion (classifier, unverified)")
    # Both goals have a film of seed 0.
    assert len({pydicom.dcmread(path).PatientID for path in paths}) == len(paths) == 5
    if shutil.which("dciodvfy"):
        for path in paths:
            found = subprocess.run(["dciodvfy", path], capture_output=True, text=True, check=False)
            assert [line for line in found.stderr.splitlines() if "Error" in line] == []


@pytest.mark.parametrize("form", ["nih", "dicom"])
def test_each_film_says_how_it_came_about(archive: LabelledArchive, tmp_path: Path, form: str) -> None:
    out = exported(archive, tmp_path / "out", form)
    rows = rows_of(out / "films.csv")
    assert all((out / row["file"]).exists() for row in rows)
    assert {row["film_sha256"] for row in rows} == hashes()
    first = rows[0]
    assert (first["seed"], first["steps"], first["distance_radians"]) == ("0", "12", "0.75")
    assert (float(first["accepting_logit_Pneumothorax"]), float(first["judging_logit_Pneumothorax"])) == (1e6, -1e6)
    assert first["generator_sha256"] == archive.generator.sha256
    assert first["accepting_sha256"] == Classifier.objects.get(name="accepting").sha256
    latents = np.load(out / "latents.npy")
    assert latents.dtype == np.float32
    assert np.array_equal(latents, np.tile(np.arange(8), (5, 1)))


def test_the_data_sheet_says_what_the_archive_is_worth(archive: LabelledArchive, tmp_path: Path) -> None:
    sheet = (exported(archive, tmp_path / "out") / "README.md").read_text()
    # Wilson's intervals by another program (R: prop.test(x, n, correct = FALSE)): 3 of 8, 2 of 3 and 1 of 2.
    assert "| Pneumothorax | 3 of 3 | 8 | 5 | 0 | 38% (14%–69%) | 200 |" in sheet
    assert "| Pneumothorax | 3 | 67% (21%–94%) | none yet | none yet | none yet | none yet | none yet |" in sheet
    assert (
        "| Cardiomegaly − Effusion | 2 | 50% (9%–91%) | none yet | none yet | none yet | none yet | not asked |"
        in sheet
    )
    assert "The generator was trained on 1 films: 1 of “nih” (origin NIH ChestX-ray14)." in sheet
    # The judge knows one of the generator's patients, and the sheet says so.
    judging = Classifier.objects.get(name="judging")
    assert f"| judges | judging | densenet-narrow, 32² | 2 | 1 | 0 | `{judging.sha256}` |" in sheet
    assert "Licence of this archive: CC0" in sheet
    assert "https://nihcc.app.box.com/v/ChestXray-NIHCC" in sheet
    for word in ("1.2, torch 3", "steps 60", "**The archive was still being built.**", "Not for diagnosis"):
        assert word in sheet


def test_the_data_sheet_says_what_is_not_known(archive: LabelledArchive, tmp_path: Path, settings: Any) -> None:
    Radiograph.objects.filter(collection__name="nih").delete()
    settings.PSEUDONYM_KEY = b"of another installation"
    sheet = (exported(archive, tmp_path / "out") / "README.md").read_text()
    assert "The generator was trained on 1 films: none of them is known here." in sheet
    assert "pseudonyms of another installation" in sheet
    assert "neither is what their provider asks for" in sheet
    assert "nihcc.app.box.com" not in sheet


def test_the_data_sheet_counts_what_reviewers_said_last(archive: LabelledArchive, tmp_path: Path) -> None:
    one, two = (User.objects.create_user(name) for name in ("one", "two"))
    films = SteeredFilm.objects.filter(goal__present="Pneumothorax").order_by("seed")
    for film, reviewer, verdict, tubes in (
        (films[0], one, "artefact", False),
        (films[0], one, "plausible", True),
        (films[0], two, "plausible", True),
        (films[1], one, "implausible", False),
    ):
        FilmReview.objects.create(film=film, reviewer=reviewer, verdict=verdict, tubes=tubes)
    sheet = (exported(archive, tmp_path / "out") / "README.md").read_text()
    half, none = "50% (9%–91%)", "0% (0%–66%)"
    assert f"| Pneumothorax | 3 | 67% (21%–94%) | 2 | {half} | {half} | {none} | {half} |" in sheet


def test_an_export_is_there_whole_or_not_at_all(archive: LabelledArchive, tmp_path: Path) -> None:
    last = SteeredFilm.objects.order_by("goal", "seed").last()
    assert last
    write_film(last.radiograph.path, np.zeros((SIDE, SIDE), np.uint16))
    with pytest.raises(CommandError, match="has changed since it came into the archive"):
        call_command("export_archive", "labelled", f"--out={tmp_path / 'out'}", "--form=nih")
    assert not [path for path in tmp_path.iterdir() if path.name.startswith("out")]
    assert not AuditRow.objects.filter(action="archive exported").exists()


def test_networks_that_are_no_longer_those_of_the_films_are_found_before_any_work(
    archive: LabelledArchive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("readerstudy.steering.exporting._write_film", pytest.fail)
    for changed, said in (
        ({"sha256": "2" * 64}, "no longer holds the weights of generator “chest”"),
        ({"path": str(tmp_path / "gone.safetensors")}, "Generator “chest” cannot draw"),
    ):
        Generator.objects.filter(pk=archive.generator_id).update(**changed)
        archive.generator.refresh_from_db()
        with pytest.raises(ValidationError, match=said):
            exported(archive, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_folder_that_is_there_is_left_alone(archive: LabelledArchive, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    with pytest.raises(ValidationError, match="out is there already; name another folder"):
        exported(archive, tmp_path / "out")
    assert not list((tmp_path / "out").iterdir())


def test_what_cannot_be_exported_is_refused(archive: LabelledArchive, tmp_path: Path) -> None:
    for options, said in (
        ({"form": "nifti"}, "There is no form “nifti”; there are: nih, dicom."),
        ({"form": "dicom", "finding_labels": True}, "Only the form “nih” has a column for finding labels."),
    ):
        with pytest.raises(ValidationError, match=said):
            exported(archive, tmp_path / "out", **options)
    with pytest.raises(ValidationError, match="There is no labelled archive “other”; there are: labelled"):
        find_archive("other")
    SteeredFilm.objects.all().delete()
    with pytest.raises(ValidationError, match="“labelled” holds no films yet"):
        exported(archive, tmp_path / "out")
    assert not (tmp_path / "out").exists()
