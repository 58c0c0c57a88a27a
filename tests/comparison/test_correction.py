import pytest
from hypothesis import given
from hypothesis import strategies as st

from catscale.comparison.correction import holm


def slowly(p_values):
    """Holm's procedure read literally: the smallest level at which each hypothesis is rejected."""
    corrected = []
    for p in p_values:
        levels = [
            (len(p_values) - sum(other < q for other in p_values)) * q for q in p_values if q <= p
        ]  # ties share the step of the first of them
        corrected.append(min(1.0, max(levels)))
    return corrected


@given(st.lists(st.integers(0, 20).map(lambda n: n / 20), max_size=8))
def test_against_a_slow_transcription(p_values):
    assert holm(p_values) == pytest.approx(slowly(p_values))


def test_a_known_answer():
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([]) == []
    assert holm([0.7]) == [0.7]
