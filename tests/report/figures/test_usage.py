"""The figure of which parts each language uses."""

import json
from pathlib import Path

import pytest

from catscale.report.export import draw_svg
from catscale.report.figures.figure import Source
from catscale.report.figures.usage import draw_usage
from catscale.report.history import read_runs
from tests.report.fakes import make_comparison


def make_source(folder: Path) -> Source:
    comparison = make_comparison(folder, methods={"T=1": 1.0, "latent": 5.0}, count=2, analysis=False, balance=False)
    for seed, share in ((1, 0.25), (2, 0.75)):
        path = Path(comparison.methods[1].folders[seed - 1]) / "metrics.jsonl"
        usage = {"en": {"encoder.0": 1.0}, "az": {"decoder.0": share, "decoder.1": None}}
        record = {"kind": "valid", "step": 900, "nll": {}, "usage": usage}
        path.write_text(path.read_text() + json.dumps(record) + "\n")
    return Source(comparison, read_runs(comparison))


def test_a_cell_is_the_mean_over_seeds_at_the_last_validation(tmp_path: Path) -> None:
    figure = draw_usage(make_source(tmp_path))
    assert figure is not None
    assert figure.rows == [
        {"method": "latent", "language": "en", "part": "encoder.0", "mean": 1.0},
        {"method": "latent", "language": "az", "part": "decoder.0", "mean": pytest.approx(0.5)},
    ]
    assert "latent: mean 0.75, from 0.50 (az, decoder.0) to 1.00 (en, encoder.0)" in figure.alt
    assert draw_svg(figure).startswith("<svg")


def test_where_all_use_everything_it_is_left_out(tmp_path: Path) -> None:
    comparison = make_comparison(tmp_path, methods={"T=1": 1.0}, count=2, analysis=False, balance=False, seeds=1)
    assert draw_usage(Source(comparison, read_runs(comparison))) is None
