"""The forms of what the reading room's page sends and gets."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from readerstudy.reading.models import Answer, Cue, FilmReport


class WholeNumber(serializers.IntegerField):
    """A number of JSON without a fraction: no text that looks like one, and no truth value, which is one to Python."""

    def to_internal_value(self, data: Any) -> int:
        if type(data) is not int:
            self.fail("invalid")
        return data


class Uses(serializers.Serializer):
    """How often the reader changed what was seen; a drag, a burst of the wheel or a key counts as one."""

    window_uses = WholeNumber(default=0, min_value=0)
    zoom_uses = WholeNumber(default=0, min_value=0)
    pan_uses = WholeNumber(default=0, min_value=0)


class GivenAnswer(serializers.Serializer):
    """`milliseconds` runs from the drawn film to the answer; `active_milliseconds` leaves out hidden and idle ones."""

    rating = WholeNumber(required=False, help_text="1, definitely real, to 6, definitely synthetic")
    chosen = serializers.ChoiceField(Answer.Side.choices, required=False, help_text="of two films, the synthetic one")
    milliseconds = WholeNumber()
    active_milliseconds = WholeNumber(required=False)
    uses = Uses(required=False)
    revision = WholeNumber(default=1, min_value=1, help_text="above 1 it amends the last answer")


class Region(serializers.Serializer):
    """A circle in shares of the film's side."""

    x = serializers.FloatField()
    y = serializers.FloatField()
    radius = serializers.FloatField()


class GivenRemark(serializers.Serializer):
    """What is said of a film beside the question."""

    cues = serializers.ListField(child=serializers.ChoiceField(Cue.choices), required=False)
    findings = serializers.DictField(child=WholeNumber(), required=False, help_text="certainty, 1 to 3, by finding")
    regions = serializers.ListField(child=Region(), required=False)
    text = serializers.CharField(required=False, allow_blank=True, max_length=2000)
    milliseconds = WholeNumber(min_value=0)


class GivenReport(serializers.Serializer):
    kind = serializers.ChoiceField(FilmReport.Kind.choices)


class AmendableAnswer(serializers.Serializer):
    """The last answer, while it can be amended."""

    code = serializers.CharField()
    revision = serializers.IntegerField(help_text="the number that an amendment has")
    seconds = serializers.IntegerField(help_text="how long it can still be amended")


class NextSlot(serializers.Serializer):
    """The slot to read now; `done` alone where there is none."""

    code = serializers.CharField(required=False)
    ahead = serializers.CharField(required=False, allow_null=True, help_text="code of the slot after this one")
    number = serializers.IntegerField(required=False)
    total = serializers.IntegerField(required=False)
    minutes_left = serializers.IntegerField(required=False, allow_null=True)
    practice = serializers.BooleanField(required=False)
    asks = serializers.ChoiceField(
        ["question", "findings", "remark"],
        required=False,
        help_text="the study's question; findings alone; or what is asked once the rating is locked",
    )
    pause = serializers.BooleanField(required=False, help_text="a block of films is over")
    amendable = AmendableAnswer(required=False, allow_null=True)
    side = serializers.IntegerField(required=False)
    levels = serializers.IntegerField(required=False)
    done = serializers.BooleanField(required=False)


class StoredAnswer(serializers.Serializer):
    code = serializers.CharField()
    rating = serializers.IntegerField(required=False)
    chosen = serializers.CharField(required=False)
    revision = serializers.IntegerField()


class AnswerTaken(serializers.Serializer):
    stored = StoredAnswer()
    feedback = serializers.CharField(
        required=False, help_text="what a practice film was, or of two which side was synthetic, where the design tells"
    )
    next = NextSlot()


class Taken(serializers.Serializer):
    next = NextSlot()


class Refusal(serializers.Serializer):
    """Why a film was not sent; or why an answer was not taken and, at 409, what is stored and what comes next."""

    error = serializers.CharField()
    stored = StoredAnswer(allow_null=True, required=False)
    next = NextSlot(required=False)
