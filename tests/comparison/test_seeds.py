"""What seeds change: known answers, and how often a difference that is none is called one."""

import numpy as np
import pytest
from scipy.stats import f_oneway, ttest_ind

from catscale.comparison.seeds import SeedNoise, judge, pool_seeds


def test_the_pooled_spread_is_that_of_an_analysis_of_variance():
    scores = [[60.1, 61.9, 60.7], [70.2, 71.1], [55.0]]
    found = pool_seeds(scores)
    assert found.freedom == 3
    means = [np.mean(of_method) for of_method in scores]
    overall = np.mean(np.concatenate(scores))
    between = sum(len(s) * (m - overall) ** 2 for s, m in zip(scores, means, strict=True))
    assert f_oneway(*scores).statistic == pytest.approx(between / 2 / found.std**2)
    assert pool_seeds([[1.0], [2.0]]) is None


def test_without_noise_over_sentences_it_is_the_t_test():
    ours, theirs = [70.9, 71.8, 71.2], [70.1, 70.4, 71.0]
    noise = pool_seeds([ours, theirs])
    p_value, (low, high) = judge(np.mean(ours) - np.mean(theirs), 0.0, noise, 3, 3)
    expected = ttest_ind(ours, theirs)
    assert p_value == pytest.approx(expected.pvalue)
    assert (low, high) == pytest.approx(tuple(expected.confidence_interval()))


def test_without_noise_over_seeds_it_is_the_normal_test():
    p_value, (low, high) = judge(1.0, 0.5, SeedNoise(0.0, 4), 3, 3)
    assert p_value == pytest.approx(0.0455, abs=1e-4)
    assert (low, high) == pytest.approx((0.02, 1.98), abs=1e-3)


@pytest.mark.parametrize(("difference", "p_value"), [(0.0, 1.0), (0.1, 0.0)])
def test_without_any_noise(difference, p_value):
    assert judge(difference, 0.0, SeedNoise(0.0, 2), 2, 2) == (p_value, (difference, difference))


@pytest.mark.parametrize("sentences", [0.1, 0.4, 1.5])
@pytest.mark.parametrize("seeds", [2, 3, 8])
def test_equal_methods_differ_in_one_case_of_twenty(seeds, sentences):
    """Seeds move scores by 1. Over sentences alone up to nine in ten differences would be called significant."""
    rng, tries = np.random.default_rng([seeds, round(10 * sentences)]), 4000
    scores = rng.normal(0, 1, (tries, 2, seeds))
    differences = scores[:, 0].mean(1) - scores[:, 1].mean(1) + rng.normal(0, sentences, tries)
    p_values = [
        judge(difference, sentences, pool_seeds(pair.tolist()), seeds, seeds)[0]
        for difference, pair in zip(differences, scores, strict=True)
    ]
    assert np.mean(np.array(p_values) < 0.05) == pytest.approx(0.05, abs=0.015)
    alone = np.mean(np.abs(differences) > 1.96 * sentences)
    assert alone > {0.1: 0.6, 0.4: 0.1, 1.5: 0.05}[sentences]
