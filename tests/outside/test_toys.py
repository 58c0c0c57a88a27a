"""The toy of CAGrad: its losses and gradients, its front, and a short trajectory with its picture."""

import json
import math
import sys
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
import torch
from benchmarks.outside import toys
from benchmarks.outside.toy_picture import draw, thin
from benchmarks.outside.toy_problem import SHIFT, TOYS, toy_gradients, toy_losses
from benchmarks.outside.toys import descend, is_on_front, make_line

from catscale.balancing import METHODS

SVG = "{http://www.w3.org/2000/svg}"


def slow_losses(point: torch.Tensor) -> torch.Tensor:
    """Compute both losses, (2,), at a (2,) point by the formulas of the original, one by one."""
    x, y = point
    one = (0.5 * (-x - 7) - torch.tanh(-y)).abs().clamp(min=5e-6).log() + 6
    two = (0.5 * (-x + 3) + torch.tanh(-y) + 2).abs().clamp(min=5e-6).log() + 6
    upper, lower = torch.tanh(y * 0.5).clamp(min=0), torch.tanh(-y * 0.5).clamp(min=0)
    first = ((-x + 7) ** 2 + 0.1 * (-y - 8) ** 2) / 10 - 20
    second = ((-x - 7) ** 2 + 0.1 * (-y - 8) ** 2) / 10 - 20
    return torch.stack([one * upper + first * lower, two * upper + second * lower])


def test_losses_at_known_points() -> None:
    """At x_2 = −8 the bowls count with tanh 4; at x_2 = 8 the valleys do."""
    first, second = toy_losses(np.array([[0.0, -8.0], [-7.0, 8.0]]), 1.0).tolist()
    assert first == pytest.approx([-15.1 * 0.999329299739067] * 2)
    assert second[0] == pytest.approx(6.0, abs=0.01)  # ½ · 0 + tanh 8 = 1, whose logarithm is 0


@pytest.mark.parametrize("scale", [1.0, 0.1])
def test_losses_and_gradients_are_those_of_the_original_and_of_automatic_differentiation(scale: float) -> None:
    """Everywhere, at x_2 = 0, and in a valley's ground, where the logarithm is cut."""
    special = [[0.0, 0.0], [3.0, 0.0], [2 * math.tanh(1) - 7, 1.0], [7 - 2 * math.tanh(3), 3.0]]
    points = np.concatenate([np.random.default_rng(0).uniform(-11, 11, (100, 2)), special])
    factors, losses, gradients = torch.tensor([scale, 1.0], dtype=torch.float64), [], []
    for point in torch.from_numpy(points):
        losses.append(factors * slow_losses(point))
        gradients.append(factors[:, None] * torch.autograd.functional.jacobian(slow_losses, point))
    np.testing.assert_allclose(toy_losses(points, scale), torch.stack(losses), rtol=1e-12)
    np.testing.assert_allclose(toy_gradients(points, scale), torch.stack(gradients), rtol=1e-9)
    shifted = toy_losses(points, scale, SHIFT)
    np.testing.assert_allclose(shifted, torch.stack(losses) + factors * SHIFT, rtol=1e-12)
    assert (shifted > 0).all()


def test_points_between_the_bowls_are_on_the_front_and_the_starts_are_not() -> None:
    assert is_on_front(np.array([2.0, -8.3]))
    for toy in TOYS.values():
        assert not any(is_on_front(np.array(start)) for start in toy.starts)
    assert not is_on_front(np.array([9.0, -8.3]))


@pytest.mark.parametrize("method", ["config", "lra"])
def test_trajectories_go_down_into_the_bowls(method: str) -> None:
    points = descend(METHODS[method](), TOYS["unequal"].starts[3:], 60, 0.2, 0.1)
    assert points.shape == (61, 2, 2)
    assert (points[-1, :, 1] < -5).all()


def test_starts_go_down_as_if_alone() -> None:
    """With states, which the losses of one start move."""
    starts = TOYS["unequal"].starts[1:4]
    together = descend(METHODS["famo"](), starts, 20, 0.05, 0.1)
    alone = [descend(METHODS["famo"](), [start], 20, 0.05, 0.1) for start in starts]
    np.testing.assert_allclose(together, np.concatenate(alone, 1), rtol=1e-12)


def test_a_trajectory_is_adam_s_along_the_mean_of_the_gradients() -> None:
    points = torch.nn.Parameter(torch.tensor([[9.0, -1.0]], dtype=torch.float64))
    optimizer = torch.optim.Adam([points], lr=0.05)
    for _ in range(10):
        optimizer.zero_grad()
        torch.autograd.backward(slow_losses(points[0]) @ torch.tensor([0.1, 1.0], dtype=torch.float64))
        optimizer.step()
    found = descend(METHODS["fixed"](), [(9.0, -1.0)], 10, 0.05, 0.1)[-1]
    np.testing.assert_allclose(found, points.detach(), rtol=1e-9)


def test_a_start_that_is_still_is_held_and_the_others_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(toys, "WINDOW", 20)
    method, steps = METHODS["mgda"](), 120
    points = descend(method, [(0.0, -8.3552), (9.0, -1.0)], steps, 0.01, 1.0)
    alone = descend(method, [(9.0, -1.0)], steps, 0.01, 1.0)
    np.testing.assert_allclose(points[:, 1:], alone, rtol=1e-12)
    assert (points[40:, 0] == points[40, 0]).all()
    assert (points[1:, 1] != points[:-1, 1]).all()
    still = descend(method, [(0.0, -8.3552)], steps, 0.01, 1.0)
    assert (still == points[:, :1]).all()


def test_a_line_of_the_table_tells_ends_on_the_front_from_others() -> None:
    ends = [{"end": [-5.73, -8.35], "front": True}, {"end": [-7.04, 3.21], "front": False}]
    assert make_line("fixed", ends) == ["`fixed`", "1 of 2", "front, -5.7", "(-7.0, 3.2)"]
    ends = [{"end": [-0.02, -8.36], "front": True}, {"end": [-7.0, -0.04], "front": False}]
    assert make_line("mgda", ends)[2:] == ["front, 0.0", "(-7.0, 0.0)"]


def test_a_thinned_path_keeps_its_ends() -> None:
    path = np.array([[0.0, 0.0], [0.3, 0.4], [0.6, 0.8], [0.6, 0.9], [3.0, 0.0]])
    assert thin(path, 1.0) == "0.00,0.00 0.60,0.80 3.00,0.00 3.00,0.00"
    assert thin(path[:2], 1.0) == "0.00,0.00 0.30,0.40"


def test_the_picture_has_a_panel_for_each_method_and_a_line_for_each_start() -> None:
    names = ["a", "b", "c", "d", "e"]
    picture = ElementTree.fromstring(
        draw({name: ["-11.00,11.00 0.00,0.00", "7.00,-8.36 11.00,-11.00"] for name in names})
    )
    panels = picture.findall(f"{SVG}g")
    assert [panel.findtext(f"{SVG}text") for panel in panels] == names
    assert len({panel.get("transform") for panel in panels}) == 5
    lines = [line.get("points") for line in panels[0].findall(f"{SVG}polyline") if line.get("class") in ("p0", "p1")]
    assert lines == ["0.0,0.0 100.0,100.0", "163.6,176.0 200.0,200.0"]
    assert "prefers-color-scheme:dark" in (picture.findtext(f"{SVG}style") or "")


def test_the_script_writes_results_and_picture(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    record, picture = tmp_path / "toys.json", tmp_path / "toys.svg"
    arguments = ["toys", "fixed", "mgda", "--toy", "equal", "--steps", "3", "--json", str(record)]
    monkeypatch.setattr(sys, "argv", [*arguments, "--picture", str(picture)])
    toys.main()
    content = json.loads(record.read_text(encoding="utf-8"))
    assert [line[:2] for line in content["lines"]] == [["`fixed`", "0 of 3"], ["`mgda`", "0 of 3"]]
    assert content["heads"][2:] == ["from (-8.5, 7.5)", "from (-8.5, -5)", "from (9, 9)"]
    assert "3 steps" in content["note"]
    assert "`python -m benchmarks.outside.toys fixed mgda --toy equal --steps 3`" in content["note"]
    text = picture.read_text(encoding="utf-8")
    assert capsys.readouterr().out.count("from") == 6
    monkeypatch.setattr(toys, "run_method", pytest.fail)  # nothing is run again
    toys.main()
    assert picture.read_text(encoding="utf-8") == text
