"""The scaling law: its gradient against differences, and laws found again."""

import numpy as np
import pytest

from catscale.sampling.scaling_law import fit_law, measure_misfit, predict

STEPS = np.arange(100, 2000, 50.0)


def test_the_gradient_is_that_of_differences() -> None:
    losses = np.exp(predict(np.array([1.5, 0.4, 0.2]), STEPS)) * np.linspace(0.98, 1.03, len(STEPS))
    law = np.array([1.2, 0.35, 0.3])
    value, gradient = measure_misfit(law, STEPS, losses)
    differences = np.log(np.exp(law[2]) + np.exp(law[0]) * STEPS ** -law[1]) - np.log(losses)
    slow = [0.5 * d**2 if abs(d) <= 1e-3 else 1e-3 * (abs(d) - 5e-4) for d in differences]
    assert value == pytest.approx(sum(slow) / len(slow) / 1e-3, rel=1e-9)
    for place in range(3):
        step = np.eye(3)[place] * 1e-6
        rise = (measure_misfit(law + step, STEPS, losses)[0] - measure_misfit(law - step, STEPS, losses)[0]) / 2e-6
        assert gradient[place] == pytest.approx(rise, rel=1e-4)


@pytest.mark.parametrize("law", [(2.0, 0.4, 0.2), (1.0, 0.6, -2.0)])
def test_a_law_is_found_again(law: tuple[float, float, float]) -> None:
    losses = np.exp(predict(np.array(law), STEPS))
    losses[[3, 7]] = np.nan
    losses[5] *= 3  # one that is far off counts little
    assert fit_law(STEPS, losses) == pytest.approx(law, abs=0.02)


def test_few_losses_make_no_law() -> None:
    losses = np.full(len(STEPS), np.nan)
    losses[:4] = 2.0
    losses[4] = -1.0
    assert np.isnan(fit_law(STEPS, losses)).all()
