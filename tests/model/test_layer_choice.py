"""The choice of layers: its logits, what is used, and what is probable."""

import pytest
import torch

from catscale.model.layer_choice import LayerChoice, draw


def make() -> LayerChoice:
    choice = LayerChoice(["fr", "az"], 3, start=2.0, rate=10.0)
    with torch.no_grad():
        choice.rows["az"].copy_(torch.tensor([0.1, -0.2, 0.3]))
    return choice


def test_logits_are_the_parameters_times_the_rate_in_the_order_of_the_languages() -> None:
    choice = make()
    assert choice.languages == ["az", "fr"]
    torch.testing.assert_close(choice.logits("az"), torch.tensor([[1.0, -2, 3], [2, 2, 2]]))
    assert choice.rows["fr"].tolist() == pytest.approx([0.2] * 3)


def test_only_the_row_of_the_language_has_a_graph_and_moves_at_the_rate() -> None:
    choice = make()
    torch.autograd.backward(choice.logits("fr").sum())
    assert choice.rows["az"].grad is None
    gradient = choice.rows["fr"].grad
    assert gradient is not None
    assert gradient.tolist() == [10, 10, 10]


def test_layers_are_used_above_one_half() -> None:
    choice = make()
    assert (choice.used("az"), choice.used("fr")) == ([0, 2], [0, 1, 2])
    assert choice.probabilities("az") == pytest.approx(torch.tensor([1.0, -2, 3]).sigmoid().tolist())


@pytest.mark.parametrize("temperature", [0.5, 5.0, 50.0])
def test_the_temperature_softens_samples_and_leaves_hard_ones_as_they_are(temperature: float) -> None:
    logits = torch.zeros(200, 5)
    torch.manual_seed(4)
    soft = draw(logits, temperature, False)
    torch.manual_seed(4)
    hard = draw(logits, temperature, True)
    assert hard.equal((soft > 0.5).float())
    torch.manual_seed(4)
    assert hard.equal(draw(logits, 1.0, True))
    assert ((soft - 0.5).abs().mean() < 0.2).item() == (temperature > 1)
