"""What the demo shows: one study to read, and one that simulated readers have read, with its report.

Each step looks whether it has been done, so that a start that was broken off goes on where it was.
"""

from __future__ import annotations

import sys
from pathlib import Path

from django.contrib.auth.models import User
from django.core.management import call_command
from django.urls import reverse

from readerstudy.progress import Bar
from readerstudy.results.models import Analysis
from readerstudy.results.services import analyse_study, simulate_readers
from readerstudy.studies.links import personal_link
from readerstudy.studies.models import Study
from readerstudy.studies.plan import build_study
from readerstudy.studies.services import close_study, freeze_study, invite_reader, unblind_study
from readerstudy.synthesis.models import Generator
from readerstudy.synthesis.services import generate_radiographs, register_generator

ACTOR = "demo"
RESEARCHER = "researcher"
PRETRAINED = Path(__file__).resolve().parent.parent.parent / "gan" / "pretrained" / "phantoms-128.safetensors"
FILMS = 200
# The generator that is shipped was trained on phantoms with other seeds.
PHANTOM_SEED, DRAWING_SEED = 1, 1
D_PRIME = 0.8

PLAN = {
    "seed": 1,
    "margin_reason": "A demonstration on phantom films; nothing follows from its margin.",
    "override_reason": "",
}
OPEN = PLAN | {
    "name": "open-study",
    "title": "Real or synthetic? A demonstration on phantom films",
    "practice_films": 4,
    "arms": [
        {"name": "real", "role": "real", "collection": "phantoms", "films": 20},
        {"name": "synthetic", "role": "generator", "collection": "drawn", "films": 20},
    ],
}
READ = PLAN | {
    "name": "simulated-study",
    "title": "A study read by simulated readers, on phantom films",
    "repeats": 12,
    "practice_films": 4,
    "arms": [
        {"name": "real", "role": "real", "collection": "phantoms", "films": 60},
        {"name": "synthetic", "role": "generator", "collection": "drawn", "films": 60},
        {"name": "degraded", "role": "control-degraded", "collection": "drawn", "films": 10},
        {"name": "real-control", "role": "control-real", "collection": "phantoms", "films": 30},
    ],
}
READERS = 6


def prepare(base_url: str, *, password: str, link: Path) -> list[str]:
    """Make what is missing, and return the lines that tell a person where to go.

    `link` is the file in which the demo keeps its reader's personal link; a study outside the demo keeps none.
    """
    _say("Preparing the demo; the first start takes a few minutes.")
    _films()
    open_study = _frozen(OPEN)
    if not link.exists():
        _reader, token = invite_reader(study=open_study, actor=ACTOR)
        link.touch(mode=0o600)
        link.write_text(token)
    analysis = _analysis()
    if not User.objects.filter(username=RESEARCHER).exists():
        User.objects.create_superuser(RESEARCHER, password=password)
    return [
        f"Reader: {personal_link(base_url, link.read_text())}",
        f"Researcher: {base_url}{reverse('admin:index')}",
        f"Report: {base_url}{analysis.get_absolute_url()}",
        f"The researcher signs in as “{RESEARCHER}” with the password “{password}”.",
    ]


def _films() -> None:
    # Both commands go on where they were broken off, and do nothing where all is there.
    call_command("draw_phantoms", collection="phantoms", count=FILMS, seed=PHANTOM_SEED, side=128, stdout=sys.stderr)
    generator = Generator.objects.filter(name=PRETRAINED.stem).first() or register_generator(
        name=PRETRAINED.stem, path=PRETRAINED, actor=ACTOR
    )
    generate_radiographs(
        generator=generator, collection="drawn", count=FILMS, first_seed=DRAWING_SEED, actor=ACTOR, progress=Bar()
    )


def _frozen(plan: dict) -> Study:
    study = Study.objects.filter(name=plan["name"]).first() or build_study(plan, actor=ACTOR)
    return freeze_study(study=study, actor=ACTOR, progress=Bar()) if study.state == Study.State.DESIGN else study


def _analysis() -> Analysis:
    """The study of the simulated readers, taken to its end."""
    study = _frozen(READ)
    if study.state == Study.State.FROZEN:
        if not study.readers.exists():
            simulate_readers(study=study, readers=READERS, d_prime=D_PRIME, seed=1, actor=ACTOR, progress=Bar())
        study = close_study(study=study, actor=ACTOR)
    if study.state == Study.State.CLOSED:
        study = unblind_study(study=study, reason="The demonstration shows a report.", actor=ACTOR)
    return study.analyses.first() or analyse_study(study=study, actor=ACTOR, progress=Bar())


def _say(sentence: str) -> None:
    print(sentence, file=sys.stderr, flush=True)
