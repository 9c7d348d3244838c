"""Does a chest film look like a negative? A doubt for a person to look at, never a reason to turn a film round."""

from __future__ import annotations

from gan.pixels import FULL_SCALE, Film, resample

GRID = 32
MEDIASTINUM = (slice(8, 22), slice(14, 18))
LUNGS = ((slice(8, 20), slice(6, 11)), (slice(8, 20), slice(21, 26)))
CORNERS = ((slice(0, 5), slice(0, 4)), (slice(0, 5), slice(-4, None)))
CENTRE = (slice(6, 26), slice(6, 26))


def looks_negative(film: Film) -> bool:
    """Is the mediastinum darker than the lungs, and the trunk darker than the air beside the neck?

    The two differences add up to less than zero in 1 of 1,445 upright films of ChestX-ray14; of a negative the sum is
    the same with its sign turned.
    """
    small = resample(film, GRID) / FULL_SCALE
    lungs = sum(float(small[place].mean()) for place in LUNGS) / 2
    corners = sum(float(small[place].mean()) for place in CORNERS) / 2
    return float(small[MEDIASTINUM].mean()) - lungs + (float(small[CENTRE].mean()) - corners) / 2 < 0
