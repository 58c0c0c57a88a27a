"""The programs of docs/library.md run, and its table of lengths is what the methods do."""

import re
from pathlib import Path

import pytest
import torch

from catscale import METHODS, TaskBalancer

PAGE = (Path(__file__).parents[2] / "docs" / "library.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("program", re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL))
def test_the_page_s_programs_run(program: str) -> None:
    exec(compile(program, "docs/library.md", "exec"), {})


EQUAL = {
    "fixed": 1.0, "gradnorm": 1.0, "dwa": 1.0, "pcgrad": 1.0, "gradvac": 1.0, "uncertainty": 1.0,
    "cats": 0.25, "mgda": 0.25, "famo": 0.25, "dro": 0.25, "imtl_g": 0.25, "upgrad": 0.25, "aligned_mtl": 0.25,
    "cagrad": 1.5 / 4, "nash_mtl": 0.5 / 2,
}  # fmt: skip


@pytest.mark.parametrize("name", METHODS)
def test_the_page_s_lengths_are_the_methods(name: str) -> None:
    """Four orthogonal gradients of length 2 and equal losses."""
    theta = torch.nn.Parameter(torch.eye(4, dtype=torch.float64))
    tasks = [f"task {n}" for n in range(4)]
    step = TaskBalancer(METHODS[name](), tasks, [theta]).backward(
        {task: (theta[n] ** 2).sum() for n, task in enumerate(tasks)}
    )
    assert list(step.weights.values()) == pytest.approx([EQUAL[name]] * 4, rel=1e-5)
    assert f"`{name}`" in PAGE
