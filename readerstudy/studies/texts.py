"""The texts with which a study begins; its designer changes them. In them stands what a reader is told and asked."""

from __future__ import annotations

TEXTS_VERSION = "en-1"

INSTRUCTION = (
    "You will see chest radiographs, one at a time. Each is either a real film or one that a computer program drew. "
    "Say for each how sure you are, from definitely real to definitely synthetic. There is no time limit. Go by your "
    "own impression, read alone, and look nothing up."
)
# What every consent text says after its purpose.
STORED_AND_SEEN = (
    "What is stored: your answers, how long each film was shown and looked at, how often you changed window, zoom and "
    "position, the size of your screen, and the few facts about yourself that you give. They are kept under a "
    "pseudonym; your name and e-mail address lie in a table of their own that can be erased.\n\n"
    "Who sees it: the researchers of this study. Reports name readers by pseudonym only. Nobody at your workplace is "
    "told how you did.\n\n"
    "Retention: answers are kept with the study, name and address until its results are published.\n\n"
    "Withdrawal: taking part is voluntary. You may stop at any time without giving a reason; tell the researchers "
    "and your answers are left out."
)
CONSENT = (
    "Purpose: to find out whether readers can tell chest radiographs that a computer program drew from real ones.\n\n"
    + STORED_AND_SEEN
)
DEBRIEFING = (
    "Some of the films were real, the others were drawn by a generative network that was trained on real films. The "
    "study asks whether readers can tell them apart; there is no shame in either answer."
)

# The first phase of a purpose-blind study, in which nothing may say what the study is about.
PURPOSE_BLIND_TITLE = "Reading chest radiographs"
PURPOSE_BLIND_INSTRUCTION = (
    "You will see chest radiographs, one at a time. Say for each which findings you see, and how sure you are. There "
    "is no time limit. Read alone, and look nothing up."
)
PURPOSE_BLIND_CONSENT = (
    "Purpose: to learn how radiologists read chest radiographs. You will be told more in the course of the study, and "
    "then be asked once more whether you go on.\n\n" + STORED_AND_SEEN
)

INSTRUCTIONS = {
    "rating": INSTRUCTION,
    "confidence": (
        "You will see chest radiographs, one at a time. Each is either a real film or one that a computer program "
        "drew. Say for each which it is, and then how sure you are. There is no time limit. Go by your own "
        "impression, read alone, and look nothing up."
    ),
    "pairs": (
        "You will see chest radiographs in pairs, side by side. One of each pair is a real film, the other one was "
        "drawn by a computer program. Say which one was drawn. There is no time limit. Go by your own impression, "
        "read alone, and look nothing up."
    ),
}


def consent() -> str:
    """The consent text with which a study begins."""
    return CONSENT


def debriefing() -> str:
    """The debriefing with which a study begins."""
    return DEBRIEFING


def purpose_blind_title() -> str:
    """What a study is called in its purpose-blind phase, to begin with."""
    return PURPOSE_BLIND_TITLE


def purpose_blind_instruction() -> str:
    """The instruction of a purpose-blind phase, to begin with."""
    return PURPOSE_BLIND_INSTRUCTION


def purpose_blind_consent() -> str:
    """The consent text of a purpose-blind phase, to begin with."""
    return PURPOSE_BLIND_CONSENT
