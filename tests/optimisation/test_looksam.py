"""LookSAM: a slow transcription, how often it looks, and what it keeps."""

import copy
from typing import Any

import pytest
import torch

from catscale.errors import ConfigError, DivergedError
from catscale.optimisation.adamw import AdamW
from catscale.optimisation.check_bowl import Bowl
from catscale.optimisation.checks import bits, follow, state_bits
from catscale.optimisation.looksam import SLOT, LookSAM
from catscale.optimisation.sam import SAM
from tests.optimisation.quadratic import HESSIAN, Quadratic, Transcript


def look(**settings: Any) -> LookSAM:
    return LookSAM(**{"from": 0.0, **settings})


def test_steps_follow_the_paper_s_algorithm() -> None:
    """Twenty updates with k = 3 against a transcription in float64."""
    settings, descent, slow = look(rho=0.3, every=3, **Transcript.SETTINGS), Quadratic(), Transcript()
    optimizer = settings.build(descent.named)
    across = torch.zeros(2, dtype=torch.float64)
    for step in range(1, 21):
        settings.take(optimizer, descent, step)
        g = HESSIAN * slow.theta
        if step % 3 == 1:
            sharp = HESSIAN * (slow.theta + 0.3 * g / g.norm())
            cosine = torch.dot(sharp, g) / (sharp.norm() * g.norm())
            across = sharp - sharp.norm() * cosine * g / g.norm()
            slow.move(sharp, step)
        else:
            slow.move(g + 0.7 * g.norm() / across.norm() * across, step)
        torch.testing.assert_close(descent.theta, slow.theta, rtol=1e-6, atol=1e-9)
        torch.testing.assert_close(optimizer.state[descent.named["theta"]][SLOT], across, rtol=1e-6, atol=1e-9)
    assert len(descent.gradients) == 20 + 7


def test_what_is_kept_is_across_the_gradient() -> None:
    descent, settings = Quadratic(), look(rho=0.1)
    optimizer = settings.build(descent.named)
    settings.take(optimizer, descent, 1)
    first, second = descent.gradients
    kept = optimizer.state[descent.named["theta"]][SLOT]
    assert torch.dot(kept, first).item() == pytest.approx(0, abs=1e-12)
    assert (second - kept).tolist() == pytest.approx((torch.dot(second, first) / 82 * first).tolist())


def test_it_looks_once_in_k_steps_from_the_first_late_one() -> None:
    settings = LookSAM().for_training(40)
    looked = [step for step in range(35, 47) if settings.is_measured(step)]
    assert looked == [35, 40, 45]


def test_k_of_one_is_sam_and_a_share_of_nothing_adamw_in_between() -> None:
    """Bit for bit."""
    one, two = Bowl(), Bowl()
    given: dict[str, Any] = {"from": 0.0}
    follow(SAM(**given), one)
    follow(look(every=1), two)
    assert bits(one.named) == bits(two.named)
    plain, none = Bowl(), Bowl()
    follow(AdamW(), plain)
    follow(look(rho=0.0, alpha=0.0), none)
    assert bits(plain.named) == bits(none.named)


def test_until_it_begins_steps_and_state_are_adamw_s_bit_for_bit() -> None:
    plain, late = Bowl(), Bowl()
    _, one = follow(AdamW(), plain, 34)
    _, two = follow(LookSAM(), late, 34)
    assert (bits(plain.named), state_bits(one, plain.named)) == (bits(late.named), state_bits(two, late.named))
    follow(LookSAM(), late, 6, two, first=35)
    assert late.calls == 34 + 6 + 2


def test_a_parameter_that_comes_late_has_no_part_yet() -> None:
    """Every state has the same parts, as checkpoints need it; a parameter without a gradient keeps nothing of old."""
    bowl = Bowl()
    settings = look(every=4)
    _, optimizer = follow(settings, bowl, 2)
    bowl.named["unused"].grad = torch.tensor([1.0, 2.0])
    settings.take(optimizer, bowl, 3)
    late = bowl.named["unused"]
    assert late in optimizer.state
    assert not optimizer.state[late][SLOT].any()
    follow(settings, bowl, 2, optimizer, first=4)
    assert not optimizer.state[late][SLOT].any()
    assert optimizer.state[bowl.named["first"]][SLOT].any()


class Flat(Quadratic):
    """A descent whose gradient is 0."""

    def __call__(self) -> float:
        self.named["theta"].grad = torch.zeros(2, dtype=torch.float64)
        return 0.0


def test_a_gradient_of_zero_is_no_error() -> None:
    settings, descent = look(every=2), Flat()
    optimizer = settings.build(descent.named)
    for step in (1, 2, 3):
        settings.take(optimizer, descent, step)
    assert descent.theta.isfinite().all()
    assert not optimizer.state[descent.named["theta"]][SLOT].any()


def test_what_is_kept_is_saved_and_read_back_and_the_steps_go_on_as_if_nothing_had_been() -> None:
    """Saved between two looks: the step after needs the g_v of before."""
    settings, whole = look(rho=0.3, every=4), Quadratic()
    optimizer = settings.build(whole.named)
    for step in (1, 2):
        settings.take(optimizer, whole, step)
    again, forgetful = (copy.deepcopy(whole) for _ in range(2))
    other, third = settings.build(again.named), settings.build(forgetful.named)
    for found in (other, third):
        found.load_state_dict(copy.deepcopy(optimizer.state_dict()))
    del third.state[forgetful.named["theta"]][SLOT]
    for step in (3, 4):
        for one, descent in ((optimizer, whole), (other, again), (third, forgetful)):
            settings.take(one, descent, step)
    assert torch.equal(whole.theta, again.theta)
    assert not torch.equal(whole.theta, forgetful.theta)


def test_a_second_descent_that_fails_keeps_the_point_and_the_part_of_before() -> None:
    class Failing(Quadratic):
        fails = False

        def repeat(self) -> None:
            if self.fails:
                raise DivergedError("the loss is not finite there")
            super().repeat()

    settings, descent = look(rho=0.3, every=2), Failing()
    optimizer = settings.build(descent.named)
    for step in (1, 2):
        settings.take(optimizer, descent, step)
    theta, kept = descent.theta.clone(), optimizer.state[descent.named["theta"]][SLOT].clone()
    descent.fails = True
    with pytest.raises(DivergedError, match="not finite there"):
        settings.take(optimizer, descent, 3)
    assert torch.equal(descent.theta, theta)
    assert torch.equal(optimizer.state[descent.named["theta"]][SLOT], kept)


@pytest.mark.parametrize(("given", "key"), [({"every": 0}, "every"), ({"alpha": -0.1}, "alpha"), ({"rho": -1}, "rho")])
def test_settings_out_of_bounds_are_refused(given: dict[str, float], key: str) -> None:
    with pytest.raises(ConfigError, match=rf"LookSAM\.{key}: "):
        look(**given)
