"""The commands of a study, from the plan to unblinding."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from readerstudy.studies.models import Arm, Deviation, Reader, ReaderIdentity, Study, opaque_code
from readerstudy.studies.services import link_hash
from tests.studies.films import add_film, make_collection, make_generator, real_collection, synthetic_collection

pytestmark = [pytest.mark.database, pytest.mark.django_db]

OPTIONS = [
    *("--name", "demo", "--title", "Chest films", "--seed", "3"),
    *("--real", "real:test", "--synthetic", "synthetic", "--films-per-arm", "10"),
    *("--practice", "2", "--repeats", "2", "--margin", "0.15", "--margin-reason", "As agreed."),
]


@pytest.fixture(autouse=True)
def _films(tmp_path: Path) -> None:
    real_collection()
    synthetic_collection(make_generator(tmp_path / "generator"))


def run(capsys: pytest.CaptureFixture, *arguments: Any) -> str:
    capsys.readouterr()
    call_command(*map(str, arguments))
    return capsys.readouterr().out


def link_of(output: str) -> str:
    """The token in a printed link."""
    (line,) = output.splitlines()
    start = "Reader: http://127.0.0.1:8000/read/"
    assert line.startswith(start)
    return line.removeprefix(start).strip("/")


def test_a_study_runs_from_design_to_unblinding_by_commands_alone(capsys: pytest.CaptureFixture) -> None:
    assert "arms real (10), synthetic (10)" in run(capsys, "create_study", *OPTIONS)
    output = run(capsys, "freeze_study", "demo")
    study = Study.objects.get()
    assert "22 cases of 32 × 32 pixels and 65536 grey levels" in output
    assert study.manifest_hash in output
    token = link_of(run(capsys, "invite_reader", "demo", "--name", "A. Reader", "--email", "a@example.org"))
    assert ReaderIdentity.objects.get().link_hash == link_hash(token)
    new = link_of(run(capsys, "reissue_link", "demo", "R01"))
    assert ReaderIdentity.objects.get().link_hash == link_hash(new)
    assert run(capsys, "withdraw_link", "demo", "R01") == "The link of reader R01 is withdrawn.\n"
    assert ReaderIdentity.objects.get().link_withdrawn_at
    with pytest.raises(CommandError, match="Reader R01 has no link to withdraw"):
        call_command("withdraw_link", "demo", "R01")
    run(capsys, "withdraw_film", "demo", study.cases.all()[0].code, "--reason", "A name is burnt in.")
    run(capsys, "withdraw_reader", "demo", "R01", "--reason", "Took back the consent.", "--erase")
    assert Deviation.objects.count() == 2
    assert not ReaderIdentity.objects.exists()
    run(capsys, "close_study", "demo")
    run(capsys, "unblind_study", "demo", "--reason", "All have read.")
    study.refresh_from_db()
    assert study.state == "unblinded"


def test_options_describe_arms_and_controls(capsys: pytest.CaptureFixture) -> None:
    other = ["--synthetic", "real", "--degraded", "3", "--real-control", "4"]
    with pytest.raises(CommandError, match="Arm “real” has the role “generator”, but"):
        call_command("create_study", *OPTIONS, *other)
    assert not Study.objects.exists()
    call_command("create_study", *OPTIONS, "--degraded", "3", "--real-control", "4", "--finding-mix", "real:test")
    arms = {arm.name: arm for arm in Arm.objects.all()}
    assert {name: (arm.role, arm.films) for name, arm in arms.items()} == {
        "real": ("real", 10),
        "synthetic": ("generator", 10),
        "degraded": ("control-degraded", 3),
        "real-control": ("control-real", 4),
    }
    assert arms["real"].mix_of == arms["real"].collection
    assert arms["real-control"].split == arms["real"].mix_split == "test"


def test_a_plan_in_toml_says_the_same(capsys: pytest.CaptureFixture, tmp_path: Path) -> None:
    plan = tmp_path / "plan.toml"
    plan.write_text(
        """
        name = "written"
        title = "Chest films"
        seed = 3
        margin_reason = "As agreed."
        instruction_text = "Say what you see."
        instruction_version = "2"

        [[arms]]
        name = "real"
        role = "real"
        collection = "real"
        split = "test"
        films = 10
        mix_of = "real"

        [[arms]]
        name = "synthetic"
        role = "generator"
        collection = "synthetic"
        films = 10
        """
    )
    run(capsys, "create_study", "--plan", plan)
    study = Study.objects.get()
    assert (study.instruction_version, study.seed, study.arms.count()) == ("2", 3, 2)
    with pytest.raises(CommandError, match="Study with this Name already exists"):
        call_command("create_study", "--plan", str(plan))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("name = ", "is not TOML"),
        ("colour = 1", "fields that a study does not know: colour"),
        ("name = 'x'\ntitle = 'x'\nseed = 'many'\nmargin_reason = 'x'", "seed: “many” value must be an integer"),
        ("name = 'x'\ntitle = 'x'\nseed = 1", "margin_reason: This field cannot be blank"),
        (
            "name = 'x'\ntitle = 'x'\nseed = 1\nmargin_reason = 'x'\n[[arms]]\nname = 'a'\nfiles = ['a.png']",
            "An arm of the plan has fields that a study does not know: files",
        ),
        ('name = "x"\narms = 3', "The arms of a plan are tables"),
        ('name = "x"\narms = ["real"]', "The arms of a plan are tables"),
        ('name = "x"\nmargin = nan', "margin must be a finite number, not nan"),
        ('name = "x"\nalpha = inf', "alpha must be a finite number, not inf"),
        (
            "name = 'x'\ntitle = 'x'\nseed = 1\nmargin_reason = 'x'\n[[arms]]\nname = 'a'\ncollection = 'nowhere'",
            "There is no collection “nowhere”; there are: real, synthetic",
        ),
    ],
)
def test_a_wrong_plan_is_refused_with_its_place_and_changes_nothing(tmp_path: Path, text: str, reason: str) -> None:
    plan = tmp_path / "plan.toml"
    plan.write_text(text)
    with pytest.raises(CommandError, match=reason):
        call_command("create_study", "--plan", str(plan))
    assert not Study.objects.exists()


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (["--selection", "hand-picked"], "“hand-picked” is refused: films are never hand-picked"),
        (["--margin-reason", ""], "margin_reason: This field cannot be blank"),
        (["--margin", "0.7"], "margin: .* less than or equal to 0.499"),
        (["--instruction", "/nowhere"], "cannot be read"),
        (["--films-per-arm", "0"], "Give --films-per-arm"),
    ],
)
def test_wrong_options_are_refused_and_change_nothing(change: list[str], reason: str) -> None:
    with pytest.raises(CommandError, match=reason):
        call_command("create_study", *OPTIONS, *change)
    assert not Study.objects.exists()


def test_names_that_do_not_exist_are_answered_with_those_that_do(capsys: pytest.CaptureFixture) -> None:
    with pytest.raises(CommandError, match="There is no study “demo”; there are: none"):
        call_command("freeze_study", "demo")
    run(capsys, "create_study", *OPTIONS)
    run(capsys, "freeze_study", "demo")
    with pytest.raises(CommandError, match="“demo” has no reader “R09”; there are: none"):
        call_command("reissue_link", "demo", "R09")
    for _ in range(2):
        run(capsys, "invite_reader", "demo")
    with pytest.raises(CommandError, match="there are: R01, R02"):
        call_command("reissue_link", "demo", "R09")
    with pytest.raises(CommandError, match="has no case x"):
        call_command("withdraw_film", "demo", "x", "--reason", "y")
    assert Reader.objects.count() == 2


def test_freezing_prints_the_remaining_imbalance_and_what_was_overridden(capsys: pytest.CaptureFixture) -> None:
    source, target = make_collection("unequal"), make_collection("target")
    for number in range(12):
        add_film(source, number, findings=["Hernia" if number < 11 else "Mass"])
        add_film(target, number, findings=["Hernia" if number < 6 else "Mass"])
    options = [*OPTIONS, "--real", "unequal", "--finding-mix", "target", "--override-reason", "A trial."]
    run(capsys, "create_study", *options)
    output = run(capsys, "freeze_study", "demo")
    assert "Not known, overridden by the plan: Arm “real”: 12 films have no known patient." in output
    assert f"  {'Mass':<20}  50.0%  10.0%" in output


def test_a_margin_that_is_no_number_is_refused() -> None:
    with pytest.raises(CommandError, match="margin must be a finite number, not nan"):
        call_command("create_study", *OPTIONS, "--margin", "nan")
    assert not Study.objects.exists()


def test_an_opaque_code_can_be_given_to_a_command() -> None:
    """A dash in front would be taken for an option; it would come up once in 64 codes."""
    codes = [opaque_code() for _ in range(2000)]
    assert not [code for code in codes if code.startswith("-")]
    assert {len(code) for code in codes} == {22}
