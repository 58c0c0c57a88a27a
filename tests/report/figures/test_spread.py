"""The spread of alignment over pairs."""

import pytest

from catscale.report.figures.figure import Missing
from catscale.report.figures.spread import draw_similarity_spread
from tests.report.figures.drawn import source_of


def test_the_spread_is_of_low_with_high_resource_pairs(source, figures):
    rows = [r for r in figures["similarity-spread"].rows if (r["method"], r["module"]) == ("T=1", "all")]
    assert len(rows) == 16
    values = [row["mean"] for row in rows]
    mean = sum(values) / 16
    assert rows[0]["average"] == pytest.approx(mean)
    assert rows[0]["to"] - mean == pytest.approx((sum((v - mean) ** 2 for v in values) / 16) ** 0.5)


def test_without_pairs_of_both_groups_there_is_none(tmp_path):
    made = source_of(tmp_path, methods={"T=1": 1.0}, seeds=1, steps=160)
    for record in made.runs[0].analysis:
        record["similarity"] = {"direction": {"all": {"en-be|en-az": 0.5}}}
    missing = draw_similarity_spread(made)
    assert isinstance(missing, Missing)
    assert missing.reason.startswith("no analysis has similarities of high- and low-resource gradients")
