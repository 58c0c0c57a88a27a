"""SAM: the known answers of a quadratic, a slow transcription, and where it begins."""

from typing import Any

import pytest
import torch
from torch.nn import Parameter

from catscale.errors import ConfigError, DivergedError
from catscale.optimisation.adamw import AdamW
from catscale.optimisation.check_bowl import Bowl
from catscale.optimisation.checks import bits, follow, state_bits
from catscale.optimisation.moved import moved
from catscale.optimisation.sam import SAM
from catscale.optimisation.table import OPTIMIZERS
from tests.optimisation.quadratic import HESSIAN, Quadratic, Transcript


def sam(**settings: Any) -> SAM:
    return SAM(**{"from": 0.0, **settings})


def test_the_gradient_at_the_worst_point_of_a_quadratic() -> None:
    descent = Quadratic()
    settings = sam(rho=0.1)
    settings.take(settings.build(descent.named), descent, 1)
    first, second = descent.gradients
    assert first.tolist() == [1, 9]
    assert second.tolist() == pytest.approx([1.011043, 9.894495], abs=1e-6)
    assert (second - first).tolist() == pytest.approx([0.011043, 0.894495], abs=1e-6)


def test_the_step_is_adamw_s_on_the_second_gradient_clipped() -> None:
    """Twenty updates against a transcription in float64."""
    settings, descent, slow = sam(rho=0.3, **Transcript.SETTINGS), Quadratic(), Transcript()
    optimizer = settings.build(descent.named)
    for step in range(1, 21):
        settings.take(optimizer, descent, step)
        g = HESSIAN * slow.theta
        slow.move(HESSIAN * (slow.theta + 0.3 * g / (g.norm() + 1e-12)), step)
        torch.testing.assert_close(descent.theta, slow.theta, rtol=1e-6, atol=1e-9)


def test_without_a_radius_it_is_adamw_bit_for_bit() -> None:
    plain, flat = Bowl(), Bowl()
    assert follow(AdamW(), plain)[0] == follow(sam(rho=0.0), flat)[0]
    assert bits(plain.named) == bits(flat.named)
    assert flat.calls == 2 * plain.calls


@pytest.mark.parametrize(
    ("share", "total", "plain"),
    [(0.85, 40, 34), (0.85, 24, 20), (0.29, 100, 29), (1.0, 9, 9), (0.0, 9, 0), (0.5, 5, 2)],
)
def test_it_begins_after_its_share_of_the_training(share: float, total: int, plain: int) -> None:
    settings = sam(**{"from": share}).for_training(total)
    assert [settings.is_sharp(step) for step in range(1, total + 1)] == [False] * plain + [True] * (total - plain)
    assert settings.is_sharp(total + 1)


def test_until_then_steps_are_adamw_s_bit_for_bit() -> None:
    plain, late = Bowl(), Bowl()
    _, one = follow(AdamW(), plain, 34)
    _, two = follow(SAM(), late, 34)
    assert (bits(plain.named), state_bits(one, plain.named)) == (bits(late.named), state_bits(two, late.named))
    assert late.calls == 34
    follow(SAM(), late, 6, two, first=35)
    assert late.calls == 34 + 2 * 6


def climb(parameters: list[Parameter], rho: float) -> list[torch.Tensor]:
    """Return how far SAM moves each parameter, by the gradients that are there."""
    before = [parameter.detach().clone() for parameter in parameters]
    with moved(parameters, *sam(rho=rho).climb(parameters)):
        found = [p.detach() - b for p, b in zip(parameters, before, strict=True)]
    assert all(torch.equal(p, b) for p, b in zip(parameters, before, strict=True))
    return found


def test_the_point_is_restored_bit_for_bit() -> None:
    generator = torch.Generator().manual_seed(3)
    parameters = [Parameter(torch.randn(50, generator=generator)) for _ in range(3)]
    parameters[0].grad = torch.randn(50, generator=generator)
    parameters[1].grad = torch.randn(50, generator=generator)
    steps = torch.cat(climb(parameters, 0.05))
    assert steps.norm().item() == pytest.approx(0.05, rel=1e-4)
    assert steps[:100].all()
    assert not steps[100:].any()  # the one without a gradient


def test_a_gradient_of_zero_climbs_nowhere() -> None:
    parameter = Parameter(torch.ones(3))
    parameter.grad = torch.zeros(3)
    assert not climb([parameter], 0.5)[0].any()


def test_a_gradient_that_is_not_finite_climbs_nowhere() -> None:
    parameter = Parameter(torch.ones(2))
    parameter.grad = torch.tensor([1.0, float("inf")])
    with pytest.raises(DivergedError, match="the combined gradient has norm inf"):
        climb([parameter], 0.5)
    assert parameter.tolist() == [1, 1]


def test_its_length_is_planned_where_it_begins_late() -> None:
    assert SAM().for_training(200).total_steps == 200
    assert sam().for_training(200).total_steps is None
    assert sam(schedule="cosine").for_training(200).total_steps == 200
    with pytest.raises(ConfigError, match=r"optimizer\.total_steps follows from the length of the training"):
        SAM().is_sharp(3)


def test_parameters_of_16_bits_are_refused() -> None:
    named = {"a": Parameter(torch.ones(2)), "b": Parameter(torch.ones(2, dtype=torch.bfloat16))}
    with pytest.raises(ConfigError, match=r"sam needs parameters of 32 bits or more, found b in torch\.bfloat16"):
        SAM().build(named)


def test_its_settings_are_written_as_they_are_read() -> None:
    written = sam(**{"from": 0.5}, rho=0.1).model_dump(mode="json")
    assert (written["from"], written["rho"], "start" in written) == (0.5, 0.1, False)
    assert OPTIMIZERS["sam"](**written) == sam(**{"from": 0.5}, rho=0.1)
    with pytest.raises(ConfigError, match=r"SAM\.from: input should be less than or equal to 1, found 1\.5"):
        sam(**{"from": 1.5})
    with pytest.raises(ConfigError, match=r"SAM\.start: unknown key"):
        sam(start=0.5)
    with pytest.raises(ConfigError, match=r"SAM\.fron: unknown key; did you mean from\?"):
        sam(fron=0.5)
