"""What is wanted of a film, in the words that commands take."""

from __future__ import annotations

import pytest

from evaluation.steering.goal import Goal


@pytest.mark.parametrize(
    ("text", "present", "absent", "said"),
    [
        ("Effusion", ("Effusion",), (), "Effusion"),
        ("Effusion+Cardiomegaly", ("Cardiomegaly", "Effusion"), (), "Cardiomegaly+Effusion"),
        ("Pleural_Thickening-Mass", ("Pleural_Thickening",), ("Mass",), "Pleural_Thickening-Mass"),
        ("-Mass+Nodule", ("Nodule",), ("Mass",), "Nodule-Mass"),
        ("Effusion - Mass + Cardiomegaly", ("Cardiomegaly", "Effusion"), ("Mass",), "Cardiomegaly+Effusion-Mass"),
    ],
)
def test_goals_are_read_and_written(text: str, present: tuple[str, ...], absent: tuple[str, ...], said: str) -> None:
    goal = Goal.parse(text)
    assert (goal.present, goal.absent, str(goal)) == (present, absent, said)
    assert Goal.parse(str(goal)) == goal


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("Effusion & Mass", "Effusion & Mass in “Effusion & Mass” is no finding"),
        ("", "asks for nothing"),
        ("Effusion+", "is no goal"),
        ("Effusion+ +Mass", "is no goal"),
        ("Mass+Mass", "asks for nothing that a film can show; name each finding once"),
        ("-Mass", "asks for nothing that a film can show"),
        ("Mass-Mass", "asks for nothing that a film can show"),
        ("Fracture", "Fracture in “Fracture” is no finding; there are Atelectasis"),
        ("No Finding", "is no finding"),
        ("Mass++Nodule", "is no goal"),
    ],
)
def test_what_is_no_goal_is_refused(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        Goal.parse(text)


def test_a_goal_becomes_the_signs_of_the_classifiers_findings() -> None:
    goal = Goal.parse("Effusion-Mass")
    assert goal.wanted(["Mass", "Nodule", "Effusion"]).tolist() == [-1.0, 0.0, 1.0]
    with pytest.raises(ValueError, match="names Mass, which the classifiers do not know"):
        goal.wanted(["Effusion"])
