"""What the edges of the films of a study may not tell, and what is only written down."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from django.core.exceptions import ValidationError

from gan.pixels import Film, canonical, film_hash, read_film, read_values, write_film
from readerstudy.archive.models import Collection
from readerstudy.studies.models import Arm, Manifest, Study
from readerstudy.studies.pixel_check import MeasuredFilm, pixel_report, refuse_what_tells
from readerstudy.studies.pixel_features import constant_border, pixel_features
from readerstudy.studies.rendering import Form, common_margin, film_of, margin_of, render, side_inside
from readerstudy.studies.services import add_arm, freeze_study
from tests.studies.films import ACTOR, make_generator, make_study, real_collection, synthetic_collection

RANDOM = np.random.default_rng(11)


def noise(side: int = 64) -> Film:
    return RANDOM.integers(0, 65536, (side, side), dtype=np.uint16)


# Features


def test_constant_lines_are_counted_at_each_edge() -> None:
    film = noise()
    film[:3] = 0
    film[-1:] = 65535
    film[:, :2] = 1000
    assert constant_border(film) == (3, 1, 2, 0)
    assert constant_border(noise()) == (0, 0, 0, 0)
    assert sum(constant_border(np.full((8, 8), 5, dtype=np.uint16))) >= 8


def test_a_line_that_varies_by_less_than_a_grey_is_constant_and_one_that_varies_by_more_is_not() -> None:
    film = noise()
    film[0] = 500 + RANDOM.integers(0, 257, 64)
    assert constant_border(film) == (1, 0, 0, 0)
    film[0] = 500 + RANDOM.integers(0, 2570, 64)
    assert constant_border(film) == (0, 0, 0, 0)


def test_padding_is_the_largest_constant_area_at_the_edge() -> None:
    film = noise(100)
    film[:30, :40] = 20000
    film[60:70, 40:60] = 20000
    features = pixel_features(film, 65536)
    # The means over 3 × 3 pixels lose one line where the area meets the picture.
    assert features.padding == pytest.approx(29 * 39 / 10000)
    assert pixel_features(noise(), 65536).padding == 0


def test_greys_noise_and_bits_are_those_of_the_grid() -> None:
    levels = np.tile(np.array([[4, 7], [4, 7]]), (16, 16))
    features = pixel_features((levels * 257).astype(np.uint16), 256)
    assert (features.minimum, features.maximum, features.distinct_levels) == (4, 7, 2)
    assert features.odd_levels == 0.5
    assert features.bit_changes == 1
    # Columns alone have no diagonal detail; normal noise of 10 levels has 10 of it.
    assert features.noise == 0
    grey = np.rint(RANDOM.normal(100, 10, (256, 256))).clip(0, 255)
    assert pixel_features((grey * 257).astype(np.uint16), 256).noise == pytest.approx(10, rel=0.05)


# Rendering


def test_all_films_are_cut_by_the_widest_border_of_any_but_by_a_sixteenth_at_most() -> None:
    film = noise(128)
    film[:5] = 0
    film[:, -2:] = 65535
    assert margin_of(film) == 6 / 128
    assert margin_of(noise()) == 0
    assert common_margin([0.0, 6 / 128, 2 / 128]) == 6 / 128
    assert common_margin([0.0, 0.3]) == 1 / 16
    assert side_inside(128, 6 / 128) == 116
    cut = film_of(render(film, Form(116, 256, 6 / 128, 257), seed="1"), 116)
    assert pixel_features(cut, 256, noise=154).border == 0
    whole = film_of(render(film, Form(128, 256, 0, 257), seed="1"), 128)
    assert pixel_features(whole, 256, noise=154).border == 7


# Refusals

REAL, DRAWN = Arm(name="real", role="real"), Arm(name="drawn", role="generator")
DEGRADED, CONTROL = Arm(name="degraded", role="control-degraded"), Arm(name="control", role="control-real")


def measured(arm: Arm, films: int, lines: int = 0, corner: int = 0) -> list[MeasuredFilm]:
    """Films of 64 × 64 with that many constant lines at the top and a constant square in a corner."""
    made = []
    for _number in range(films):
        film = noise()
        film[:lines] = 0
        film[64 - corner :, 64 - corner :] = 0
        made.append(MeasuredFilm(arm, pixel_features(film, 65536)))
    return made


def test_films_without_borders_are_not_refused() -> None:
    refuse_what_tells([*measured(REAL, 100), *measured(DRAWN, 100)])


def test_borders_and_padding_on_both_sides_are_not_refused() -> None:
    refuse_what_tells([*measured(REAL, 50, 3, 30), *measured(DRAWN, 50, 3, 30)])


@pytest.mark.parametrize(("real", "drawn"), [(0, 3), (3, 0), (1, 5), (5, 20)])
def test_a_border_of_one_side_is_refused_by_name_and_count(real: int, drawn: int) -> None:
    films = [*measured(REAL, 80), *measured(REAL, 20, real), *measured(DRAWN, 60), *measured(DRAWN, 40, drawn)]
    with pytest.raises(ValidationError, match="have a constant border") as refusal:
        refuse_what_tells(films)
    told = f"{20 if real else 0} of the 100 real and {40 if drawn else 0} of the 100 synthetic main films"
    assert told in str(refusal.value)


def test_padding_of_one_side_is_refused_by_name() -> None:
    films = [*measured(REAL, 85), *measured(REAL, 15, corner=24), *measured(DRAWN, 100)]
    with pytest.raises(ValidationError, match="15 of the 100 real and 0 of the 100 synthetic main films are padded"):
        refuse_what_tells(films)


def test_few_films_that_differ_by_chance_are_not_refused() -> None:
    refuse_what_tells([*measured(REAL, 97), *measured(REAL, 3, 2), *measured(DRAWN, 100)])


def test_controls_have_no_say_and_are_written_down_apart() -> None:
    films = [*measured(REAL, 50), *measured(DRAWN, 50), *measured(DEGRADED, 50, 4), *measured(CONTROL, 50, 4)]
    refuse_what_tells(films)
    report = pixel_report(films)
    assert report["arms"]["degraded"]["features"]["border"] == {"median": 4, "low": 4, "high": 4}
    assert report["arms"]["real"]["features"]["border"]["high"] == 0
    assert report["auc"]["border"] == {"estimate": 0.5, "low": None, "high": None}
    assert report["p"] == {"border": 1, "padding": 1}


def test_chance_refuses_fewer_than_one_sound_study_in_a_hundred() -> None:
    pool = [*measured(REAL, 150), *measured(REAL, 30, 2), *measured(REAL, 20, 12, 30)]
    refused = 0
    for _study in range(300):
        mixed = RANDOM.permutation(len(pool))
        films = [MeasuredFilm(REAL if n < 100 else DRAWN, pool[at].features) for n, at in enumerate(mixed)]
        try:
            refuse_what_tells(films)
        except ValidationError:
            refused += 1
    assert refused <= 2


# Freezing


def with_border(collection: Collection, lines: int) -> None:
    """Give every film of the collection a black border."""
    for radiograph in collection.radiographs.all():
        film = read_film(radiograph.path).copy()
        film[:lines] = 0
        write_film(radiograph.path, film)
        radiograph.film_hash = film_hash(film)
        radiograph.save()


def study_of(folder: Path, real: Collection, drawn: Collection, films: int = 20) -> Study:
    study = make_study()
    add_arm(study=study, actor=ACTOR, name="real", role="real", collection=real, films=films, split="test")
    add_arm(study=study, actor=ACTOR, name="synthetic", role="generator", collection=drawn, films=films)
    return study


@pytest.mark.database
@pytest.mark.django_db
def test_freezing_refuses_a_border_that_tells(tmp_path: Path) -> None:
    drawn = synthetic_collection(make_generator(tmp_path / "generator"))
    with_border(drawn, 6)
    study = study_of(tmp_path, real_collection(), drawn)
    with pytest.raises(ValidationError, match="0 of the 20 real and 20 of the 20 synthetic main films have a constant"):
        freeze_study(study=study, actor=ACTOR)
    study.refresh_from_db()
    assert study.state == Study.State.DESIGN
    assert not study.folder.exists()


@pytest.mark.database
@pytest.mark.django_db
def test_freezing_writes_down_what_depends_on_the_picture(tmp_path: Path) -> None:
    drawn = synthetic_collection(make_generator(tmp_path / "generator"))
    freeze_study(study=study_of(tmp_path, real_collection(), drawn), actor=ACTOR)
    pixels = Manifest.objects.get().content["pixels"]
    assert pixels["refused_below_p"] == 0.0005
    assert set(pixels["arms"]) == {"real", "synthetic"}
    assert set(pixels["auc"]) == {
        *("border", "padding", "distinct_levels", "minimum", "maximum", "noise", "odd_levels", "bit_changes")
    }


def test_held_out_real_films_against_others_of_their_kind_are_not_refused(real_films: Path) -> None:
    paths = sorted((real_films / "nih" / "images").iterdir())[:120]
    films = []
    for number, path in enumerate(paths):
        shown = film_of(render(canonical(read_values(path)), Form(64, 256, 1 / 16, 257), seed=path.name), 64)
        films.append(MeasuredFilm((REAL, DRAWN)[number % 2], pixel_features(shown, 256, noise=154)))
    refuse_what_tells(films)
    # The rule of black and white and the noise are the same for all: of 256 greys few are missing even at 64 × 64.
    assert min(film.features.distinct_levels for film in films) > 180
