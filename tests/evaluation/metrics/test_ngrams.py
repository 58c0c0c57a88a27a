"""Counts against dictionaries, sentence by sentence."""

from collections import Counter

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from catscale.evaluation.metrics import ngrams
from catscale.evaluation.metrics.ngrams import count_matches

TEXT = st.lists(st.integers(0, 3), max_size=9)


def slowly(hypothesis, reference, n):
    ours, theirs = (Counter(tuple(t[i : i + n]) for i in range(len(t) - n + 1)) for t in (hypothesis, reference))
    return sum((ours & theirs).values())


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(TEXT, TEXT, TEXT), max_size=6), st.integers(1, 5), st.sampled_from([1, 10, 10**6]))
def test_against_dictionaries(texts, order, block):
    before, ngrams.BLOCK = ngrams.BLOCK, block
    try:
        reference, *systems = [[np.array(t, dtype=np.int64) for t in side] for side in zip(*texts, strict=True)] or [
            [],
            [],
            [],
        ]
        found = count_matches(systems, reference, order)
    finally:
        ngrams.BLOCK = before
    assert found.shape == (2, len(texts), order)
    for s, (reference_text, *hypotheses) in enumerate(texts):
        for r, text in enumerate(hypotheses):
            assert found[r, s].tolist() == [slowly(text, reference_text, n) for n in range(1, order + 1)]
