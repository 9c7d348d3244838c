"""Phantoms in the archive."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from django.conf import settings
from django.core.management import CommandError, call_command

from gan.phantom import Phantom, render, sample_phantom
from readerstudy.archive import services
from readerstudy.archive.models import Collection, Radiograph
from readerstudy.audit.models import AuditRow
from tests.archive.files import findings

pytestmark = [pytest.mark.database, pytest.mark.django_db]


@pytest.fixture(autouse=True)
def _in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Other processes take longer to begin than these few films to be drawn."""
    monkeypatch.setattr(services, "PROCESSES", 1)


def draw(*options: str) -> None:
    call_command("draw_phantoms", "--collection", "phantoms", "--side", "64", *options)


def test_phantoms_come_in_with_seed_patient_and_findings(capsys: pytest.CaptureFixture) -> None:
    draw("--count", "3", "--seed", "40")
    films = list(Radiograph.objects.order_by("phantom_seed"))
    assert [film.phantom_seed for film in films] == [40, 41, 42]
    for film in films:
        patient = sample_phantom(film.phantom_seed)
        assert findings(film) == set(patient.labels)
        assert (film.age, film.sex, film.view, film.side) == (patient.age, patient.sex, patient.view, 64)
        # A 12-bit detector's, though the file has 16 bits.
        assert film.levels == 4096
    assert len({film.patient for film in films}) == 3
    collection = Collection.objects.get()
    assert (collection.truth, collection.origin) == ("real", "phantoms")
    assert "shows no person" in collection.licence
    draw("--count", "4", "--seed", "40")
    assert "imported 1 + exact duplicates 0 + refused 0 + already present 3." in capsys.readouterr().out
    assert not list(settings.FILMS.glob(".phantoms*"))


def test_phantoms_that_are_there_are_not_drawn_again(
    capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn = []

    def drawing(phantom: Phantom, side: int) -> np.ndarray:
        drawn.append(phantom.seed)
        return render(phantom, side)

    monkeypatch.setattr("gan.phantom.folder.render", drawing)
    draw("--count", "2", "--seed", "41")
    draw("--count", "4", "--seed", "40")
    assert drawn == [41, 42, 40, 43]
    before = AuditRow.objects.count()
    capsys.readouterr()
    draw("--count", "4", "--seed", "40")
    assert capsys.readouterr().out == ("Found 4 = imported 0 + exact duplicates 0 + refused 0 + already present 4.\n")
    assert (len(drawn), AuditRow.objects.count()) == (4, before)


def test_a_finding_can_be_asked_for() -> None:
    draw("--count", "2", "--seed", "1", "--finding", "Nodule", "--finding", "Effusion")
    assert [findings(film) for film in Radiograph.objects.all()] == [{"Nodule", "Effusion"}] * 2


@pytest.mark.parametrize("options", [("--count", "0", "--seed", "1"), ("--count", "1", "--seed", "1", "--side", "9")])
def test_what_cannot_be_drawn_changes_nothing(options: tuple[str, ...]) -> None:
    with pytest.raises(CommandError):
        draw(*options)
    assert not Collection.objects.exists()
    assert not list(settings.FILMS.glob(".phantoms*"))


def test_a_name_that_is_a_path_draws_nothing(home: Path) -> None:
    with pytest.raises(CommandError, match="name: "):
        call_command("draw_phantoms", "--collection", "x/../../outside", "--count", "1", "--seed", "1")
    assert not list(home.rglob("*.png"))


def test_phantoms_go_into_no_other_collection_and_keep_their_side() -> None:
    Collection.objects.create(name="nih", truth="real", origin="NIH ChestX-ray14")
    with pytest.raises(CommandError, match="has the origin “NIH ChestX-ray14”"):
        call_command("draw_phantoms", "--collection", "nih", "--count", "1", "--seed", "1")
    draw("--count", "1", "--seed", "1")
    with pytest.raises(CommandError, match="holds phantom 1 with a side of 64"):
        draw("--count", "1", "--seed", "1", "--side", "128")
