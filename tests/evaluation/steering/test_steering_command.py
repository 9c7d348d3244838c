"""The experiment by its command: who may be on the panel, what is written, and figures that can be worked out anew."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image

from evaluation.__main__ import main
from evaluation.classifiers.network import Classifier, load_classifier
from evaluation.steering.panel import Panel, logits_of
from evaluation.steering.tables import cost_table, defence_table, rejection_cost, success_table
from gan.drawing import Drawer
from gan.latent import in_canonical_form, met
from tests.evaluation.steering.made import FINDINGS, make_classifier, make_generator


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two classifiers of one mind and a judge of another."""
    folder = tmp_path_factory.mktemp("networks")
    generator = make_generator(folder)
    # Weights that differ by the file alone would be the same classifier.
    make_classifier(folder, "steers", generator, seed=1, rarity=0.8)
    make_classifier(folder, "accepts", generator, seed=2, rarity=0.6)
    make_classifier(folder, "judges", generator, seed=3, rarity=0.6)
    return folder


def asked(folder: Path, out: Path, **changes: object) -> list[str]:
    options = {
        "generator": folder / "generator.safetensors",
        "classifier": folder / "steers.safetensors",
        "acceptor": folder / "accepts.safetensors",
        "judge": folder / "judges.safetensors",
        "goal": "Cardiomegaly",
        "plain": 24,
        "fitted": 16,
        "attempts": 8,
        "steps": 3,
        "out": out,
    } | changes
    words = [word for name, value in options.items() for word in (f"--{name}", str(value))]
    return ["steering", "--phantoms", *words]


@pytest.fixture(scope="module")
def result(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    torch.set_num_threads(1)
    out = tmp_path_factory.mktemp("out")
    assert main(asked(folder, out)) == 0
    return out, json.loads((out / "steering.json").read_text())


def test_plain_draws_are_judged_as_their_films_would_be(folder: Path, result: tuple[Path, dict[str, Any]]) -> None:
    plain = result[1]["goals"]["Cardiomegaly"]["plain"]
    _kept, films = in_canonical_form(Drawer(folder / "generator.safetensors").draw(range(24)))
    yes = {}
    for name in ("accepts", "judges"):
        classifier = load_classifier(folder / f"{name}.safetensors")
        logits = logits_of(classifier, films, ["Cardiomegaly"])
        yes[name] = met(logits, torch.tensor([classifier.about.threshold[0]]), torch.ones(1))
    assert plain["accepted"]["yes"] == int(yes["accepts"].sum())
    assert plain["judged"]["yes"] == int(yes["judges"].sum())
    assert plain["judged_of_accepted"]["of"] == int(yes["accepts"].sum())
    assert plain["judged_of_accepted"]["yes"] == int((yes["accepts"] & yes["judges"]).sum())
    assert plain["cost_per_accepted"] == pytest.approx(2 * 24 / int(yes["accepts"].sum()))


def test_every_method_has_its_attempts_and_its_cost(result: tuple[Path, dict[str, Any]]) -> None:
    out, said = result
    figures = said["goals"]["Cardiomegaly"]
    for method in ("direction", "undefended", "defended"):
        assert figures[method]["accepted"]["of"] == figures[method]["judged"]["of"] == 8
        # At least a look at the end and one by the accepting classifier.
        assert figures[method]["cost_per_attempt"] >= 3
        accepted = figures[method]["accepted"]["yes"]
        if accepted:
            of_all = figures[method]["cost_per_attempt"] * 8
            assert figures[method]["cost_per_accepted"] == pytest.approx(of_all / accepted)
        with Image.open(out / f"Cardiomegaly-{method}.png") as sheet:
            assert sheet.size == (8 * 32, 2 * 32)
    assert {path.name for path in out.iterdir()} >= {"success.md", "defence.md", "cost.md", "cost.svg", "steering.json"}


def test_tables_say_what_was_measured(result: tuple[Path, dict[str, Any]]) -> None:
    _out, said = result
    accepted = said["goals"]["Cardiomegaly"]["plain"]["accepted"]["share"]
    assert f"| Cardiomegaly | {accepted:.2%}" in cost_table(said)
    assert success_table(said).count("\n") == 3
    assert defence_table(said).count("\n") == 4
    # Rule of three: none of 24 draws leaves a rate of up to 1 in 8, at 2 forward equivalents a draw.
    assert rejection_cost({"cost_per_accepted": None}, 24) == "> 16"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"judge": "accepts.safetensors"}, "accepts and accepts are the same one"),
        ({"judge": "related.safetensors"}, "accepts and related have 1 patients in common"),
        ({"judge": "large.safetensors"}, "large was trained on films of 64², but the generator draws 32²"),
        ({"judge": "other.safetensors"}, "have no finding in common"),
        ({"goal": "Mass"}, "names Mass, which the classifiers do not know"),
        ({"fitted": 25}, "no more than there are"),
        ({"steps": 0}, "at least one step"),
    ],
)
def test_what_cannot_be_studied_is_refused_before_any_work(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture, changes: dict[str, Any], reason: str
) -> None:
    generator = folder / "generator.safetensors"
    if not (folder / "related.safetensors").exists():
        make_classifier(folder, "related", generator, seed=4, patients=["patient of accepts"])
        make_classifier(folder, "large", generator, seed=5, side=64)
        make_classifier(folder, "other", generator, seed=6, findings=["Mass"])
    files = {name: folder / value if str(value).endswith("safetensors") else value for name, value in changes.items()}
    assert main(asked(folder, tmp_path / "out", **files)) == 1
    assert reason in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_classifiers_that_steer_together_may_share_patients(folder: Path) -> None:
    make_classifier(folder, "beside", folder / "generator.safetensors", seed=7, patients=["patient of steers"])
    steers, beside, accepts, judges = (
        load_classifier(folder / f"{name}.safetensors") for name in ("steers", "beside", "accepts", "judges")
    )
    films = Drawer(folder / "generator.safetensors").draw(range(3)).clamp(-1, 1)
    together = Panel((steers, beside), accepts, judges).steering_logits(films)
    assert torch.allclose(together, (steers.logits(films) + beside.logits(films)) / 2, rtol=1e-4, atol=1e-4)
    with pytest.raises(ValueError, match="beside and steers have 1 patients in common"):
        Panel((beside,), accepts, steers)


def test_films_go_to_where_the_classifier_is(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    elsewhere = load_classifier(folder / "accepts.safetensors", torch.device("meta"))
    seen = []

    def answer(_self: Classifier, films: torch.Tensor) -> torch.Tensor:
        seen.append(films.device.type)
        return torch.ones(len(films), len(FINDINGS))

    monkeypatch.setattr(Classifier, "logits", answer)
    assert logits_of(elsewhere, torch.zeros(3, 1, 32, 32), FINDINGS).tolist() == [[1.0, 1.0]] * 3
    assert seen == ["meta"]


def test_a_panel_knows_the_findings_that_all_know(folder: Path) -> None:
    steers, accepts = (load_classifier(folder / f"{name}.safetensors") for name in ("steers", "accepts"))
    panel = Panel((steers,), accepts, load_classifier(folder / "judges.safetensors"))
    assert panel.findings == FINDINGS
    assert torch.equal(panel.thresholds(), torch.tensor(steers.about.threshold))
    assert torch.equal(panel.thresholds_of(accepts), torch.tensor(accepts.about.threshold))
