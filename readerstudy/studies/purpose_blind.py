"""What a purpose-blind phase must not say: readers there are not to know what the study is about."""

from __future__ import annotations

import re

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from readerstudy.studies.models import Study

# Each names the purpose by itself; in other words most texts of a reading study can be said.
NAMES_OF_THE_PURPOSE = re.compile(
    r"""\b(?:
        (?:un)?real|realis(?:m|tic\w*)
        | genuine\w* | authentic\w* | fak(?:e|es|ed|ery|ing) | forg(?:ed|ery|eries) | counterfeit\w* | deep-?fakes?
        | artificial\w* | synthe(?:tic\w*|sis|si[sz]\w+) | simulat\w+ | imitat\w+ | fabricat\w+
        | computer[\s-]+(?:program(?:me)?s?|generated|made|drawn)
        | generat(?:e[ds]?|ing|ive|ion|ors?) | (?:wg|pg|c|style)?gans? | diffusion\s+models?
        | a\.?i\.? | (?:neural|generative)\s+networks? | (?:machine|deep)[\s-]+learning | turing
    )(?!\w)""",
    re.IGNORECASE | re.VERBOSE,
)
# What readers are shown in that phase; the version stands below the consent text.
TEXTS = ("purpose_blind_title", "purpose_blind_instruction", "purpose_blind_consent", "consent_version")


def words_that_name_the_purpose(text: str) -> list[str]:
    """The words of a text that tell what the study is about, as they stand there, each once."""
    return list(dict.fromkeys(NAMES_OF_THE_PURPOSE.findall(text)))


def refuse_what_cannot_be_blind(study: Study) -> None:
    """Raise ValidationError where a study with a purpose-blind phase has no ethics reference, or names its purpose."""
    if not study.purpose_blind_films:
        return
    if not study.ethics_reference.strip():
        raise ValidationError(
            _(
                "In a purpose-blind phase readers are not told what the study is about, so a committee must have "
                "agreed; give the reference of the ethics committee."
            )
        )
    names = {field.name: field.verbose_name for field in Study._meta.fields}
    faults = [
        _("The %(text)s says “%(word)s”, which tells readers what the study is about; put it in other words.")
        % {"text": names[name], "word": word}
        for name in TEXTS
        for word in words_that_name_the_purpose(getattr(study, name))
    ]
    if faults:
        raise ValidationError(faults)
