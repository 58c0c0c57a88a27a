import math

import pytest

from catscale.report.data_table import describe_data, measure_entropy, sampling_of
from catscale.report.history import read_run, read_runs

from .fakes import make_comparison


def test_shares_and_what_each_temperature_draws(tmp_path):
    comparison = make_comparison(tmp_path, seeds=1, analysis=False)
    data = describe_data(comparison, read_runs(comparison))
    sizes = [direction.pairs for direction in comparison.directions]
    assert data.total == sum(sizes)
    for row, size in zip(data.rows, sizes, strict=True):
        assert row.share == pytest.approx(size / sum(sizes))
        assert row.sampled["T=1"] == pytest.approx(row.share)
        assert row.sampled["T=5"] == pytest.approx(size**0.2 / sum(s**0.2 for s in sizes))
    assert data.entropy == pytest.approx(-sum(r.share * math.log(r.share) for r in data.rows))
    assert data.entropy_base_10 == pytest.approx(-sum(r.share * math.log10(r.share) for r in data.rows))


def test_entropy_of_nothing_left_to_chance_is_zero():
    assert measure_entropy([1.0, 0.0]) == 0


def test_learnt_probabilities_win_and_unknown_sampling_stays_unknown(tmp_path):
    comparison = make_comparison(tmp_path, seeds=1, analysis=False)
    folder = tmp_path / "m0" / "seed-1"
    with (folder / "metrics.jsonl").open("a") as file:
        file.write('{"kind": "sample", "step": 1, "probabilities": {"en-be": 0.7}}\n')
    assert sampling_of("T=1", comparison.directions, [read_run("T=1", 1, folder)]) == {"en-be": 0.7}
    (tmp_path / "m1" / "seed-1" / "config.yaml").write_text("sampling: {method: multidds}\n")
    assert sampling_of("T=5", comparison.directions, read_runs(comparison)) == {}
    assert sampling_of("none", comparison.directions, []) == {}
