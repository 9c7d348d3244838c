"""The forms before the first film, between phases and after the last film."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from readerstudy.reading.models import Cue, DisplayCheck, Profile

CHOOSE = dict.fromkeys(("required", "invalid_choice"), _("Choose one of these."))


def _one_of(label: Any, choices: Any) -> forms.ChoiceField:
    return forms.ChoiceField(label=label, choices=choices, widget=forms.RadioSelect, error_messages=CHOOSE)


class EntranceForm(forms.Form):
    """Labels are questions and beginnings of sentences, so nothing stands behind them."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **({"label_suffix": ""} | kwargs))

    def full_clean(self) -> None:
        """Put the focus where something is missing, for whoever has no mouse at hand."""
        super().full_clean()
        faulty = next((name for name in self.fields if name in self.errors), None)
        if faulty:
            self.fields[faulty].widget.attrs["autofocus"] = True


class ProfileForm(EntranceForm):
    """What a reader is asked about himself or herself; without `exposure` in a purpose-blind phase."""

    position = _one_of(_("You are a …"), Profile.Position.choices)
    years = forms.IntegerField(
        label=_("For how many years have you read chest radiographs?"),
        min_value=0,
        max_value=70,
        error_messages=dict.fromkeys(
            ("required", "invalid", "min_value", "max_value"), _("Give a whole number of years from 0 to 70.")
        ),
    )
    subspecialty = forms.CharField(
        label=_("Your subspecialty"),
        max_length=100,
        required=False,
        help_text=_("Leave it empty if you have none."),
        error_messages={"max_length": _("Say it in at most 100 letters.")},
    )
    exposure = _one_of(
        _("How often have you seen synthetic films before?"),
        [choice for choice in Profile.Exposure.choices if choice[0]],
    )

    def __init__(self, *args: Any, purpose_blind: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if purpose_blind:
            del self.fields["exposure"]


class NoticedForm(EntranceForm):
    """What a reader noticed without being asked for anything in particular."""

    text = forms.CharField(
        label=_("Did anything about these films strike you? If so, what?"),
        max_length=2000,
        required=False,
        widget=forms.Textarea(attrs={"rows": 5}),
        help_text=_("Leave it empty if nothing did."),
    )


class RevealForm(EntranceForm):
    """What could not be asked before the reader knew what the study is about."""

    exposure = _one_of(
        _("How often had you seen synthetic films before this study?"),
        [choice for choice in Profile.Exposure.choices if choice[0]],
    )


class CuesForm(EntranceForm):
    """The check-list of cues, once for all films."""

    cues = forms.MultipleChoiceField(
        label=_("What did you go by? Tick all that apply."),
        choices=Cue.choices,
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    text = forms.CharField(
        label=_("Anything else?"), max_length=2000, required=False, widget=forms.Textarea(attrs={"rows": 4})
    )


class DisplayForm(EntranceForm):
    """What a reader declares of the display and the room, and what the browser says of the screen."""

    # Which of the two patches are seen, in the order of the dark and the bright one.
    PATCHES = {
        "both": (_("in both"), True, True),
        "dark": (_("only in the black one"), True, False),
        "bright": (_("only in the white one"), False, True),
        "neither": (_("in neither"), False, False),
    }

    patches = _one_of(
        _("In which of the two squares above do you see a smaller square?"),
        [(name, label) for name, (label, *_seen) in PATCHES.items()],
    )
    display = _one_of(_("The display is a …"), DisplayCheck.Display.choices)
    room = _one_of(_("The room is …"), DisplayCheck.Room.choices)
    # Filled in by the page's script.
    width = forms.IntegerField(min_value=1, max_value=100_000, widget=forms.HiddenInput)
    height = forms.IntegerField(min_value=1, max_value=100_000, widget=forms.HiddenInput)
    pixel_ratio = forms.FloatField(min_value=0.1, max_value=20, widget=forms.HiddenInput)

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        if {"width", "height", "pixel_ratio"} & self.errors.keys():
            self.add_error(
                None, _("Your browser has not told the size of the screen. Allow JavaScript for this page, and go on.")
            )
        if "patches" in given:
            _label, given["dark_patch_seen"], given["bright_patch_seen"] = self.PATCHES[given.pop("patches")]
        return given
