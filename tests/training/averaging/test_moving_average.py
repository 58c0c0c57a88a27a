"""The moving average against its sum, computed in float64."""

import pytest
import torch
from torch.nn import Parameter

from catscale.training.averaging.moving_average import MovingAverage


def walk(average: MovingAverage, parameters: dict[str, Parameter], steps: int) -> list[torch.Tensor]:
    """Values of the first parameter after each update."""
    seen = []
    for _ in range(steps):
        with torch.no_grad():
            for parameter in parameters.values():
                parameter.add_(torch.randn_like(parameter))
        average.update()
        seen.append(parameters["weight"].detach().double())
    return seen


def make() -> dict[str, Parameter]:
    torch.manual_seed(1)
    return {"weight": Parameter(torch.randn(3, 2)), "bias": Parameter(torch.randn(4))}


@pytest.mark.parametrize("decay", [0.5, 0.9, 0.9999])
def test_weights_fall_by_the_decay_and_sum_to_one(decay: float) -> None:
    parameters = make()
    average = MovingAverage(parameters, decay)
    for count in (1, 2, 7, 40):
        parameters = make()
        average = MovingAverage(parameters, decay)
        seen = walk(average, parameters, count)
        weights = torch.tensor([decay ** (count - 1 - i) for i in range(count)], dtype=torch.float64)
        expected = sum(w * value for w, value in zip(weights / weights.sum(), seen, strict=True))
        assert torch.allclose(average.values["weight"].double(), torch.as_tensor(expected), atol=1e-5)


def test_the_first_update_is_all_of_it_and_the_parameters_are_left_alone() -> None:
    parameters = make()
    average = MovingAverage(parameters, 0.999)
    walk(average, parameters, 1)
    before = {name: value.detach().clone() for name, value in parameters.items()}
    assert all(torch.equal(average.values[name], value) for name, value in before.items())
    average.update()
    assert all(torch.equal(parameters[name], value) for name, value in before.items())
    assert all(value.dtype == torch.float32 for value in average.values.values())


def test_it_goes_on_bit_for_bit() -> None:
    parameters = make()
    one, two = MovingAverage(parameters, 0.9), MovingAverage(parameters, 0.9)
    walk(one, parameters, 3)
    two.load_state_dict(one.state_dict())
    for _ in range(3):
        one.update()
        two.update()
    assert one.updates == two.updates == 6
    assert all(torch.equal(one.values[name], two.values[name]) for name in parameters)


@pytest.mark.parametrize(
    ("updates", "bias", "message"),
    [
        (1, None, "of other parameters"),
        ("1", torch.zeros(4), "of other parameters"),
        (1, torch.zeros(5), "average of bias is not finite, or not of its shape"),
        (1, torch.full((4,), torch.nan), "average of bias is not finite"),
    ],
)
def test_a_state_of_something_else_is_refused(updates: object, bias: torch.Tensor | None, message: str) -> None:
    means = {"weight": {"mean": torch.zeros(3, 2)}} | ({} if bias is None else {"bias": {"mean": bias}})
    with pytest.raises(ValueError, match=message):
        MovingAverage(make(), 0.9).load_state_dict({"updates": updates, "means": means})
