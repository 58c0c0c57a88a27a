"""Burgers' equation: the exact solution solves it, and the losses are those of the problem."""

import json
import math
import sys
from pathlib import Path

import pytest
import torch
from benchmarks.outside import burgers
from benchmarks.outside.burgers import build_network, draw_points, find_error, make_lines, residual_loss, train
from benchmarks.outside.burgers_exact import VISCOSITY, exact_solution

from catscale.balancing import METHODS


def test_the_exact_solution_solves_the_equation_and_its_conditions() -> None:
    step = 1e-4
    x = torch.linspace(-0.95, 0.95, 39, dtype=torch.float64)
    x = x[x.abs() > 0.1]  # beside the shock, which differences would need smaller steps for
    for time in (0.1, 0.5, 0.9):
        t = torch.full_like(x, time)
        u, right, left = (exact_solution(x + shift, t) for shift in (0, step, -step))
        u_t = (exact_solution(x, t + step) - exact_solution(x, t - step)) / (2 * step)
        residual = u_t + u * (right - left) / (2 * step) - VISCOSITY * (right - 2 * u + left) / step**2
        assert residual.abs().max() < 1e-4
    torch.testing.assert_close(exact_solution(x, torch.zeros_like(x)), -torch.sin(math.pi * x))
    ends = exact_solution(torch.tensor([-1.0, 1.0]), torch.tensor([0.5, 0.5]))
    assert ends.tolist() == pytest.approx([0.0, 0.0], abs=1e-8)


def test_points_are_where_they_belong() -> None:
    points = draw_points(torch.Generator().manual_seed(0))
    at_start = points.border[:, 1] == 0
    assert at_start.sum() == len(points.border) // 2
    assert (points.border[~at_start, 0].abs() == 1).all()
    assert (points.values[~at_start] == 0).all()
    torch.testing.assert_close(points.values[at_start], -torch.sin(math.pi * points.border[at_start, :1]))


def test_the_residual_of_a_known_function() -> None:
    """u = x t: u_t + u u_x − ν u_xx = x + x t²."""

    class Product(torch.nn.Module):
        def forward(self, points: torch.Tensor) -> torch.Tensor:
            return (points[:, 0] * points[:, 1])[:, None]

    inside = torch.rand(50, 2)
    x, t = inside.unbind(1)

    class Bent(Product):
        def forward(self, points: torch.Tensor) -> torch.Tensor:
            return super().forward(points) + 0 * points[:, :1] ** 2  # whose second derivative exists

    expected = (x + x * t**2).square().mean()
    torch.testing.assert_close(residual_loss(Bent(), inside), expected)


def test_a_few_steps_train() -> None:
    torch.manual_seed(0)
    before = find_error(build_network())
    assert train(METHODS["config"](), 0, 8, 5e-3) < before


def test_the_table_has_the_least_error_first() -> None:
    results = {"a/0": 3e-3, "a/1": 5e-3, "b/0": 1e-3, "b/1": 1e-3}
    assert make_lines(results, ["a", "b"], 2) == [
        ["`b`", "1.0e-03 ± 0.0e+00", "1.0e-03, 1.0e-03"],
        ["`a`", "4.0e-03 ± 1.4e-03", "3.0e-03, 5.0e-03"],
    ]
    assert make_lines(results, ["a"], 1) == [["`a`", "3.0e-03", "3.0e-03"]]


def test_a_stopped_run_goes_on_where_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, trained = tmp_path / "burgers.json", list[tuple[str, int]]()

    def count(method: object, seed: int, steps: int, rate: float) -> float:
        trained.append((type(method).__name__, seed))
        if len(trained) == 4:
            raise KeyboardInterrupt
        return 0.25 * len(trained)

    monkeypatch.setattr(burgers, "train", count)
    monkeypatch.setattr(sys, "argv", ["burgers", "mgda", "fixed", "--seeds", "2", "--steps", "7", "--json", str(path)])
    with pytest.raises(KeyboardInterrupt):
        burgers.main()
    assert [line[0] for line in json.loads(path.read_text(encoding="utf-8"))["lines"]] == ["`mgda`", "`fixed`"]
    burgers.main()
    assert trained == [("MGDA", 0), ("Fixed", 0), ("MGDA", 1), ("Fixed", 1), ("Fixed", 1)]
    content = json.loads(path.read_text(encoding="utf-8"))
    assert content["results"] == {"mgda/0": 0.25, "fixed/0": 0.5, "mgda/1": 0.75, "fixed/1": 1.25}
    assert [line[0] for line in content["lines"]] == ["`mgda`", "`fixed`"]
    assert "`python -m benchmarks.outside.burgers mgda fixed --steps 7`" in content["note"]
