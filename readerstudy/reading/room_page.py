"""What the page of the reading room asks and says, by the design of the study.

In a purpose-blind phase it has no words of what the study is about; its scripts never have any.
"""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _

from gan.findings import FINDINGS, NO_FINDING
from readerstudy.archive.models import Truth
from readerstudy.reading.models import Answer, Certainty, Cue, Rating
from readerstudy.reading.services import asked_after_rating
from readerstudy.studies.models import Study

# What room.js imports, and what that imports: named in the page, so that the browser fetches all of it at once.
MODULES = ["asides", "attention", "commands", "drawing", "films", "geometry", "hands", "keys", "marks", "mouse"]
MODULES += ["question", "remark", "server", "view", "viewer", "words"]


def room_page(study: Study, purpose_blind: bool) -> dict[str, Any]:
    """The context of reading/room.html."""
    return {
        "purpose_blind": purpose_blind,
        # Before the reveal films come one at a time.
        "pairs": study.of_pairs and not purpose_blind,
        "asked": {"findings", "text"} if purpose_blind else asked_after_rating(study),
        "scale": Rating,
        "cues": Cue,
        "findings": [(name, name.replace("_", " ")) for name in FINDINGS],
        "no_finding": NO_FINDING,
        "certainties": Certainty,
        "modules": MODULES,
        "said": _said_of_every_film() | (_said_of_findings() if purpose_blind else _said_of_question(study)),
    }


# What the page's script says. Braces are filled by the script.


def _said_of_every_film() -> dict[str, Any]:
    return {
        "film": _("Film {number} of {total}"),
        "practice": _("Practice film {number} of {total}"),
        "minute": _(", about {minutes} minute left"),
        "minutes": _(", about {minutes} minutes left"),
        "counts": _("Practice is over. From here on films count."),
        "reported": _("Your report is stored, and the film is passed over."),
        "pause": _("You have read {read} films. Rest your eyes for a moment."),
        "loading": _("The film is on its way."),
        "ready": _("{film} is shown."),
        "sending": _("What you said is being stored."),
        "waiting": _("The server cannot be reached. What you said is kept here and sent again."),
        "ended": _("Your session has ended. Open your personal link again; what you said is kept."),
        "failed": _("The viewer has stopped ({error}). Load this page again; what you said is kept."),
        "view": _("Window {window}, level {level}, zoom {zoom}\u00a0%"),
        "plain": _(", drawn without the graphics driver"),
        "turned": _("flipped or rotated"),
        "inverted": _("inverted"),
    }


def _said_of_findings() -> dict[str, Any]:
    return {
        "unanswered": _("Choose findings, or that there is none."),
        "selected": _("Ctrl+Enter confirms what you chose."),
    }


def _said_of_question(study: Study) -> dict[str, Any]:
    words: dict[str, Any] = {
        "selected": _("“{answer}” is chosen. Enter confirms it."),
        "slip": _("Change the last answer (u), {seconds}\u00a0s"),
        "amending": _("The last film again"),
        "last": _("The last film"),
        "leave": _("Leave the last answer as it was (u)"),
        "over": _("The last answer can be changed no more."),
        "optional": _("Your answer is stored and stays. What you say now is optional; Ctrl+Enter goes on."),
        "nothing": _("Nothing to add"),
        "send": _("Send"),
        "marked": _("Circles on the film: {number}."),
    }
    if study.of_pairs:
        return words | {
            "film": _("Pair {number} of {total}"),
            "practice": _("Practice pair {number} of {total}"),
            "counts": _("Practice is over. From here on pairs count."),
            "reported": _("Your report is stored, and the pair is passed over."),
            "pause": _("You have read {read} pairs of films. Rest your eyes for a moment."),
            "loading": _("The films are on their way."),
            "amending": _("The last pair again"),
            "last": _("The last pair"),
            "unanswered": _("Choose the film on the left or the one on the right first."),
            "feedback": {
                Answer.Side.LEFT.value: _("The film on the left was synthetic."),
                Answer.Side.RIGHT.value: _("The film on the right was synthetic."),
            },
        }
    words["feedback"] = {
        Truth.REAL.value: _("This film was real."),
        Truth.SYNTHETIC.value: _("This film was synthetic."),
    }
    if study.question == Study.Question.CONFIDENCE:
        return words | {
            "unanswered": _("Choose real or synthetic first, then how sure you are."),
            "halfway": _("“{answer}” is chosen. Now say how sure you are; Backspace goes back."),
        }
    return words | {"unanswered": _("Choose a rating from 1 to 6 first.")}
