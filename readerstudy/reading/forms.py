"""The forms before the first film."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from readerstudy.reading.models import DisplayCheck, Profile

CHOOSE = dict.fromkeys(("required", "invalid_choice"), _("Choose one of these."))


def _one_of(label: Any, choices: Any) -> forms.ChoiceField:
    return forms.ChoiceField(label=label, choices=choices, widget=forms.RadioSelect, error_messages=CHOOSE)


class ProfileForm(forms.Form):
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


class DisplayForm(forms.Form):
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
