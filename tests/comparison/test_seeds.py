"""What seeds change: known answers, and how often a difference that is none is called one."""

import numpy as np
import pytest
from scipy.stats import norm, ttest_ind
from scipy.stats import t as student

from catscale.comparison import seeds as module
from catscale.comparison.seeds import Seeds, judge
from tests.unchecked import unchecked

OURS, THEIRS = [70.9, 71.8, 71.2, 70.0], [70.1, 70.4, 71.0]


def compare(ours, theirs, sentence_std=0.0, single=0.0):
    """Judge two lists of scores."""
    difference = float(np.mean(ours) - np.mean(theirs))
    return judge(difference, sentence_std, Seeds.of(ours, single), Seeds.of(theirs, single))


def test_one_run_says_nothing_of_other_seeds():
    assert Seeds.of([70.0]) is None
    assert Seeds.of([1.0, 3.0, 8.0], 0.5) == Seeds(3, unchecked(pytest.approx(13.0)), 0.5)


def test_without_the_corrections_it_is_welchs_test(monkeypatch):
    monkeypatch.setattr(module, "EXTRA", 0.0)
    expected = ttest_ind(OURS, THEIRS, equal_var=False)
    p_value, ends = compare(OURS, THEIRS)
    assert p_value == pytest.approx(expected.pvalue)
    assert ends == pytest.approx(tuple(expected.confidence_interval()))


def test_with_the_corrections_it_is_the_formula():
    """A transcription, term by term."""
    shares = np.var(OURS, ddof=1) / 4, np.var(THEIRS, ddof=1) / 3
    common = 0.3**2 - 0.05 / 4 - 0.05 / 3
    freedom = sum(shares) ** 2 / (shares[0] ** 2 / 3.5 + shares[1] ** 2 / 2.5) - 0.5
    ratio = common / sum(shares)
    freedom += (freedom - 1) * ratio + ratio * ratio / 6
    std, difference = (common + sum(shares)) ** 0.5, np.mean(OURS) - np.mean(THEIRS)
    p_value, (low, high) = compare(OURS, THEIRS, 0.3, 0.05)
    assert p_value == pytest.approx(2 * student.sf(difference / std, freedom))
    half = student.ppf(0.975, freedom) * std
    assert (low, high) == pytest.approx((difference - half, difference + half))


@pytest.mark.parametrize(
    ("common", "seeds", "freedom"), [(0.0, 0.3, 1.0), (0.0, 0.3, 7.5), (0.2, 0.3, 1.4), (2.0, 1e-3, 2.5)]
)
@pytest.mark.parametrize("size", [0.1, 1.0, 3.0, 12.0])
def test_the_tail_of_a_normal_and_a_student_variable_together(common, seeds, freedom, size):
    """By numerical convolution: the chance that Student's part exceeds what the normal one leaves."""
    if common == 0:
        expected = 2 * student.sf(size / seeds**0.5, freedom)
    else:
        z = np.linspace(-12, 12, 200_001)
        outside = student.sf((size - common**0.5 * z) / seeds**0.5, freedom)
        outside += student.cdf((-size - common**0.5 * z) / seeds**0.5, freedom)
        expected = np.sum(outside * norm.pdf(z)) * (z[1] - z[0])
    assert module._p_of_sum(size, common, seeds, freedom) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize(("seeds", "ratio"), [(2, 1), (2, 5), (3, 5)])
def test_small_p_values_are_as_rare_as_they_say(seeds, ratio):
    """Holm's correction rests on them; t alone found p < 0.001 in 0.4% to 1.4% of equal methods."""
    scores, moved = draw(seeds, ratio, 0.3, 20_000)
    found = [
        judge(pair[0].mean() - pair[1].mean() + by, 0.3, Seeds.of(pair[0]), Seeds.of(pair[1]))[0] < 0.001
        for pair, by in zip(scores, moved, strict=True)
    ]
    assert np.mean(found) <= 0.0025  # Welch's test where sentences move nothing: 0.0007 and 0.0019 at a ratio of 5


def test_larger_differences_have_smaller_p_values():
    sizes = np.linspace(0, 6, 400)
    found = [judge(size, 0.3, Seeds(2, 0.01), Seeds(2, 0.02))[0] for size in sizes]
    assert (np.diff(found) <= 0).all()
    assert found[0] == 1
    assert found[-1] < 0.01


def test_the_sentences_share_of_a_single_run_counts_once():
    """Where sentences move runs one by one only, the seeds' spread holds all of it, and σ adds nothing."""
    single = 0.06
    sentence_std = (single / 4 + single / 3) ** 0.5
    (p_value, ends), (expected, bounds) = compare(OURS, THEIRS, sentence_std, single), compare(OURS, THEIRS)
    assert (p_value, *ends) == pytest.approx((expected, *bounds))
    assert compare(OURS, THEIRS, 0.5, single)[0] < compare(OURS, THEIRS, 0.5)[0]


def test_without_noise_over_seeds_it_is_the_normal_test():
    p_value, (low, high) = judge(1.0, 0.5, Seeds(3, 0.0), Seeds(3, 0.0))
    assert p_value == pytest.approx(0.0455, abs=1e-4)
    assert (low, high) == pytest.approx((0.02, 1.98), abs=1e-3)


@pytest.mark.parametrize(("difference", "p_value"), [(0.0, 1.0), (0.1, 0.0)])
def test_without_any_noise(difference, p_value):
    assert judge(difference, 0.0, Seeds(2, 0.0), Seeds(2, 0.0)) == (p_value, (difference, difference))


def draw(seeds, ratio, sentences, tries, effect=0.0):
    """Scores of two methods, and how sentences moved their difference; a seed moves a score by 1 on average."""
    rng = np.random.default_rng([seeds, ratio, round(10 * sentences)])
    stds = np.array([ratio, 1.0]) / np.sqrt((ratio**2 + 1) / 2)
    scores = rng.normal(0, stds[:, None], (tries, 2, seeds)) + np.array([effect, 0.0])[:, None]
    return scores, rng.normal(0, 1, tries) * sentences


@pytest.mark.parametrize(
    ("seeds", "ratio", "sentences"),
    [(2, 1, 0), (2, 1, 1), (2, 5, 0), (2, 5, 0.3), (3, 1, 1), (3, 2, 0.3), (3, 5, 0), (5, 1, 0.3), (5, 5, 1)],
)
def test_equal_methods_differ_in_one_case_of_twenty(seeds, ratio, sentences):
    """The corners of the whole table of `benchmarks/significance.py`."""
    scores, moved = draw(seeds, ratio, sentences, 8000)
    found = [
        judge(pair[0].mean() - pair[1].mean() + by, sentences, Seeds.of(pair[0]), Seeds.of(pair[1]))[0] < 0.05
        for pair, by in zip(scores, moved, strict=True)
    ]
    assert 0.03 <= np.mean(found) <= 0.07


@pytest.mark.parametrize(("seeds", "effect"), [(3, 1.0), (3, 2.0), (5, 1.0), (5, 2.0)])
@pytest.mark.parametrize("ratio", [1, 2, 5])
def test_differences_are_found_as_often_as_by_welchs_test(seeds, effect, ratio):
    scores, _ = draw(seeds, ratio, 0.0, 4000, effect)
    found = [compare(*pair)[0] < 0.05 for pair in scores]
    welch = ttest_ind(scores[:, 0], scores[:, 1], axis=1, equal_var=False).pvalue < 0.05
    assert np.mean(found) == pytest.approx(np.mean(welch), abs=0.03)
    assert np.mean(found) >= np.mean(welch)
