"""A step of the trainer waits for its device once, and launches what it must."""

import math
from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch
from benchmarks.counts import StepCounts, count_step

from catscale.balancing import TaskBalancer
from catscale.balancing.contract import Request
from catscale.balancing.methods.cats import CATS
from catscale.balancing.methods.famo import FAMO
from catscale.balancing.methods.fixed import Fixed
from catscale.model.autocast import compute_in, keep_casts
from catscale.optimisation.sam import SAM
from catscale.training.one_pass_rule import OnePassRule
from catscale.training.trainer import Trainer
from tests.training.test_trainer import make
from tests.training.two_tasks import prepare
from tests.unchecked import unchecked

BF16 = torch.bfloat16


def count(folder, method, **settings) -> StepCounts:
    """Count the second step."""
    trainer = make(folder, method, **settings)
    trainer.start()
    trainer.step()
    return count_step(trainer.model, trainer.step)


@pytest.mark.parametrize("method", [Fixed(), FAMO(), CATS(inner_steps=5)], ids=["fixed", "famo", "cats"])
def test_a_step_that_measures_nothing_waits_once(tmp_path, method):
    assert count(tmp_path, method).waits == {"cpu": 1}


APART, READ = {"gradient_checkpointing": True}, {"cpu": 3}
JOINED = {"cpu": 2}


@pytest.mark.parametrize(
    ("statistics", "low_memory", "settings", "passes", "waits"),
    [
        ("gramian", False, APART, 2, READ),
        ("gramian", False, {}, 1, READ),  # gradients held in a joined pass
        ("products", False, APART, 2, READ),
        ("products", True, APART, 4, READ),
        ("products", False, {}, 1, JOINED),
        ("products", True, {}, 1, JOINED),
    ],
)
def test_waits_of_a_step_of_cats_that_measures(tmp_path, monkeypatch, statistics, low_memory, settings, passes, waits):
    """The table of docs/speed.md; a pass for each task of two, or one over both."""
    monkeypatch.setattr(OnePassRule, "_pays", lambda *arguments: True)
    method = CATS(inner_steps=1, statistics=statistics)
    setup = make(tmp_path, method, low_memory=low_memory, **settings).setup
    balancer = TaskBalancer(method, ["en-az", "en-fr"], setup.model.parameters(), low_memory=low_memory)
    trainer = Trainer(replace(setup, balancer=balancer))
    trainer.start()
    trainer.step()
    found = count_step(trainer.model, trainer.step)
    assert found.launches["embedding"] == 2 * passes  # the tables of both sides
    assert found.waits == waits


def test_sharpness_costs_one_more_and_the_norm_that_it_climbs_by(tmp_path):
    assert count(tmp_path, Fixed(), optimizer=SAM.model_validate({"from": 0})).synchronisations == 3


def test_one_norm_of_each_gradient_for_both_the_check_and_the_bound(tmp_path):
    counts = count(tmp_path, Fixed())
    tensors = len(make(tmp_path).parameters)
    norms = counts.launches["linalg_vector_norm"] + counts.launches["_foreach_norm"]
    assert 2 <= norms <= tensors + 2  # over all of them for the check, and in the optimiser's order for the bound


def test_casts_that_are_kept_leave_results_as_they_are():
    torch.manual_seed(1)
    layer, rows = torch.nn.Linear(5, 4), torch.randn(3, 2, 5)

    def run() -> list[torch.Tensor]:
        layer.zero_grad()
        for row in rows:
            with compute_in(BF16, row.device):
                loss = layer(row).float().square().sum()
            loss.backward()
        return [parameter.grad.clone() for parameter in layer.parameters()]

    def run_once() -> list[torch.Tensor]:
        with keep_casts(rows.device):
            return run()

    assert all(one.equal(two) for one, two in zip(run(), run_once(), strict=True))
    apart, kept = (count_step(layer, way).launches["_to_copy"] for way in (run, run_once))
    assert apart - kept == 2 * 2  # weight and bias, in two of three passes


@pytest.mark.parametrize(
    ("request_kind", "weight", "is_once"),
    [("nothing", 1.0, True), ("nothing", math.nan, False), ("gramian", math.nan, True)],
)
def test_nothing_is_cast_once_where_one_backward_pass_follows_several(request_kind, weight, is_once, monkeypatch):
    """What the step said holds when it is repeated, whatever the state is then."""
    _, descent = prepare(Fixed())
    layer, row = torch.nn.Linear(5, 4), torch.randn(2, 5)

    def passes(*given, **named):
        for _ in range(2):
            with compute_in(BF16, row.device):
                layer(row)
        return SimpleNamespace(norms=None)

    def have(kind, weight):
        asked = Request(unchecked(kind))
        descent.balancer = unchecked(SimpleNamespace(request=asked, weights={"a": weight}, repeat=passes))

    have(request_kind, weight)
    monkeypatch.setattr(descent, "_look", passes)
    casts = 2 * (1 if is_once else 2)  # weight and bias
    assert count_step(layer, descent).launches["_to_copy"] == casts
    have("nothing", math.nan if is_once else 1.0)
    assert count_step(layer, descent.repeat).launches["_to_copy"] == casts
