"""An archive's building that dies by its own hand: `python -m tests.steering.mortal ARGUMENTS`, in JSON.

It dies in the middle of a block: between the file of its third film and that film's row.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from typing import Any

import django


def main() -> None:
    django.setup()

    from readerstudy.archive.models import Radiograph
    from readerstudy.steering import building

    store_film, stored = building.store_film, 0

    def store_or_die(**film: Any) -> Radiograph:
        nonlocal stored
        stored += 1
        radiograph = store_film(**film)
        if stored == 3:
            os.kill(os.getpid(), signal.SIGKILL)
        return radiograph

    building.store_film = store_or_die
    building.build_archive(**json.loads(sys.argv[1]))


# The processes that steer import this module too.
if __name__ == "__main__":
    main()
