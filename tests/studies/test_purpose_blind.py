"""A purpose-blind phase that would tell its purpose, or that nobody agreed to, does not freeze."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ValidationError

from readerstudy.studies import services, texts
from readerstudy.studies.models import Slot, Study
from readerstudy.studies.purpose_blind import words_that_name_the_purpose
from tests.studies.films import ACTOR, two_arms


def blind(folder: Path, **plan: Any) -> Study:
    fields = {"films": 4, "purpose_blind_films": 2, "ethics_reference": "EK 12/2026"} | plan
    return services.freeze_study(study=two_arms(folder, **fields), actor=ACTOR)


@pytest.mark.parametrize(
    "word",
    ["real", "Synthetic", "synthesised", "synthesized", "generated", "generator", "fake", "artificial", "AI", "A.I.",
     "GAN", "GANs", "computer program", "computer programme", "neural network", "deep learning", "genuine",
     "authenticity", "counterfeit", "simulated", "computer-generated", "diffusion model"],
)  # fmt: skip
def test_words_that_name_the_purpose_are_found(word: str) -> None:
    assert " ".join(words_that_name_the_purpose(f"Say whether films are {word}, please.")).startswith(word.rstrip("."))


@pytest.mark.parametrize(
    "text",
    [
        texts.PURPOSE_BLIND_TITLE,
        texts.PURPOSE_BLIND_INSTRUCTION,
        texts.PURPOSE_BLIND_CONSENT,
        "In general, you will really see again what trainees say of organs: areas, airways, aims and gains.",
    ],
)
def test_texts_that_say_nothing_of_it_pass(text: str) -> None:
    assert words_that_name_the_purpose(text) == []


@pytest.mark.parametrize("text", [texts.INSTRUCTION, texts.CONSENT, texts.DEBRIEFING])
def test_the_texts_of_the_other_phase_would_not_pass(text: str) -> None:
    assert words_that_name_the_purpose(text)


@pytest.mark.database
@pytest.mark.django_db
@pytest.mark.parametrize(
    ("plan", "reason"),
    [
        ({"ethics_reference": ""}, "give the reference of the ethics committee"),
        ({"ethics_reference": " "}, "give the reference of the ethics committee"),
        ({"purpose_blind_title": "Real or not?"}, "The title in the purpose-blind phase says “Real”"),
        ({"purpose_blind_instruction": "No film is fake."}, "The instruction of the purpose-blind phase says “fake”"),
        ({"purpose_blind_consent": "A study of synthesised films."}, "The consent text of .* says “synthesised”"),
        ({"consent_version": "GAN-2"}, "The version of the consent text says “GAN”"),
    ],
)
def test_a_phase_that_is_not_blind_does_not_freeze(tmp_path: Path, plan: dict[str, str], reason: str) -> None:
    with pytest.raises(ValidationError, match=reason):
        blind(tmp_path, **plan)
    assert Study.objects.get().state == Study.State.DESIGN


@pytest.mark.database
@pytest.mark.django_db
@pytest.mark.parametrize(("simulated", "blind_slots"), [(False, 2), (True, 0)])
def test_persons_read_the_phase_and_simulated_readers_do_not(tmp_path: Path, simulated: bool, blind_slots: int) -> None:
    enrol = services.enrol_simulated_reader if simulated else services.invite_reader
    enrol(study=blind(tmp_path), actor=ACTOR)
    kinds = list(Slot.objects.in_order().values_list("kind", flat=True))
    assert kinds == ["purpose_blind"] * blind_slots + ["main"] * 8
