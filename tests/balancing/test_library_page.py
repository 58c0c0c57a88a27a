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


LENGTHS = {
    "1": 1.0,
    "1 at first": 1.0,
    "1 where orthogonal": 1.0,
    "1/K": 1 / 4,
    "1/K where orthogonal, less where not": 1 / 4,
}
LENGTHS |= {
    "1 where orthogonal": 1.0,
    "1 / Lₙ": 1.0,
    "(1 + `radius`)/K": 1.5 / 4,
    "–": 0.5 / 2,
}  # the latter is nash_mtl's


def length_on_the_page(name: str) -> float:
    """Return what the page's table says that a task of four equal ones has, in the first row that names the method."""
    rows = re.findall(r"^\| (`.+) \| .* \| (.+) \|$", PAGE, re.MULTILINE)
    return next(LENGTHS[length] for methods, length in rows if f"`{name}`" in methods)


@pytest.mark.parametrize("name", METHODS)
def test_the_page_s_lengths_are_the_methods(name: str) -> None:
    """Four orthogonal gradients of length 2 and equal losses."""
    theta = torch.nn.Parameter(torch.eye(4, dtype=torch.float64))
    tasks = [f"task {n}" for n in range(4)]
    step = TaskBalancer(METHODS[name](), tasks, [theta]).backward(
        {task: (theta[n] ** 2).sum() for n, task in enumerate(tasks)}
    )
    assert list(step.weights.values()) == pytest.approx([length_on_the_page(name)] * 4, rel=1e-5)
