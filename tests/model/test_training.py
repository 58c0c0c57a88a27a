"""An architecture with everything that the plain one lacks, in the training loop and in every command."""

import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch.nn import functional as F

from catscale.balancing import CATS, TaskBalancer
from catscale.balancing.contract import Method
from catscale.balancing.methods.fixed import Fixed
from catscale.distributed.processes import Processes
from catscale.model.check_material import DIRECTIONS, VOCABULARY, batch_of
from catscale.model.likelihood import Objective, batch_losses
from catscale.run.assembly import Assembly
from catscale.training.config import TrainingConfig
from catscale.training.precision import Precision
from catscale.training.step_losses import LossBuilder
from tests.cli.toy import write_config, write_corpus
from tests.model.adapted import PENALTY, Adapted, AdaptedModel
from tests.unchecked import unchecked

TASKS = {str(direction): [batch_of(direction)] for direction in DIRECTIONS}
SIZES: dict[str, Any] = {"preset": "tiny", "width": 16, "heads": 2, "feed_forward": 24, "dropout": 0.0}


def make() -> AdaptedModel:
    model = Adapted(**SIZES).build(VOCABULARY, DIRECTIONS, 1).train()
    assert isinstance(model, AdaptedModel)
    model.at_step(3, 10)
    return model


def test_the_extra_loss_counts_once_for_each_target_token() -> None:
    model, batch = make(), batch_of(DIRECTIONS[0])
    said = model.predict(batch)
    plain = F.cross_entropy(said.logits, said.labels, reduction="sum", label_smoothing=0.1)
    penalty = PENALTY * 0.1**2  # the first language's vector starts with components of 0.1
    loss, nll = batch_losses(model, batch, 0.1)
    assert loss.item() == pytest.approx(plain.item() + batch.tokens * penalty, rel=1e-6)
    assert nll.item() == pytest.approx(F.cross_entropy(said.logits, said.labels, reduction="sum").item(), rel=1e-5)
    assert batch_losses(model.eval(), batch, 0.0)[0].item() == pytest.approx(batch_losses(model, batch, 0.0)[1].item())


@pytest.mark.parametrize("method", [Fixed(task_weights=[1.0, 2.0, 3.0]), CATS(inner_steps=1)])
def test_shared_parameters_are_compared_and_own_ones_get_their_own_gradient(method: Method) -> None:
    model = make()
    objective = Objective(model)
    balancer = TaskBalancer(
        method, list(TASKS), model.shared_parameters(), groups=model.parameter_groups(), module=objective
    )
    assert {id(p) for p in balancer.parameters} == {id(p) for p in model.parameters()} - {
        id(p) for p in model.shifts.parameters()
    }
    parts = {"objective": objective, "balancer": balancer, "processes": Processes(), "precision": Precision(None)}
    parts["optimizer"] = SimpleNamespace(needs_price=False)
    setup = SimpleNamespace(**parts, model=model, vocabulary=VOCABULARY, config=TrainingConfig(label_smoothing=0.1))
    prepared = LossBuilder(unchecked(setup)).build(TASKS, balancer.request)
    step = balancer.backward(prepared.losses, tokens=prepared.tokens)
    found = [parameter.grad for parameter in model.parameters()]
    every = sum(batches[0].tokens for batches in TASKS.values())
    units = {task: batches[0].tokens if balancer.method.losses == "tasks" else every for task, batches in TASKS.items()}
    weighted = sum(
        step.weights[task] * batch_losses(model, batches[0], 0.1)[0] / units[task] for task, batches in TASKS.items()
    )
    wanted = torch.autograd.grad(torch.as_tensor(weighted), list(model.parameters()))
    for gradient, expected in zip(found, wanted, strict=True):
        assert gradient is not None
        torch.testing.assert_close(gradient, expected, rtol=1e-4, atol=1e-6)
    if step.gradient_norms is not None:
        for task, batches in TASKS.items():
            rows = torch.autograd.grad(batch_losses(model, batches[0], 0.1)[0] / units[task], model.shared_parameters())
            norm = torch.stack([row.square().sum() for row in rows]).sum().sqrt().item()
            assert step.gradient_norms[task] == pytest.approx(norm, rel=1e-4)


def test_a_run_compares_shared_parameters_only() -> None:
    model = make()
    config = SimpleNamespace(balancing=Fixed(), training=SimpleNamespace(low_memory=False))
    store = SimpleNamespace(directions=DIRECTIONS, split=lambda name, direction: [1])
    balancer = Assembly(unchecked(config), unchecked(store)).build_balancer(model)
    assert [id(parameter) for parameter in balancer.parameters] == [id(p) for p in model.shared_parameters()]


COMMANDS = """
import sys
from catscale.model import table
from catscale.settings.choice import choice_of
from tests.model.adapted import Adapted
table.ARCHITECTURES["adapted"] = Adapted
table.ModelConfig = choice_of(table.ARCHITECTURES, "architecture", "m2m100")
from catscale.cli.main import main
config, run = sys.argv[1:]
for line in [
    ["train", config, "--out", run, "--set", "training.max_steps=16"],
    ["train", config, "--out", run],
    ["evaluate", run],
    ["analyze", run, "--set", "analysis.max_iterations=3", "--set", "analysis.traces=2"],
]:
    status = main(line)
    if status:
        sys.exit(status)
sys.exit(main(["evaluate", run, "--set", "evaluation.backend=ctranslate2"]))
"""


def test_it_goes_through_every_command(tmp_path: Path) -> None:
    corpus = write_corpus(tmp_path / "corpus", "moses", {"xa": 100, "xb": 50}, dev=10, test=10)
    changes: dict[str, Any] = {"model": {"architecture": "adapted"}, "balancing": {"method": "cats", "inner_steps": 3}}
    config = write_config(tmp_path / "toy.yaml", corpus, tmp_path / "store", **changes)
    command = [sys.executable, "-c", COMMANDS, str(config), str(tmp_path / "run")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2, done.stderr
    found = "is decoded by huggingface without integers, found backend ctranslate2 with precision auto"
    assert f"the model's architecture {found}" in done.stderr
    described = json.loads((tmp_path / "run/best/config.json").read_text())
    assert (described["architecture"], described["languages"]) == ("adapted", ["xa", "xb"])
    assert "architecture: adapted" in (tmp_path / "run/config.yaml").read_text()
    scores = json.loads((tmp_path / "run/scores.json").read_text())
    assert scores["evaluation"]["decoder"] == "huggingface"
    assert set(json.loads((tmp_path / "run/analysis.json").read_text())["curvature"]) == {"en-xa", "en-xb"}
