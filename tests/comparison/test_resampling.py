"""Resampling against slow transcriptions and sacreBLEU's `PairedTest`, and its false-positive rates."""

from typing import Any

import numpy as np
import pytest
from sacrebleu.metrics import BLEU, CHRF
from sacrebleu.significance import PairedTest

from catscale.comparison import resampling
from catscale.comparison.resampling import (
    bootstrap,
    interval,
    p_randomisation,
    p_sacrebleu,
    p_two_sided,
    randomise,
)
from catscale.evaluation.metrics.bleu import Bleu
from catscale.evaluation.metrics.chrf import Chrf
from tests.comparison.corpora import measure, nll_statistics, references, translate

KNOWN = references(150)
SEEDS = 8


def measure_both(*runs):
    return [measure(Bleu(), runs, KNOWN), measure(Chrf(), runs, KNOWN)]


@pytest.fixture(scope="module")
def close():
    """Two runs whose difference may or may not be real."""
    return translate(KNOWN, 0.50, 1), translate(KNOWN, 0.56, 2)


@pytest.mark.parametrize(("kind", "resamples"), [("bs", 1000), ("ar", 1000)])
def test_the_p_values_are_those_of_paired_test(close, kind, resamples, monkeypatch):
    """Averaged over seeds, within four standard errors of Monte Carlo."""
    statistics = measure_both(*close)
    expected: dict[str, list[float]] = {"BLEU": [], "chrF2": []}
    found: dict[str, list[float]] = {"BLEU": [], "chrF2": []}
    for seed in range(1, SEEDS + 1):
        monkeypatch.setenv("SACREBLEU_SEED", str(seed))
        systems = [("a", close[0]), ("b", close[1])]
        _, scores = PairedTest(systems, {"BLEU": BLEU(), "chrF2": CHRF()}, [KNOWN], kind, resamples)()
        rng = np.random.default_rng(seed)
        drawn: list[Any] = (
            bootstrap(statistics, [[0], [1]], rng, resamples)
            if kind == "bs"
            else randomise(statistics, [[(1, 0)]], rng, resamples)
        )
        drawn = [getattr(each, "draws", each) for each in drawn]
        for name, measured, draws in zip(expected, statistics, drawn, strict=True):
            observed = float(np.subtract(*measured.corpus_scores()[::-1]))
            assert observed == pytest.approx(scores[name][1].score - scores[name][0].score, rel=1e-9)
            expected[name].append(scores[name][1].p_value)
            if kind == "bs":
                found[name].append(p_sacrebleu(draws[:, 1] - draws[:, 0], observed))
            else:
                found[name].append(p_randomisation(draws[:, 0], observed))
    for name, values in expected.items():
        p = np.mean(values)
        assert 0.002 < p < 0.5, "the runs must be neither equal nor worlds apart"
        error = np.sqrt(2 * p * (1 - p) / (SEEDS * resamples))
        assert np.mean(found[name]) == pytest.approx(p, abs=4 * error), name


def test_bootstrap_against_a_slow_transcription(close, monkeypatch):
    """Seeds pooled: a method's score is the mean of its runs', on the same sentences; blocks change nothing."""
    runs = [*close, translate(KNOWN, 0.4, 3)]
    statistics, rng = measure_both(*runs), np.random.default_rng(5)
    drawn = rng.integers(150, size=(7, 150))
    found = bootstrap(statistics, [[0, 2], [1]], np.random.default_rng(5), 7)
    for measured, resampled in zip(statistics, found, strict=True):
        apart = []
        for b, places in enumerate(drawn):
            singles = [float(measured.score(run[places].sum(0))) for run in measured.values]
            expected = [(singles[0] + singles[2]) / 2, singles[1]]
            assert resampled.draws[b] == pytest.approx(expected, rel=1e-12)
            apart.append(singles[0] - singles[2])
        assert resampled.within == pytest.approx([np.var(apart) / 2, 0.0])  # of two runs, half their difference's
    monkeypatch.setattr(resampling, "CELLS", 2 * 150)
    again = bootstrap(statistics, [[0, 2], [1]], np.random.default_rng(5), 7)
    assert all((a.draws == b.draws).all() for a, b in zip(found, again, strict=True))


def test_randomisation_against_a_slow_transcription(close):
    """Sentences change sides in all pairs of seeds at once."""
    runs = [*close, translate(KNOWN, 0.4, 3), translate(KNOWN, 0.45, 4)]
    statistics, kept = measure_both(*runs), np.random.default_rng(5).integers(2, size=(5, 150)).astype(bool)
    found = randomise(statistics, [[(0, 1), (2, 3)]], np.random.default_rng(5), 5)
    for measured, differences in zip(statistics, found, strict=True):
        for b, mask in enumerate(kept[:, :, None]):
            pairs = []
            for ours, theirs in ((0, 1), (2, 3)):
                x, y = measured.values[ours], measured.values[theirs]
                pairs.append(measured.score(np.where(mask, x, y).sum(0)) - measured.score(np.where(mask, y, x).sum(0)))
            assert differences[b, 0] == pytest.approx(np.mean(pairs), rel=1e-9)


def test_identical_runs_are_never_significant(close):
    statistics = measure_both(close[0], close[0])
    for resampled in bootstrap(statistics, [[0], [1]], np.random.default_rng(1), 200):
        draws = resampled.draws
        assert p_two_sided(draws[:, 1] - draws[:, 0], 0.0) == 1
        assert p_sacrebleu(draws[:, 1] - draws[:, 0], 0.0) == 1
    for differences in randomise(statistics, [[(1, 0)]], np.random.default_rng(1), 200):
        assert p_randomisation(differences[:, 0], 0.0) == 1


def exchangeable(repetitions, seed):
    """Runs that differ by chance alone: each sentence's two translations are dealt out at random."""
    rng = np.random.default_rng(seed)
    statistics = measure_both(translate(KNOWN, 0.45, 1), translate(KNOWN, 0.6, 2))
    for _ in range(repetitions):
        dealt = rng.integers(2, size=150).astype(bool)[:, None]
        pair = [type(s)(s.metric, np.stack([np.where(dealt, *s.values), np.where(dealt, *s.values[::-1])]), s.score)
                for s in statistics]  # fmt: skip
        yield rng, pair


def test_the_false_positive_rate_is_the_nominal_one():
    """Of 600 true null hypotheses 5% are rejected at 5%, within four standard errors; sacreBLEU's p rejects more."""
    rejected = {"two-sided": np.zeros(2), "randomisation": np.zeros(2), "sacrebleu": np.zeros(2)}
    for rng, pair in exchangeable(600, seed=3):
        drawn, exchanged = bootstrap(pair, [[0], [1]], rng, 300), randomise(pair, [[(0, 1)]], rng, 300)
        for i, measured in enumerate(pair):
            observed = float(np.subtract(*measured.corpus_scores()))
            differences = drawn[i].draws[:, 0] - drawn[i].draws[:, 1]
            rejected["two-sided"][i] += p_two_sided(differences, observed) < 0.05
            rejected["sacrebleu"][i] += p_sacrebleu(differences, observed) < 0.05
            rejected["randomisation"][i] += p_randomisation(exchanged[i][:, 0], observed) < 0.05
    rates = {name: counts / 600 for name, counts in rejected.items()}
    error = np.sqrt(0.05 * 0.95 / 600)
    assert np.all(np.abs(rates["two-sided"] - 0.05) < 4 * error), rates
    assert np.all(np.abs(rates["randomisation"] - 0.05) < 4 * error), rates
    assert np.all(rates["sacrebleu"] > 0.05 + 3 * error), rates  # what `p_two_sided` is there for


def test_the_rate_holds_for_an_average_of_pooled_seeds():
    """Three directions, two seeds a method: differences of the average, each direction resampled on its own."""
    rng, rejected = np.random.default_rng(11), 0
    for _ in range(500):
        draws, observed = np.zeros(200), 0.0
        for _ in range(3):
            tokens = rng.integers(1, 9, 60).astype(float)
            sentence = rng.gamma(2, 1, 60)  # difficulty, shared by all runs
            nats = tokens * sentence * rng.gamma(20, 1 / 20, (4, 60))
            measured = nll_statistics([np.stack([run, tokens], 1) for run in nats])
            (drawn,) = bootstrap([measured], [[0, 1], [2, 3]], rng, 200)
            scores = measured.corpus_scores()
            draws, observed = (
                draws + drawn.draws[:, 0] - drawn.draws[:, 1],
                observed + scores[:2].mean() - scores[2:].mean(),
            )
        rejected += p_two_sided(draws / 3, observed / 3) < 0.05
    assert rejected / 500 == pytest.approx(0.05, abs=4 * np.sqrt(0.05 * 0.95 / 500))


def test_a_real_difference_is_found_whatever_the_seed_of_the_resampling():
    statistics = measure_both(translate(KNOWN, 0.45, 1), translate(KNOWN, 0.6, 2))
    for seed in range(20):
        for resampled in bootstrap(statistics, [[0], [1]], np.random.default_rng(seed), 500):
            differences = resampled.draws[:, 1] - resampled.draws[:, 0]
            assert p_two_sided(differences, float(differences.mean())) < 0.01
            low, high = interval(differences)
            assert 0 < low < differences.mean() < high


def test_the_interval_holds_95_percent():
    assert interval(np.arange(1001.0)) == (25.0, 975.0)
