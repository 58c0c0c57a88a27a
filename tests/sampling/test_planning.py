import pytest
import torch

from catscale.errors import ConfigError
from catscale.sampling.planning import choose_floor, keep_floor, plan_interval, require_planned


def test_the_interval_is_a_25th() -> None:
    assert [plan_interval(steps) for steps in (1, 49, 50, 2500)] == [1, 1, 2, 100]


@pytest.mark.parametrize(
    ("names", "answer"),
    [
        ("sampling.interval", "sampling.interval follows from the length of the training, .* here; give it, or call"),
        ("sampling.a and sampling.b", "sampling.a and sampling.b follow from .* here; give both, or call for_training"),
    ],
)
def test_what_is_not_planned_is_refused(names: str, answer: str) -> None:
    assert require_planned(3, names) == 3
    with pytest.raises(ConfigError, match=answer):
        require_planned(None, names)


def test_the_floor_keeps_the_ratios_to_a_tenth() -> None:
    first = torch.tensor([0.001, 0.999], dtype=torch.float64)
    assert choose_floor(None, first).item() == pytest.approx(1e-4)
    assert choose_floor(None, torch.tensor([0.5, 0.5], dtype=torch.float64)).item() == 1e-3
    assert choose_floor(0.1, first).item() == 0.1
    assert choose_floor(0.9, torch.ones(1, dtype=torch.float64)).item() == 0
    kept = keep_floor(first, torch.tensor(0.1, dtype=torch.float64))
    assert kept.tolist() == pytest.approx([0.1 + 0.8 * 0.001, 0.1 + 0.8 * 0.999])
    with pytest.raises(ConfigError, match=r"floor must be below 1/2 for 2 tasks, found 0.5; lower it, to 0.05"):
        choose_floor(0.5, first)
