"""BLEU's statistics and scores against sacreBLEU's own, on text that is awkward."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sacrebleu.metrics import BLEU

from catscale.errors import ConfigError
from catscale.evaluation.metrics import bleu as module
from catscale.evaluation.metrics import bleu_tokenizers
from catscale.evaluation.metrics.bleu import Bleu, bleu_scores
from catscale.evaluation.metrics.contract import Segments
from tests.comparison.corpora import references, translate
from tests.evaluation.metrics.texts import MORE, TEXTS, counts_of, measure, score_of_sums, streams_of


@settings(max_examples=60, deadline=None)
@given(TEXTS, TEXTS, TEXTS, MORE, st.sampled_from(["13a", "intl", "zh", "char", "none"]))
def test_its_statistics_are_sacrebleu_s(one, two, known, more, tokenizer):
    found = measure(Bleu(tokenizer=tokenizer), [one, two], known, more)
    metric, streams = BLEU(tokenize=tokenizer), streams_of(known, more)
    for row, run in zip(found.values, (one, two), strict=True):
        assert row.tolist() == counts_of(metric, run, streams)
    expected = [metric.corpus_score(run, streams).score for run in (one, two)]
    assert found.corpus_scores() == pytest.approx(expected, rel=1e-12, abs=1e-12)
    assert found.signature == str(metric.get_signature())


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 9), st.lists(st.integers(0, 3), min_size=8, max_size=8))
def test_bleu_of_any_sums(length, counts):
    """Also where no word is given, nothing matches, or an order is missing."""
    sums = [counts[4], length, *counts]  # as many words as 1-grams
    expected = BLEU()._compute_score_from_stats(list(sums)).score
    assert bleu_scores(np.array(sums, dtype=np.float64)) == pytest.approx(expected, rel=1e-12, abs=1e-12)


@pytest.mark.parametrize("size", [1, 2, 5, 60])
def test_scores_of_random_subsets_are_sacrebleu_s(size):
    """Small subsets have orders without matches, or without n-grams."""
    known, rng = references(60), np.random.default_rng(0)
    found = measure(Bleu(), [translate(known, 0.2, 1)], known)
    sums = np.stack([found.values[0][rng.integers(60, size=size)].sum(0) for _ in range(200)])
    assert found.score(sums) == pytest.approx(score_of_sums(BLEU(), sums), rel=1e-12, abs=1e-12)


def test_the_score_itself_is_sacrebleu_s_to_the_last_digit():
    known = references(80)
    run = translate(known, 0.5, 1)
    metric = BLEU(tokenize="13a")
    expected = metric.corpus_score(run, [known]).score
    assert Bleu().score(Segments(run, known, "fr")) == {"score": expected, "signature": str(metric.get_signature())}


def test_the_tokenizer_of_the_section_comes_before_its_own_and_the_language_s():
    section = {"tokenizers": {"de": "intl"}}
    assert Bleu().choose("de", section).tokenizer == "intl"
    assert Bleu(tokenizer="char").choose("de", section).tokenizer == "intl"
    assert Bleu(tokenizer="char").choose("fr", section).tokenizer == "char"
    assert Bleu().choose("zh", {}).tokenizer == "zh"


def test_it_warns_of_a_tokenizer_that_is_replaced_and_of_none_that_was_chosen(monkeypatch):
    monkeypatch.setattr(bleu_tokenizers, "why_not", lambda name: "no MeCab" if "mecab" in name else "")
    (line,) = Bleu().warn("ja", {})
    assert line.startswith("BLEU of 'ja' uses the tokenizer char, because ja-mecab is not installed")
    assert Bleu().warn("ja", {"tokenizers": {"ja": "char"}}) == Bleu(tokenizer="char").warn("ja", {}) == []
    assert Bleu().warn("fr", {}) == []


def test_what_is_recorded_is_recalled(monkeypatch):
    chosen = {"en-de": Bleu(tokenizer="intl"), "en-fr": Bleu(tokenizer="13a")}
    record = Bleu().record(chosen) | {"settings": {}}
    assert Bleu().recall(record, "en-de").tokenizer == "intl"
    assert Bleu().recall({"settings": {}}, "en-zh").tokenizer == "zh"
    monkeypatch.setattr(module, "why_not", lambda name: f"no {name}")
    with pytest.raises(ConfigError, match=r"tokenizer 'intl' of en-de cannot be loaded here \(no intl\); install it"):
        Bleu().recall(record, "en-de")
