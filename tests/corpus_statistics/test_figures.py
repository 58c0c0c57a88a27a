"""Figures as plain values."""

import json
import pickle
from dataclasses import FrozenInstanceError, asdict, replace

import pytest

from catscale.corpus_statistics.examples import Example
from catscale.corpus_statistics.figures import Overlap
from tests.corpus_statistics.figures import figures_of
from tests.unchecked import unchecked


def test_figures_are_plain_values_for_a_json_file():
    figures = replace(figures_of(3), overlap=Overlap(2, 1, 1), examples=(Example("empty", "f", 1, "", "x"),))
    content = json.loads(json.dumps(asdict(figures), allow_nan=False))
    assert content["overlap"] == {"pairs": 2, "sources": 1, "targets": 1}
    assert content["examples"] == [{"kind": "empty", "file": "f", "line": 1, "source": "", "target": "x"}]
    assert content["source"]["words"] == {"total": 6, "mean": 2.0, "median": 2.0, "p95": 3, "longest": 3}
    assert content["source"]["pieces"] is None
    assert content["duplicates"] == {"pairs": 0, "sources": 0, "targets": 0, "sampled": 1}


def test_a_split_of_which_no_more_is_known_has_no_overlap_and_no_examples():
    figures = figures_of(3)
    assert (figures.overlap, figures.examples) == (None, ())


def test_figures_come_back_from_another_process():
    figures = figures_of(5)
    assert pickle.loads(pickle.dumps(figures)) == figures != figures_of(6)
    with pytest.raises(FrozenInstanceError, match="pairs"):
        unchecked(figures).pairs = 7
