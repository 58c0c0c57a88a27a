"""A training in stages through the command line: killed in each of them, and everything that its model is used for."""

import json
import signal
import time
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from catscale.cli.main import main
from tests.cli.toy import pairs, write_config, write_corpus, write_lines
from tests.forked import CATSCALE, running
from tests.torchrun import torchrun

pytestmark = pytest.mark.slow
MODEL: dict[str, Any] = {"architecture": "subnetworks", "rate": 0.4, "dropout": 0.1}
DIRECTIONS = ("en-xa", "en-xb", "xa-en", "xb-en")
STEPS = ["--set", "training.max_steps=60", "--set", "training.validate_every=4"]
KILLED_IN = ("plain", "en-xb", "xb-en", "")
"""The stages that a kill ends; "" is the run's own."""


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """English to and from two languages, and test sentences between these two."""
    root = tmp_path_factory.mktemp("lass")
    corpus = write_corpus(root / "corpus", "moses", {"xa": 100, "xb": 80}, dev=10, test=10)
    (corpus / "xa-xb").mkdir()
    for language in ("xa", "xb"):
        write_lines(corpus / "xa-xb" / f"test.{language}", [target for _, target in pairs(language, "test", 10)])
    data = {"source": None, "targets": None, "directions": list(DIRECTIONS), "zero_shot": ["xa-xb"]}
    balancing = {"method": "cats", "inner_steps": 2}
    return write_config(root / "toy.yaml", corpus, root / "store", data=data, model=MODEL, balancing=balancing)


@pytest.fixture(scope="module")
def whole(config: Path) -> Path:
    """A run that nothing interrupted."""
    folder = config.parent / "whole"
    assert main(["train", str(config), "--out", str(folder), *STEPS]) == 0
    return folder


def checkpoint(folder: Path) -> dict[str, torch.Tensor]:
    """The tensors of the newest checkpoint: the model's, and the optimiser's state."""
    newest = max((folder / "checkpoints").glob("step-*"), key=lambda path: int(path.name.removeprefix("step-")))
    return load_file(newest / "model.safetensors") | load_file(newest / "state.safetensors")


def records(folder: Path) -> list[dict[str, Any]]:
    found = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    return [
        {key: value for key, value in record.items() if key not in ("time", "tokens_per_second")} for record in found
    ]


def train_and_kill(config: Path, folder: Path, stage: str) -> None:
    """Train until a stage has a checkpoint, and kill the process then."""
    place = folder / "stages" / stage if stage else folder
    with running(CATSCALE, "train", config, "--out", folder, *STEPS) as program:
        while not list(place.glob("checkpoints/step-*")) and program.is_running:
            time.sleep(0.002)
        program.send(signal.SIGKILL)
        assert program.finish().status == -signal.SIGKILL


def test_a_run_that_is_killed_in_every_stage_goes_on_bit_for_bit(config: Path, whole: Path) -> None:
    killed = config.parent / "killed"
    for stage in KILLED_IN:
        train_and_kill(config, killed, stage)
    plan = killed / "stages" / "plan.json"
    written = plan.stat().st_mtime_ns
    assert main(["train", str(config), "--out", str(killed), *STEPS]) == 0
    assert plan.stat().st_mtime_ns == written
    for place in (".", "stages/plain", *(f"stages/{name}" for name in DIRECTIONS)):
        one, two = checkpoint(killed / place), checkpoint(whole / place)
        assert one.keys() == two.keys()
        assert all(torch.equal(one[name], two[name]) for name in one), place
        assert records(killed / place) == records(whole / place)


def test_stages_and_the_run_count_to_the_budget(whole: Path) -> None:
    plan = json.loads((whole / "stages" / "plan.json").read_text())
    assert {name: spent["steps"] for name, spent in plan["done"].items()} == {
        "plain": 24,
        **dict.fromkeys(DIRECTIONS, 3),
    }
    own = records(whole)
    assert [record["step"] for record in own if record["kind"] == "valid"] == [40, 44, 48, 52, 56, 60]
    before = sum(spent["tokens"] for spent in plan["done"].values())
    assert own[-1]["tokens"] > before > 0.4 * own[-1]["tokens"]
    overlap = [record["overlap"] for record in own if record["kind"] == "valid"][-1]
    assert set(overlap) == set(DIRECTIONS)
    assert all(0.3 < share <= 1 for row in overlap.values() for share in row.values())


def test_a_shorter_budget_or_another_rate_is_refused_for_the_run(
    config: Path, whole: Path, capfd: pytest.CaptureFixture
) -> None:
    assert main(["train", str(config), "--out", str(whole), *STEPS, "--set", "training.max_steps=80"]) == 2
    assert "divided among the stages" in capfd.readouterr().err
    assert main(["train", str(config), "--out", str(whole), *STEPS, "--set", "model.rate=0.5"]) == 2
    assert "model.rate: 0.4 there, 0.5 now" in capfd.readouterr().err


def test_it_is_evaluated_also_on_what_was_never_trained_and_is_analysed(whole: Path) -> None:
    assert main(["evaluate", str(whole)]) == 0
    scores = json.loads((whole / "scores.json").read_text())
    assert {*DIRECTIONS, "xa-xb"} <= scores.keys()
    assert main(["analyze", str(whole), "--set", "analysis.max_iterations=3", "--set", "analysis.traces=2"]) == 0
    assert set(json.loads((whole / "analysis.json").read_text())["curvature"]) >= set(DIRECTIONS)


def test_it_translates_between_languages_that_meet_in_english(
    whole: Path, tmp_path: Path, capfd: pytest.CaptureFixture
) -> None:
    (tmp_path / "in").write_text(f"{pairs('xa', 'test', 1)[0][1]}\n")
    command = ["translate", str(whole), "--from", "xa", "--to", "xb", "--input", str(tmp_path / "in")]
    assert main([*command, "--output", str(tmp_path / "out")]) == 0
    assert "was not trained on xa-xb" in capfd.readouterr().err
    assert (tmp_path / "out").read_text().count("\n") == 1


@pytest.mark.parametrize("form", ["hf", "ctranslate2"])
def test_each_direction_is_exported_as_a_plain_model_that_translates_in_the_same_way(
    whole: Path, tmp_path: Path, form: str
) -> None:
    assert main(["export", str(whole), "--format", form, "--out", str(tmp_path / form)]) == 0
    assert {path.name for path in (tmp_path / form).iterdir() if path.is_dir()} == set(DIRECTIONS)
    if form == "hf":
        described = json.loads((tmp_path / form / "xb-en" / "config.json").read_text())
        assert described["architectures"] == ["M2M100ForConditionalGeneration"]
        weight = load_file(tmp_path / form / "xb-en" / "model.safetensors")["model.encoder.layers.0.fc1.weight"]
        assert int((weight == 0).sum()) == int(0.4 * weight.numel())


def test_it_is_compared_with_a_plain_run_of_the_same_budget(config: Path, tmp_path: Path) -> None:
    out = tmp_path / "sweep"
    command = ["sweep", str(config), "--methods", "T=5+m2m100", "T=5+subnetworks", "--seeds", "1", "--out", str(out)]
    assert main([*command, *STEPS]) == 0
    page = (out / "report.html").read_text()
    assert "Similarity of sub-networks" in page
    assert "unfinished" not in page
    assert "target tokens differ" not in page
    seeds = [out / name / "seed-1" for name in ("T=5+m2m100", "T=5+subnetworks")]
    plain, masked = (records(folder)[-1] for folder in seeds)
    assert masked["step"] == plain["step"] == 60
    assert abs(masked["tokens"] - plain["tokens"]) < 0.02 * plain["tokens"]


@pytest.mark.parametrize("sharded", [False, True], ids=["replicated", "sharded"])
def test_two_processes_train_as_one(config: Path, tmp_path: Path, sharded: bool) -> None:
    settings = [*STEPS, "--set", "model.dropout=0", "--set", "model.fine_tune_dropout=0"]
    assert main(["train", str(config), "--out", str(tmp_path / "one"), *settings]) == 0
    settings += ["--set", f"training.sharded={str(sharded).lower()}"]
    done = torchrun(2, "train", config, "--out", tmp_path / "two", *settings)
    assert done.returncode == 0, done.stderr
    found, expected = checkpoint(tmp_path / "two"), checkpoint(tmp_path / "one")
    names = [name for name in expected if name.startswith("base.") and not name.endswith("k_proj.bias")]
    for name in names:
        assert torch.allclose(found[name].float(), expected[name].float(), rtol=1e-2, atol=2e-3), name


def test_a_dry_run_tells_the_plan_and_writes_nothing(config: Path, capfd: pytest.CaptureFixture) -> None:
    before = sorted(config.parent.iterdir())
    assert main(["train", str(config), "--dry-run", *STEPS]) == 0
    said = " ".join(capfd.readouterr().out.split())
    assert "plan: plain 24, en-xa 3, en-xb 3, xa-en 3, xb-en 3, then 24 of the run's own training: 60 steps" in said
    assert "epochs in 24 steps" in said
    assert sorted(config.parent.iterdir()) == before
