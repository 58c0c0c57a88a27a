"""What every method in the table promises; a new method is tested here by being listed."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from catscale import TaskBalancer
from catscale.balancing import METHODS
from catscale.balancing.checks import CHECKS, N, bits, follow, trajectory
from catscale.balancing.methods.gramian_method import GramianSettings
from catscale.training.checkpointing.checkpoint import join_tensors, split_tensors

VARIANTS: dict[str, Any] = {name: method() for name, method in METHODS.items()}
VARIANTS |= {
    f"{name}, groups": METHODS[name](granularity="groups")
    for name, method in METHODS.items()
    if issubclass(method, GramianSettings)
}
VARIANTS |= {
    "gradnorm, interval 3": METHODS["gradnorm"](interval=3, group=None),
    "nash_mtl, interval 3": METHODS["nash_mtl"](interval=3, max_norm=None),
    "dwa, interval 2": METHODS["dwa"](interval=2),
    "soft_adapt, normalised": METHODS["soft_adapt"](interval=2, variant="normalised"),
    "soft_adapt, loss weighted": METHODS["soft_adapt"](interval=1, variant="loss_weighted"),
    "stch, warm": METHODS["stch"](warmup=2, smoothing=0.3),
    "stch, log": METHODS["stch"](warmup=2, form="log"),
    "pcd, much progress": METHODS["pcd"](progress=0.9, smoothing=0.5),
    "excess_mtl, interval 2": METHODS["excess_mtl"](interval=2, warmup=1, step_size=1.0),
    "lra, interval 1": METHODS["lra"](interval=1, inertia=0.0),
    "modo, interval 3": METHODS["modo"](interval=3, step_size=1.0),
    "dro, given": METHODS["dro"](radius=2.0, floor=0.0),
}


COSTLY = ("cagrad, groups", "fairgrad, groups", "upgrad, groups")
"""Variants whose solver is tried without groups, and whose groups are tried with MGDA, by the same code."""


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.slow if name in COSTLY else ()) for name in VARIANTS]
)
def test_the_contract(name: str, check: Callable[[Any], None]) -> None:
    check(VARIANTS[name])


@pytest.mark.parametrize("name", VARIANTS)
def test_every_method_says_what_the_gradients_scale_is_to_it(name: str) -> None:
    assert VARIANTS[name].scale_of_weights == ("inverse" if name.startswith("nash_mtl") else "free")


@pytest.mark.parametrize("name", METHODS)
def test_names_agree_with_the_table(name: str) -> None:
    assert METHODS[name]().name == name


@pytest.mark.parametrize("name", METHODS)
def test_the_engine_s_checkpoint_restores_the_state_bit_for_bit(name: str, tmp_path: Path) -> None:
    method: Any = METHODS[name]()
    tasks = [f"en-{i}" for i in range(N)]
    one = TaskBalancer(method, tasks, [torch.nn.Parameter(torch.zeros(1))])
    _, one.state = follow(method, trajectory()[:13])
    tensors, rest = split_tensors({"balancer": one.state_dict()})
    save_file(tensors, tmp_path / "state.safetensors")
    (tmp_path / "state.json").write_text(json.dumps(rest))
    content = join_tensors(load_file(tmp_path / "state.safetensors"), json.loads((tmp_path / "state.json").read_text()))
    two = TaskBalancer(method, tasks, [torch.nn.Parameter(torch.zeros(1))])
    two.load_state_dict(content["balancer"])
    assert bits(one.state) == bits(two.state)
