"""The forms of what the reading room's page sends and gets."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers


class WholeNumber(serializers.IntegerField):
    """A number of JSON without a fraction: no text that looks like one, and no truth value, which is one to Python."""

    def to_internal_value(self, data: Any) -> int:
        if type(data) is not int:
            self.fail("invalid")
        return data


class GivenAnswer(serializers.Serializer):
    """`milliseconds` runs from the drawn film to the answer."""

    rating = WholeNumber(help_text="1, definitely real, to 6, definitely synthetic")
    milliseconds = WholeNumber()


class NextSlot(serializers.Serializer):
    """The slot to read now; `done` alone where there is none."""

    code = serializers.CharField()
    ahead = serializers.CharField(allow_null=True, help_text="code of the slot after this one")
    number = serializers.IntegerField()
    total = serializers.IntegerField()
    practice = serializers.BooleanField()
    side = serializers.IntegerField()
    levels = serializers.IntegerField()
    done = serializers.BooleanField(required=False)


class StoredAnswer(serializers.Serializer):
    code = serializers.CharField()
    rating = serializers.IntegerField()


class AnswerTaken(serializers.Serializer):
    stored = StoredAnswer()
    next = NextSlot()


class Refusal(serializers.Serializer):
    """Why a film was not sent; or why an answer was not taken and, at 409, what is stored and what comes next."""

    error = serializers.CharField()
    stored = StoredAnswer(allow_null=True, required=False)
    next = NextSlot(required=False)
