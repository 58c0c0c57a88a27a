"""NLL from nats and tokens."""

import numpy as np

from catscale.evaluation.metrics.contract import Segments
from catscale.evaluation.metrics.nll import Nll


def test_it_is_nats_over_tokens():
    rows = [np.array([[3.0, 2], [1.0, 6]]), np.array([[1.0, 2], [1.0, 6]])]
    found = Nll().measure([Segments(["a", "b"], ["c", "d"], "fr")] * 2, rows)
    assert found.corpus_scores().tolist() == [0.5, 0.25]
    assert Nll().from_sums(np.array([[6.0, 3]])).tolist() == [2.0]
    assert found.signature == ""


def test_translations_of_another_system_do_not_tell_it():
    rows = np.array([[3.0, 2], [1.0, 6]])
    found = Nll().measure([Segments(["a", "b"], ["c", "d"], "fr")] * 2, [rows, None])
    assert found.corpus_scores()[0] == 0.5
    assert np.isnan(found.corpus_scores()[1])
