import statistics

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from catscale.corpus_statistics.lengths import Lengths, LengthSummary

CHUNKS = st.lists(st.lists(st.integers(0, 300), max_size=40), max_size=6)


@given(chunks=CHUNKS)
def test_a_summary_is_that_of_the_sorted_list(chunks):
    lengths, everything = Lengths(), sorted(value for chunk in chunks for value in chunk)
    for chunk in chunks:
        lengths.add(np.array(chunk, np.int64))
    found = lengths.summary()
    if not everything:
        assert found == LengthSummary(0, None, None, None, None)
        return
    assert (found.total, found.longest) == (sum(everything), everything[-1])
    assert found.mean == pytest.approx(statistics.fmean(everything))
    assert found.median == statistics.median(everything)
    n = len(everything)
    assert found.p95 == next(v for v in everything if 100 * sum(x <= v for x in everything) >= 95 * n)
