"""`formulation="implicit"` never leaves its domain, whatever it is shown: made-up extremes and recorded training.

`recorded/cldr.json` was made by `benchmarks/record_statistics.py` (see there): 200 steps of the demo's tiny model on
the embedded CLDR corpus, eight directions, equal weights.
"""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from catscale import CATS
from catscale.balancing.methods.cats_state import CATSState
from catscale.errors import DivergedError
from tests.balancing.methods.adversaries import KINDS, adversarial_rows, noisy_diagonal, shown

RECORDED = Path(__file__).parents[1] / "recorded" / "cldr.json"
N = 5
OPTIONS: list[dict[str, Any]] = [
    {},
    {"statistics": "products"},
    {"loss_term": True, "simplex": "all"},
    {"loss_term": True, "statistics": "products", "normalise": False},
    {"smoothing": 0.9},
    {"smoothing": 0.9, "statistics": "products", "simplex": "all"},
    {"unbiased": True},
    {"unbiased": True, "statistics": "products"},
    {"unbiased": True, "smoothing": 0.99, "normalise": False},
    {"normalise": False, "budget_slack": None},
    {"alpha_floor": 0.0},
    {"alpha_floor": 0.0, "statistics": "products", "budget_slack": None},
    {"alpha_floor": 0.0, "statistics": "products", "normalise": False},
    {"alpha_floor": 0.199},
    {"alpha_lr": 100.0, "multiplier_lr": 100.0},
    {"alpha_lr": 100.0, "multiplier_lr": 100.0, "statistics": "products", "budget_slack": None},
    {"multiplier_init": 0.0, "budget_slack": 0.0},
]


def make(options: dict) -> CATS:
    return CATS(**{"inner_steps": 1, "alpha_lr": 0.3, "multiplier_lr": 0.5} | options)


def assert_in_domain(method: CATS, state: CATSState, weights: Tensor) -> None:
    assert weights.isfinite().all()
    assert (weights >= 0).all()
    if method.simplex == "present":
        assert weights.sum().item() == pytest.approx(1, abs=1e-12)
    assert state.alpha.isfinite().all()
    assert (state.alpha >= method.alpha_floor).all()
    assert state.alpha.sum().item() == pytest.approx(1, abs=1e-9)
    assert state.curvature_multiplier.isfinite()
    assert state.curvature_multiplier >= 0
    assert not state.simplex_multiplier.any()
    assert not state.floor_multipliers.any()


def adversarial_run(options: dict, updates: int) -> None:
    """The kinds by turns, a new one each step, 50 of the same where they matter; task 4 is there in one of 50."""
    generator = torch.Generator().manual_seed(1)
    method = make(options)
    state = method.init(N)
    for step in range(updates):
        kind = KINDS[(step // 50) % len(KINDS)] if (step // 600) % 2 else KINDS[step % len(KINDS)]
        size = N if step % 50 == 7 else 1 + step % 4
        ids = torch.arange(N) if size == N else torch.randperm(4, generator=generator)[:size]
        rows = adversarial_rows(kind, step, size, generator)
        noisy = noisy_diagonal(rows, generator) if kind == "indefinite" and method.unbiased else None
        losses = 10 * torch.rand(size, generator=generator, dtype=torch.float64)
        signals = shown(method.request(state), ids, losses, rows @ rows.T, method.weights(state, ids), noisy)
        weights, state = method.step(state, signals)
        assert_in_domain(method, state, weights)
    json.dumps(method.describe(state))


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_adversarial_statistics(options: dict) -> None:
    adversarial_run(options, 600)


@pytest.mark.slow
@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_ten_thousand_adversarial_updates(options: dict) -> None:
    adversarial_run(options, 10_000)


def recorded() -> tuple[int, list[tuple[Tensor, Tensor, Tensor]]]:
    """The number of tasks; task ids, losses and Gram matrix of each step."""
    content = json.loads(RECORDED.read_text(encoding="utf-8"))
    steps = []
    for row in content["steps"]:
        ids, losses = torch.tensor(row["ids"]), torch.tensor(row["losses"], dtype=torch.float64)
        gramian = torch.zeros(len(ids), len(ids), dtype=torch.float64)
        upper = torch.triu_indices(len(ids), len(ids))
        gramian[upper[0], upper[1]] = torch.tensor(row["gramian"], dtype=torch.float64)
        steps.append((ids, losses, gramian + gramian.triu(1).T))
    return len(content["tasks"]), steps


def recorded_run(options: dict, updates: int) -> None:
    n_tasks, steps = recorded()
    method = make(options)
    state = method.init(n_tasks)
    for step in range(updates):
        ids, losses, gramian = steps[step % len(steps)]
        signals = shown(method.request(state), ids, losses, gramian, method.weights(state, ids))
        weights, state = method.step(state, signals)
        assert_in_domain(method, state, weights)


@pytest.mark.parametrize("options", [o for o in OPTIONS if o.get("alpha_floor", 0) < 0.1], ids=str)
def test_recorded_statistics(options: dict) -> None:
    recorded_run(options, 200)


@pytest.mark.slow
@pytest.mark.parametrize("options", [o for o in OPTIONS if o.get("alpha_floor", 0) < 0.1], ids=str)
def test_ten_thousand_recorded_updates(options: dict) -> None:
    recorded_run(options, 10_000)


def test_the_recording_is_of_training_and_small() -> None:
    """The losses fall, several tasks are in a step, which ones changes; G is positive up to its five digits."""
    n_tasks, steps = recorded()
    assert RECORDED.stat().st_size < 100_000
    assert n_tasks == 8
    assert steps[-1][1].mean() < 0.7 * steps[0][1].mean()
    assert {i for ids, _, _ in steps for i in ids.tolist()} == set(range(8))
    assert len({tuple(ids.tolist()) for ids, _, _ in steps}) > 5
    for _, _, gramian in steps:
        assert torch.linalg.eigvalsh(gramian).min() > -1e-4 * gramian.trace()


def test_the_paper_s_formulation_stops_on_the_same_recording() -> None:
    """At the rates that the implicit steps take with ease, Algorithm 1 drives Σα to zero within 20 updates."""
    n_tasks, steps = recorded()
    method = CATS(formulation="paper", inner_steps=1, alpha_lr=0.01, multiplier_lr=0.01)
    state = method.init(n_tasks)

    def run(state: CATSState) -> None:
        for ids, losses, gramian in steps[:60]:
            signals = shown(method.request(state), ids, losses, gramian, method.weights(state, ids))
            state = method.step(state, signals)[1]

    with pytest.raises(DivergedError, match="the sum of the task weights must be positive, found 0"):
        run(state)
