"""What every sampler in the table promises; a new one is tested here by being listed."""

import json
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from catscale.errors import DivergedError
from catscale.sampling import SAMPLERS, Sampler, SamplerState, Sampling, draw_tasks
from catscale.training.checkpointing.checkpoint import join_tensors, split_tensors
from tests.unchecked import unchecked

SIZES = {"en-az": 100, "en-be": 20, "en-fr": 9000, "en-ru": 9000, "en-tr": 1}
BASELINES = {"en-az": 0.5, "en-be": 0.25, "en-fr": 0.1, "en-ru": 0.1, "en-tr": 0.3}
REQUIRED: dict[str, Any] = {
    "temperature_schedule": {"knots": [(10, 1), (30, 5)]},
    "pretrain_finetune": {"steps": 15},
    "chi_square": {"interval": 25},
    "ado": {"interval": 10, "warm_up": 500, "refit": 600},
    "adaptive_scheduling": {"baselines": BASELINES},
}
LENGTHS = {"en-az": 11.0, "en-be": 5.5, "en-fr": 30.0, "en-ru": 20.0, "en-tr": 1.0}
VARIANTS: dict[str, Any] = {
    **{name: {} for name in SAMPLERS},
    "unimax, one epoch": {"max_epochs": 1},
    "multidds, plain": {"stabilised": False},
    "multidds, of uncertainty": {"reward": "uncertainty"},
    "multidds, scaled": {"scale_reward": True, "learning_rate": 3.0},
    "cats_sampling, free": {"interval": 50, "learning_rate": 0.9, "floor": 0.0},
}
STEPS = (1, 2, 10, 15, 16, 29, 30, 31, 10**6)
HARD = ["plain", "ones", "minus ones", "zeros", "opposed", "one"]


@pytest.fixture(params=VARIANTS)
def method(request: pytest.FixtureRequest) -> Sampling:
    name = request.param.partition(",")[0]
    return SAMPLERS[name](**REQUIRED.get(name, {}), **VARIANTS[request.param]).for_training(2500).for_data(LENGTHS, 400)


def trajectory(kind: str = "plain", seed: int = 0) -> list[dict[str, float]]:
    """Rewards of 60 updates; a sampler that asks for pairs is given half of each as its variance."""
    rng = np.random.default_rng(seed)
    fixed: dict[str, Any] = {
        "ones": 1,
        "minus ones": -1,
        "zeros": 0,
        "opposed": [1, -1, 1, -1, 1],
        "one": [0, 0, 1, 0, 0],
    }
    rows = rng.uniform(-1, 1, (60, 5)) if kind == "plain" else np.broadcast_to(fixed[kind], (60, 5)).astype(float)
    return [dict(zip(SIZES, row.tolist(), strict=True)) for row in rows]


def shaped(sampler: Sampler, row: dict[str, float]) -> dict[str, Any]:
    is_pair = sampler.request is not None and sampler.request.second is not None
    return {task: (value, abs(value) / 2) if is_pair else value for task, value in row.items()}


def follow(sampler: Sampler, rewards: list[dict[str, float]]) -> list[np.ndarray]:
    found = [sampler.probabilities(step) for step in STEPS]
    for number, row in enumerate(rewards):
        sampler.update(shaped(sampler, row))
        found.append(sampler.probabilities(number + 1))
    return found


def bits(state: SamplerState) -> dict[str, object]:
    values = {field.name: getattr(state, field.name) for field in fields(state)}
    return {k: (v.dtype, v.numpy().tobytes()) if isinstance(v, Tensor) else v for k, v in values.items()}


def same(left: list[np.ndarray], right: list[np.ndarray]) -> bool:
    return all(np.array_equal(a, b) for a, b in zip(left, right, strict=True))


@pytest.mark.parametrize("kind", HARD)
def test_probabilities(method: Sampling, kind: str) -> None:
    sampler = Sampler(method, SIZES)
    for shares in follow(sampler, trajectory(kind)):
        assert shares.shape == (5,)
        assert shares.dtype == np.float64
        assert np.isfinite(shares).all()
        assert (shares >= 0).all()
        assert shares.sum() == pytest.approx(1, abs=1e-12)
        assert len(draw_tasks(shares, 7, 1, 1)) == 7
    json.dumps(method.describe(sampler.state))


def test_names_agree_with_the_table(method: Sampling) -> None:
    assert SAMPLERS[method.name] is type(method)
    assert unchecked(method).method == method.name


def test_relabelling_tasks_permutes_the_probabilities(method: Sampling) -> None:
    order = [3, 1, 4, 0, 2]
    names = list(SIZES)
    turned = {names[i]: SIZES[names[i]] for i in order}
    one, two = follow(Sampler(method, SIZES), trajectory()), follow(Sampler(method, turned), trajectory())
    for a, b in zip(one, two, strict=True):
        np.testing.assert_allclose(a[order], b, rtol=1e-12)


def test_one_task_alone(method: Sampling) -> None:
    sampler = Sampler(method, {"en-fr": 5})
    assert all(sampler.probabilities(step).tolist() == [1.0] for step in STEPS)
    sampler.update(shaped(sampler, {"en-fr": 0.5}))
    assert sampler.probabilities(1).tolist() == [1.0]


def test_states_are_never_changed_in_place(method: Sampling) -> None:
    sampler = Sampler(method, SIZES)
    state, before = sampler.state, bits(sampler.state)
    for shares in follow(sampler, trajectory()):
        shares *= 0  # what a caller does to the answer is the caller's
    assert bits(state) == before
    assert sampler.probabilities(1).sum() == pytest.approx(1)


def test_only_those_who_ask_for_rewards_are_moved_by_them(method: Sampling) -> None:
    sampler = Sampler(method, SIZES)
    before = bits(sampler.state)
    follow(sampler, trajectory())
    assert (bits(sampler.state) != before) == (method.request is not None)
    if method.request is not None and method.request.against == "dev_losses":
        assert [step for step in range(1, 301) if sampler.due(step)] == []  # validations move it
        return
    due = [step for step in range(1, 301) if sampler.due(step) == method.request is not None]
    interval = 301 if method.request is None else method.request.interval
    assert due == list(range(interval, 301, interval))
    assert method.request is None or len(due) >= 3


def test_same_inputs_same_result(method: Sampling) -> None:
    one, two = Sampler(method, SIZES), Sampler(method, SIZES)
    assert same(follow(one, trajectory()), follow(two, trajectory()))
    assert bits(one.state) == bits(two.state)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_rewards_that_are_not_finite_are_refused(method: Sampling, value: float) -> None:
    sampler = Sampler(method, SIZES)
    before = bits(sampler.state)
    with pytest.raises(DivergedError, match=f"the sampling reward of task 'en-fr' must be finite, found {value}"):
        sampler.update(shaped(sampler, dict.fromkeys(SIZES, 0.1) | {"en-fr": value}))
    assert bits(sampler.state) == before


@pytest.mark.parametrize("after", [0, 1, 13])
def test_state_survives_a_checkpoint_bit_for_bit(method: Sampling, after: int, tmp_path: Path) -> None:
    one, two = Sampler(method, SIZES), Sampler(method, SIZES)
    follow(one, trajectory()[:after])
    one.note({"en-az": 3.0}, {"en-az": 2.0})
    tensors, rest = split_tensors({"sampler": one.state_dict()})
    save_file(tensors, tmp_path / "state.safetensors")
    content = join_tensors(load_file(tmp_path / "state.safetensors"), json.loads(json.dumps(rest)))
    two.load_state_dict(content["sampler"])
    assert bits(one.state) == bits(two.state)
    assert one.losses.take() == two.losses.take()
    assert same(follow(one, trajectory(seed=3)), follow(two, trajectory(seed=3)))
    assert bits(one.state) == bits(two.state)


def test_settings_are_loadable_as_they_are_written(method: Sampling) -> None:
    assert type(method)(**json.loads(unchecked(method).model_dump_json())) == method


def test_the_state_is_on_the_cpu_and_in_float64_or_integers(method: Sampling) -> None:
    for value in vars(method.init(SIZES)).values():
        assert value.device.type == "cpu"
        assert value.dtype in (torch.float64, torch.int64)
