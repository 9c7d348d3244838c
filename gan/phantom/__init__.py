"""Stand-in radiographs: a parametrised thorax projected to a film, so that everything runs with no data."""

from gan.phantom.film import render
from gan.phantom.folder import draw_phantoms
from gan.phantom.geometry import on_film
from gan.phantom.patient import DRAWABLE, Lesion, Phantom, sample_phantom

__all__ = ["DRAWABLE", "Lesion", "Phantom", "draw_phantoms", "on_film", "render", "sample_phantom"]
