"""Adaptive data optimisation: what its parts are, step by step, and when it fits."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from catscale.errors import ConfigError
from catscale.sampling import ADO, Sampler
from catscale.sampling.ado import ADOState, _keep, _mix
from catscale.sampling.scaling_law import KEPT

SIZES = {"en-az": 10, "en-be": 30, "en-fr": 60}


def state_of(sampler: Sampler) -> ADOState:
    assert isinstance(sampler.state, ADOState)
    return sampler.state


def test_a_slow_transcription_of_the_mixture() -> None:
    state = state_of(Sampler(ADO(interval=1), SIZES))
    law = [(2.0, 0.4, 0.1), (1.0, 0.02, -0.5), (0.5, 0.8, 0.3)]
    state = replace(state, law=torch.tensor(law, dtype=torch.float64))
    mu, h, mean = [0.1, 0.3, 0.6], [0.1, 0.3, 0.6], [0.0, 0.0, 0.0]
    for number in range(1, 6):
        k = 100 * number
        state = _mix(state, k)
        losses = [math.exp(e) + math.exp(a) * k**-c for a, c, e in law]
        slopes = [max(c, 0.05) * (loss - math.exp(e)) / k for (a, c, e), loss in zip(law, losses, strict=True)]
        rho = [s * m * math.sqrt(one) for s, m, one in zip(slopes, mu, h, strict=True)]
        rho = [max(value / sum(rho), 0.01) for value in rho]
        rho = [value / sum(rho) for value in rho]
        mean = [(old * (number - 1) + new) / number for old, new in zip(mean, rho, strict=True)]
        p = [0.9 * old + 0.1 * new for old, new in zip(mean, rho, strict=True)]
        h = [0.9 * old + 0.1 * new for old, new in zip(h, p, strict=True)]
        assert state.shares.tolist() == pytest.approx(p, rel=1e-10)


def test_until_the_first_fit_the_prior_is_drawn_and_then_what_falls_fastest() -> None:
    """en-az falls by k^(−0.8), the others hardly: its share grows; the fit comes at the refit after the warm-up."""
    method = ADO(interval=2, warm_up=20, refit=30, temperature=1e9)
    sampler, shares = Sampler(method, SIZES), []
    for k in range(2, 92, 2):
        sampler.update({"en-az": 1 + 9 * k**-0.7, "en-be": 2 + 0.5 * k**-0.3, "en-fr": 1 + 0.2 * k**-0.5})
        shares.append(sampler.probabilities(1).tolist())
    first = next(number for number, row in enumerate(shares) if row != shares[0])
    assert 2 * (first + 1) == 30
    assert shares[-1][0] > 0.6
    a, c, e = state_of(sampler).law[0].tolist()
    assert (math.exp(a), c, math.exp(e)) == pytest.approx((9, 0.7, 1), rel=0.05)


def test_a_task_of_few_losses_waits() -> None:
    sampler = Sampler(ADO(interval=1, warm_up=0, refit=10), SIZES)
    for k in range(1, 41):
        sampler.update({"en-az": 1 + 1 / k, "en-be": 1 + 1 / k} | ({"en-fr": 2.0} if k > 33 else {}))
        is_known = not bool(state_of(sampler).law.isnan().any())
        assert is_known == (k >= 40)


def test_a_full_list_keeps_every_second_loss() -> None:
    state = state_of(Sampler(ADO(interval=1), {"en-az": 1}))
    for number in range(2 * KEPT + 10):
        state = _keep(state, torch.tensor([float(number)], dtype=torch.float64))
    seen, kept, stride, _ = state.counts.tolist()
    assert seen == 2 * KEPT + 10
    known = state.losses[0, :kept].numpy()
    assert np.array_equal(known, np.arange(kept) * stride)
    assert bool(state.losses[0, kept:].isnan().all())


def test_steps_follow_from_the_training() -> None:
    found = ADO().for_training(5000)
    assert (found.interval, found.warm_up, found.refit) == (10, 500, 250)
    found = ADO().for_training(100)
    assert (found.interval, found.warm_up, found.refit) == (1, 10, 5)
    found = ADO(interval=3, warm_up=0, refit=4).for_training(100)
    assert (found.interval, found.warm_up, found.refit) == (3, 0, 4)
    with pytest.raises(ConfigError, match=r"sampling.interval and sampling.refit follow from the length"):
        _ = ADO().request


def test_where_nothing_falls_any_more_the_prior_is_preferred() -> None:
    state = state_of(Sampler(ADO(interval=1), SIZES))
    flat = replace(state, law=torch.tensor([[-2000.0, 0.5, 0.1]] * 3, dtype=torch.float64))
    assert _mix(flat, 10).shares.tolist() == pytest.approx([0.1, 0.3, 0.6], rel=1e-12)


@pytest.mark.parametrize(("count", "least"), [(3, 0.01), (200, 0.0025)])
def test_no_preference_falls_below_a_hundredth_or_half_an_even_share(count: int, least: float) -> None:
    state = state_of(Sampler(ADO(interval=1), {f"en-{n}": 1 for n in range(count)}))
    law = torch.tensor([[-9.0, 0.5, 0.1]] * count, dtype=torch.float64)
    law[0, 0] = 6.0
    shares = _mix(replace(state, law=law), 10).shares
    first = 1 / (1 + (count - 1) * least)  # of a preference near 1, before the sum is made 1
    assert shares[0].item() == pytest.approx(first, rel=1e-3)
    assert shares[1:].tolist() == pytest.approx([first * least] * (count - 1), rel=1e-3)


def test_losses_of_the_warm_up_do_not_enter_the_law() -> None:
    one, two = (Sampler(ADO(interval=1, warm_up=20, refit=40), {"en-az": 1, "en-fr": 3}) for _ in range(2))
    for k in range(1, 41):
        losses = {"en-az": 1 + 3 * k**-0.5, "en-fr": 0.5 + 2 * k**-0.3}
        one.update(losses)
        two.update(losses if k > 20 else dict.fromkeys(losses, 40.0 - k))
    assert not bool(state_of(one).law.isnan().any())
    assert torch.equal(state_of(one).law, state_of(two).law)
    assert one.probabilities(1).tolist() == two.probabilities(1).tolist()
    assert not torch.equal(state_of(one).losses.nan_to_num(), state_of(two).losses.nan_to_num())
