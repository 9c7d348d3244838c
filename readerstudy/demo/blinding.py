"""`make check-blinding`: blinding measured on phantoms against films of the generator that is shipped.

With `--null` other phantoms take the place of those films. Both arms then show the same kind of picture, so that
whatever told them apart would be a leak of the study and not a weakness of the generator.

Everything is made anew in a folder of its own, on production settings, and thrown away; the figures are printed.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import django
from django.core.management import CommandError, call_command

ACTOR = "check-blinding"
NAME = "phantoms-against-drawn"
SIDE = 128
PHANTOM_SEED, OTHER_PHANTOM_SEED, DRAWING_SEED = 1, 100_001, 1


def main() -> int:
    options = _options()
    with TemporaryDirectory(prefix="check-blinding.") as home:
        _set_environment(Path(home))
        django.setup()
        call_command("migrate", verbosity=0)
        call_command("collectstatic", verbosity=0, interactive=False)
        _freeze(options.films, _phantoms_as_drawn if options.null else _drawn)
        try:
            call_command("check_blinding", NAME, json=options.json, seed=options.seed)
        except CommandError as error:
            print(error, file=sys.stderr)
            return error.returncode
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m readerstudy.demo.blinding", description=__doc__)
    parser.add_argument("--films", type=int, default=400, help="of each truth")
    parser.add_argument("--null", action="store_true", help="other phantoms instead of drawn films")
    parser.add_argument("--seed", type=int, default=0, help="of folds and permutations")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there as well")
    return parser.parse_args()


def _freeze(films: int, draw: Callable[[int], None]) -> None:
    # Models can be imported only now that Django is set up.
    from readerstudy.demo.studies import PLAN
    from readerstudy.progress import Bar
    from readerstudy.studies.plan import build_study
    from readerstudy.studies.services import freeze_study

    call_command("draw_phantoms", collection="phantoms", count=films, seed=PHANTOM_SEED, side=SIDE, stdout=sys.stderr)
    draw(films)
    arms = [
        {"name": "real", "role": "real", "collection": "phantoms", "films": films},
        {"name": "synthetic", "role": "generator", "collection": "drawn", "films": films},
    ]
    plan = PLAN | {"name": NAME, "title": NAME, "override_reason": "No patient is in these films.", "arms": arms}
    freeze_study(study=build_study(plan, actor=ACTOR), actor=ACTOR, progress=Bar())


def _drawn(films: int) -> None:
    from readerstudy.demo.studies import PRETRAINED
    from readerstudy.progress import Bar
    from readerstudy.synthesis.services import generate_radiographs, register_generator

    generator = register_generator(name=PRETRAINED.stem, path=PRETRAINED, actor=ACTOR)
    generate_radiographs(
        generator=generator, collection="drawn", count=films, first_seed=DRAWING_SEED, actor=ACTOR, progress=Bar()
    )


def _phantoms_as_drawn(films: int) -> None:
    from gan.phantom import draw_phantoms
    from readerstudy.archive.services import import_radiographs

    with TemporaryDirectory(prefix="phantoms.") as folder:
        draw_phantoms(Path(folder), films, OTHER_PHANTOM_SEED, SIDE)
        import_radiographs(path=Path(folder), collection="drawn", truth="synthetic", form="folder", actor=ACTOR)


def _set_environment(home: Path) -> None:
    """Production settings on a machine that nobody else can reach."""
    os.environ |= {
        "DJANGO_SETTINGS_MODULE": "readerstudy.settings",
        "READERSTUDY_HOME": str(home),
        "READERSTUDY_DEBUG": "0",
        "READERSTUDY_HTTPS": "0",
        "READERSTUDY_ALLOWED_HOSTS": "localhost",
        "READERSTUDY_SECRET_KEY": "only for this check, and thrown away with it",
        "READERSTUDY_PSEUDONYM_KEY": "only for this check",
        "DATABASE_URL": f"sqlite:///{home / 'db.sqlite3'}",
    }


if __name__ == "__main__":
    sys.exit(main())
