"""Contact sheets of an archive: the films of one goal at one glance, with its name above them."""

from __future__ import annotations

import numpy as np
import torch
from django.utils.translation import gettext as _
from PIL import Image, ImageDraw, ImageFont

from gan import snapshot
from gan.pixels import FULL_SCALE, read_film, resample
from readerstudy.archive.pictures import png_of
from readerstudy.steering.models import Goal
from readerstudy.steering.review import name_of

FILMS, COLUMNS = 60, 10
TILE = 128
HEAD, MARGIN, TEXT = 40, 12, 18
GROUND, INK = 13, 223


def contact_sheet(goal: Goal) -> bytes:
    """A PNG of the goal's films, in the order of their seeds: all of them, or the first sixty.

    The words above name the goal and say that nobody verified it. Raises ValueError where there is no film yet, and
    FileNotFoundError where one is missing.
    """
    films = list(goal.films.select_related("radiograph").order_by("seed")[:FILMS])
    if not films:
        raise ValueError(_("No film of this goal is there yet."))
    tiles = np.stack([resample(read_film(film.radiograph.path), TILE) for film in films])
    grid = snapshot.contact_sheet(torch.from_numpy(tiles / FULL_SCALE * 2 - 1)[:, None], COLUMNS)
    words = _title(goal, len(films))
    font = ImageFont.load_default(TEXT)
    width = max(grid.width, round(font.getlength(words)) + 2 * MARGIN)
    sheet = Image.new("L", (width, HEAD + grid.height), GROUND)
    sheet.paste(grid, (0, HEAD))
    ImageDraw.Draw(sheet).text((MARGIN, HEAD / 2), words, fill=INK, font=font, anchor="lm")
    return png_of(sheet)


def _title(goal: Goal, shown: int) -> str:
    words = _("Synthetic films, steered to: %(goal)s, unverified · %(archive)s · %(shown)d of %(films)d films")
    return words % {"goal": name_of(goal), "archive": goal.archive, "shown": shown, "films": goal.films.count()}
