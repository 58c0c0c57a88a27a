"""Statistics and scores against sacreBLEU's own, on text that is awkward."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sacrebleu.metrics import BLEU, CHRF, TER

from catscale.comparison.corpus_scores import bleu_scores, chrf_scores, nll_scores
from catscale.comparison.sentence_statistics import bleu_statistics, chrf_statistics, nll_statistics, ter_statistics
from catscale.evaluation.config import EvaluationConfig
from catscale.evaluation.metrics.scoring import count_edits, score
from tests.comparison.corpora import references, translate

AWKWARD = [
    "", ".", "(hi) 'quoted' e.g. 3,000.5 $5", "猫が好き です。", "a a a a a a", "tab\tand\u00a0space", "İstanbul'da 😀",
    "&quot;escaped&quot; &amp; -- dash-ed", "same words same words",
]  # fmt: skip
TEXTS = st.lists(st.sampled_from(AWKWARD) | st.text("ab .,(é猫", max_size=12), min_size=4, max_size=4)


def counts_of(metric, hypotheses, references):
    return np.array(metric._extract_corpus_statistics(hypotheses, [references]), dtype=np.float64)


@settings(max_examples=60, deadline=None)
@given(TEXTS, TEXTS, TEXTS, st.sampled_from(["13a", "intl", "zh", "char", "none"]))
def test_bleu_s_statistics_are_sacrebleu_s(one, two, known, tokenizer):
    found = bleu_statistics([one, two], known, tokenizer)
    metric = BLEU(tokenize=tokenizer)
    for row, run in zip(found.values, (one, two), strict=True):
        assert (row == counts_of(metric, run, known)).all()
    expected = [metric.corpus_score(run, [known]).score for run in (one, two)]
    assert found.corpus_scores() == pytest.approx(expected, rel=1e-12, abs=1e-12)


@settings(max_examples=60, deadline=None)
@given(TEXTS, TEXTS, TEXTS, st.sampled_from([0, 2]))
def test_chrf_s_statistics_are_sacrebleu_s(one, two, known, word_order):
    found = chrf_statistics([one, two], known, word_order)
    metric = CHRF(word_order=word_order)
    for row, run in zip(found.values, (one, two), strict=True):
        assert (row == counts_of(metric, run, known)).all()
    expected = [metric.corpus_score(run, [known]).score for run in (one, two)]
    assert found.corpus_scores() == pytest.approx(expected, rel=1e-12, abs=1e-12)


def test_scores_and_signatures_are_those_of_evaluate():
    known = references(80)
    run = translate(known, 0.5, 1)
    expected = score(run, known, "fr", EvaluationConfig())
    for found in (bleu_statistics([run], known, "13a"), chrf_statistics([run], known, 0)):
        assert found.corpus_scores()[0] == pytest.approx(expected[found.metric]["score"], rel=1e-12)
        assert found.signature == expected[found.metric]["signature"]


@pytest.mark.parametrize("size", [1, 2, 5, 60])
def test_scores_of_random_subsets_are_sacrebleu_s(size):
    """Small subsets have orders without matches, or without n-grams."""
    known = references(60)
    run, rng = translate(known, 0.2, 1), np.random.default_rng(0)
    for found, metric in (
        (bleu_statistics([run], known, "13a"), BLEU()),
        (chrf_statistics([run], known, 2), CHRF(6, 2)),
    ):
        sums = np.stack([found.values[0][rng.integers(60, size=size)].sum(0) for _ in range(200)])
        expected = [metric._compute_score_from_stats(list(row)).score for row in sums]
        assert found.score(sums) == pytest.approx(expected, rel=1e-12, abs=1e-12)


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 9), st.lists(st.integers(0, 3), min_size=8, max_size=8))
def test_bleu_of_any_sums(length, counts):
    """Also where no word is given, nothing matches, or an order is missing."""
    sums = [counts[4], length, *counts]  # as many words as 1-grams
    expected = BLEU()._compute_score_from_stats(list(sums)).score
    assert bleu_scores(np.array(sums, dtype=np.float64)) == pytest.approx(expected, rel=1e-12, abs=1e-12)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3), st.integers(0, 3)), min_size=6, max_size=6))
def test_chrf_of_any_sums(triples):
    sums = [value for ours, theirs, match in triples for value in (ours, theirs, min(ours, theirs, match))]
    expected = CHRF()._compute_score_from_stats(sums).score
    assert chrf_scores(np.array(sums, dtype=np.float64)) == pytest.approx(expected, rel=1e-12, abs=1e-12)


def test_nll_is_nats_over_tokens():
    found = nll_statistics([np.array([[3.0, 2], [1.0, 6]]), np.array([[1.0, 2], [1.0, 6]])])
    assert found.corpus_scores().tolist() == [0.5, 0.25]
    assert nll_scores(np.array([[6.0, 3]])).tolist() == [2.0]


MORE = st.lists(TEXTS, max_size=2)


@settings(max_examples=40, deadline=None)
@given(TEXTS, TEXTS, TEXTS, MORE, st.sampled_from([0, 2]))
def test_several_references_are_counted_as_sacrebleu_counts_them(one, two, known, more, word_order):
    streams = [known, *([line if line.strip() else None for line in lines] for lines in more)]
    for found, metric in (
        (bleu_statistics([one, two], known, "13a", more), BLEU(tokenize="13a")),
        (chrf_statistics([one, two], known, word_order, more), CHRF(word_order=word_order)),
    ):
        expected = [metric.corpus_score(run, streams).score for run in (one, two)]
        assert found.corpus_scores() == pytest.approx(expected, rel=1e-12, abs=1e-12)
        assert found.signature == str(metric.get_signature())


@settings(max_examples=40, deadline=None)
@given(TEXTS, TEXTS, MORE, st.sampled_from(["fr", "zh"]))
def test_edits_of_sentences_give_sacrebleu_s_ter(run, known, more, language):
    expected = score(run, known, language, EvaluationConfig(ter=True), more)["ter"]
    edits = np.array(count_edits(run, known, language, more))
    found = ter_statistics([edits], expected["signature"])
    assert found.corpus_scores()[0] == pytest.approx(expected["score"], rel=1e-12, abs=1e-12)
    metric = TER(normalized=language == "zh", asian_support=language == "zh")
    streams = [known, *([line if line.strip() else None for line in lines] for lines in more)]
    assert expected["score"] == pytest.approx(metric.corpus_score(run, streams).score)
    assert expected["signature"] == str(metric.get_signature())
