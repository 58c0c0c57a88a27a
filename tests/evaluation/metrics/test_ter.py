"""TER against sacreBLEU's own."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sacrebleu.metrics import TER

from catscale.evaluation.metrics.contract import Segments
from catscale.evaluation.metrics.ter import Ter
from tests.evaluation.metrics.texts import MORE, TEXTS, counts_of, measure, streams_of


@settings(max_examples=40, deadline=None)
@given(TEXTS, TEXTS, MORE, st.sampled_from(["fr", "zh"]))
def test_its_edits_and_lengths_are_sacrebleu_s(run, known, more, language):
    found = measure(Ter(), [run], known, more, language)
    metric, streams = TER(normalized=language == "zh", asian_support=language == "zh"), streams_of(known, more)
    assert found.values[0].tolist() == counts_of(metric, run, streams)
    expected = metric.corpus_score(run, streams).score
    assert found.corpus_scores()[0] == pytest.approx(expected, rel=1e-12, abs=1e-12)
    score = Ter().score(Segments(run, known, language, further=more))
    assert score == {"score": expected, "signature": str(metric.get_signature())}
    assert found.signature == score["signature"]


def test_without_reference_text_it_is_100_where_there_is_an_edit_and_else_0():
    assert Ter().from_sums(np.array([[3.0, 0.0], [0.0, 0.0], [1.0, 4.0]])).tolist() == [100.0, 0.0, 25.0]


def test_counts_that_were_kept_are_not_counted_again(monkeypatch):
    rows = np.array([[1.0, 4.0], [1.0, 6.0]])
    monkeypatch.setattr(Ter, "count", lambda self, segments: pytest.fail("counted"))
    found = Ter().measure([Segments(["a", "b"], ["c", "d"], "fr")] * 2, [rows, rows + 1])
    assert found.corpus_scores() == pytest.approx([20.0, 100 * 4 / 12])
