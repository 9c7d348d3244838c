"""`make check-blinding`: blinding measured on phantoms against films of the generator that is shipped.

Everything is made anew in a folder of its own, on production settings, and thrown away; the figures are printed.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import django
from django.core.management import CommandError, call_command

ACTOR = "check-blinding"
NAME = "phantoms-against-drawn"
PHANTOM_SEED, DRAWING_SEED = 1, 1


def main() -> int:
    options = _options()
    with TemporaryDirectory(prefix="check-blinding.") as home:
        _set_environment(Path(home))
        django.setup()
        call_command("migrate", verbosity=0)
        call_command("collectstatic", verbosity=0, interactive=False)
        _freeze(options.films)
        try:
            call_command("check_blinding", NAME, json=options.json, seed=options.seed)
        except CommandError as error:
            print(error, file=sys.stderr)
            return error.returncode
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m readerstudy.demo.blinding", description=__doc__)
    parser.add_argument("--films", type=int, default=400, help="of each truth")
    parser.add_argument("--seed", type=int, default=0, help="of folds and permutations")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there as well")
    return parser.parse_args()


def _freeze(films: int) -> None:
    # Models can be imported only now that Django is set up.
    from readerstudy.demo.studies import PLAN, PRETRAINED
    from readerstudy.progress import Bar
    from readerstudy.studies.plan import build_study
    from readerstudy.studies.services import freeze_study
    from readerstudy.synthesis.services import generate_radiographs, register_generator

    call_command("draw_phantoms", collection="phantoms", count=films, seed=PHANTOM_SEED, side=128, stdout=sys.stderr)
    generator = register_generator(name=PRETRAINED.stem, path=PRETRAINED, actor=ACTOR)
    generate_radiographs(
        generator=generator, collection="drawn", count=films, first_seed=DRAWING_SEED, actor=ACTOR, progress=Bar()
    )
    arms = [
        {"name": "real", "role": "real", "collection": "phantoms", "films": films},
        {"name": "synthetic", "role": "generator", "collection": "drawn", "films": films},
    ]
    study = build_study(PLAN | {"name": NAME, "title": NAME, "arms": arms}, actor=ACTOR)
    freeze_study(study=study, actor=ACTOR, progress=Bar())


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
