"""chrF and chrF++ against sacreBLEU's own, on text that is awkward."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sacrebleu.metrics import CHRF

from catscale.evaluation.metrics.chrf import Chrf, chrf_scores, split_words
from catscale.evaluation.metrics.chrf_plus import ChrfPlus
from catscale.evaluation.metrics.contract import Segments
from tests.comparison.corpora import references, translate
from tests.evaluation.metrics.texts import MORE, TEXTS, counts_of, measure, score_of_sums, streams_of


@settings(max_examples=60, deadline=None)
@given(TEXTS, TEXTS, TEXTS, MORE, st.sampled_from([0, 1, 2]))
def test_its_statistics_are_sacrebleu_s(one, two, known, more, word_order):
    found = measure(Chrf(word_order=word_order), [one, two], known, more)
    metric, streams = CHRF(word_order=word_order), streams_of(known, more)
    for row, run in zip(found.values, (one, two), strict=True):
        assert row.tolist() == counts_of(metric, run, streams)
    expected = [metric.corpus_score(run, streams).score for run in (one, two)]
    assert found.corpus_scores() == pytest.approx(expected, rel=1e-12, abs=1e-12)
    assert found.signature == str(metric.get_signature())


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3), st.integers(0, 3)), min_size=6, max_size=6))
def test_chrf_of_any_sums(triples):
    sums = [value for ours, theirs, match in triples for value in (ours, theirs, min(ours, theirs, match))]
    expected = CHRF()._compute_score_from_stats(sums).score
    assert chrf_scores(np.array(sums, dtype=np.float64)) == pytest.approx(expected, rel=1e-12, abs=1e-12)


@pytest.mark.parametrize("size", [1, 2, 5, 60])
def test_scores_of_random_subsets_are_sacrebleu_s(size):
    known, rng = references(60), np.random.default_rng(0)
    found = measure(ChrfPlus(), [translate(known, 0.2, 1)], known)
    sums = np.stack([found.values[0][rng.integers(60, size=size)].sum(0) for _ in range(200)])
    assert found.score(sums) == pytest.approx(score_of_sums(CHRF(6, 2), sums), rel=1e-12, abs=1e-12)


@given(st.text("ab.(',) é猫!", max_size=20))
def test_words_are_split_as_sacrebleu_splits_them(text):
    assert split_words(text) == CHRF()._remove_punctuation(text)


def test_the_score_itself_is_sacrebleu_s_to_the_last_digit():
    known = references(80)
    run = translate(known, 0.5, 1)
    for ours, theirs in ((Chrf(), CHRF()), (ChrfPlus(), CHRF(word_order=2))):
        expected = theirs.corpus_score(run, [known]).score
        assert ours.score(Segments(run, known, "fr")) == {"score": expected, "signature": str(theirs.get_signature())}


def test_the_section_gives_the_order_that_it_does_not_have_itself():
    assert Chrf().choose("fr", {"chrf_word_order": 2}).words == 2
    assert Chrf(word_order=1).choose("fr", {"chrf_word_order": 2}).words == 1
    assert Chrf().choose("fr", {}).words == 0
    assert ChrfPlus().choose("fr", {"chrf_word_order": 0}).words == 2


def test_a_sentence_without_a_further_reference_has_the_ones_that_it_has():
    one = measure(Chrf(), [["abc", "xyz"]], ["abd", "xyz"], [["abc", ""]])
    assert one.corpus_scores()[0] == pytest.approx(100)
    assert "nrefs:var" in one.signature
