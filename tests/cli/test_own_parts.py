"""Architectures whose languages have parts of their own, through every command."""

import json
import os
import shutil
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from catscale.cli.main import main
from catscale.training.trainer import Trainer
from tests.cli.toy import write_config, write_corpus

pytestmark = pytest.mark.slow
MODELS: dict[str, dict[str, Any]] = {
    "latent_depth": {"decoder_layers": 3, "decoder_target": 2, "encoder_layers": 2},
    "routed": {"gate_width": 8, "gate_start": 0.0},
    "language_adapters": {"bottleneck": 8, "families": {"near": ["xa"]}},
}
BALANCING: dict[str, Any] = {"method": "cats", "inner_steps": 2}


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_corpus(tmp_path_factory.mktemp("own"), "moses", {"xa": 100, "xb": 50}, dev=10, test=10)


@pytest.fixture(scope="module", params=MODELS)
def run(request: pytest.FixtureRequest, corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that stopped after its first step and went on; beside it `whole`, which did not stop."""
    root = tmp_path_factory.mktemp(request.param)
    model = {"architecture": request.param, "width": 32, "feed_forward": 64, "heads": 2, **MODELS[request.param]}
    config = write_config(root / "toy.yaml", corpus, root / "store", model=model, balancing=BALANCING)
    steps = ["--set", "training.max_steps=20"]
    assert main(["train", str(config), "--out", str(root / "whole"), *steps]) == 0
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Trainer, "step", stop_after(Trainer.step))
        assert main(["train", str(config), "--out", str(root / "run"), *steps]) == 130
    assert main(["train", str(config), "--out", str(root / "run"), *steps]) == 0
    return root / "run"


def stop_after(step: Callable[[Trainer], None]) -> Callable[[Trainer], None]:
    """Return a step after which the process is asked to stop."""

    def stopped(trainer: Trainer) -> None:
        step(trainer)
        os.kill(os.getpid(), signal.SIGTERM)

    return stopped


def test_a_run_goes_on_bit_for_bit(run: Path) -> None:
    folders = [sorted((folder / "checkpoints").glob("step-*"))[-1] for folder in (run, run.parent / "whole")]
    one, two = (load_file(folder / "model.safetensors") for folder in folders)
    assert one.keys() == two.keys()
    assert all(torch.equal(one[name], two[name]) for name in one)


def test_a_length_that_training_follows_is_kept(run: Path, tmp_path: Path, capfd: pytest.CaptureFixture) -> None:
    again, config = shutil.copytree(run, tmp_path / "run"), str(run.parent / "toy.yaml")
    before = (again / "metrics.jsonl").read_text()
    status = main(["train", config, "--out", str(again), "--set", "training.max_steps=21"])
    if run.parent.name.startswith("language_adapters"):
        assert status == 0
        assert (again / "metrics.jsonl").read_text() != before
        return
    assert status == 2
    assert "began with max_steps = 20, found 21; set it back" in " ".join(capfd.readouterr().err.split())
    assert (again / "metrics.jsonl").read_text() == before


@pytest.mark.parametrize("setting", ["training.patience=1", "training.max_minutes=9"])
def test_an_end_before_that_length_is_refused(
    setting: str, run: Path, tmp_path: Path, capfd: pytest.CaptureFixture
) -> None:
    """Of a new run and of one that goes on, by its own configuration too."""
    again = shutil.copytree(run, tmp_path / "run")
    new = ["train", str(run.parent / "toy.yaml"), "--out", str(tmp_path / "new"), "--dry-run", "--set", setting]
    on = ["train", str(again / "config.yaml"), "--out", str(again), "--set", setting]
    follows = not run.parent.name.startswith("language_adapters")
    for command in (new, on):
        assert main(command) == (2 if follows else 0)
        told = " ".join(capfd.readouterr().err.split())
        assert (f"found {setting.replace('=', ' = ')}, which may end it before" in told) == follows


def test_it_is_evaluated_translates_and_is_analysed(run: Path, tmp_path: Path) -> None:
    assert main(["evaluate", str(run)]) == 0
    (tmp_path / "in").write_text("the big cat\n")
    command = ["translate", str(run), "--from", "en", "--to", "xa", "--input", str(tmp_path / "in")]
    assert main([*command, "--output", str(tmp_path / "out")]) == 0
    assert main(["analyze", str(run), "--set", "analysis.max_iterations=3", "--set", "analysis.traces=2"]) == 0
    assert set(json.loads((run / "analysis.json").read_text())["curvature"]) == {"en-xa", "en-xb"}


def test_its_records_say_what_each_language_uses(run: Path) -> None:
    records = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    valid = [record for record in records if record["kind"] == "valid"]
    if run.parent.name.startswith("language_adapters"):  # all that a language has it uses
        assert not any("usage" in record for record in valid)
        return
    usage = valid[-1]["usage"]
    assert {"xa", "xb"} <= usage.keys()
    assert all(0 <= share <= 1 for parts in usage.values() for share in parts.values())


def test_it_is_exported_as_plain_models_or_refused(run: Path, tmp_path: Path, capfd: pytest.CaptureFixture) -> None:
    status = main(["export", str(run), "--format", "hf", "--out", str(tmp_path / "hf")])
    if run.parent.name.startswith("latent_depth"):
        assert status == 0
        described = json.loads((tmp_path / "hf" / "en-xa" / "config.json").read_text())
        assert described["architectures"] == ["M2M100ForConditionalGeneration"]
        assert main(["export", str(run), "--format", "ctranslate2", "--out", str(tmp_path / "ct2")]) == 0
    else:
        assert status == 2
        assert "no plain model for en-xa" in capfd.readouterr().err
