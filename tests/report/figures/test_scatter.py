"""What the plots of methods as points share: the fields of means and of runs, and the layers that show them."""

import pytest

from catscale.report.figures.labels import NamePlace
from catscale.report.figures.scatter import BESIDE, Side, lay_out_scatter, run_fields
from tests.report.figures.test_forgetting import make_source

ACROSS, UP = Side("a", "across", ("a", ".1f")), Side("b", "up", ("b", ".1f"))


def test_a_mean_and_a_run_have_the_same_fields():
    place = NamePlace("left", 1, 2)
    mean = {**ACROSS.mean(1.0, (0.5, 2.0)), **UP.mean(3.0, (2.5, 4.0)), **vars(place)}
    run = run_fields(ACROSS, UP, (7.0, 8.0))
    assert mean["a_from"] == 0.5
    assert mean["b_to"] == 4.0
    assert run.keys() == mean.keys()
    assert {name: value for name, value in run.items() if value is not None} == {"a": 7.0, "b": 8.0}
    assert tuple(vars(place)) == BESIDE


@pytest.mark.parametrize("seeds", [1, 2])
def test_runs_have_a_layer_where_there_are_some(tmp_path, seeds):
    source = make_source(tmp_path, seeds=seeds)
    head = {"method": source.methods[0], "metric": "BLEU"}
    rows = [{**head, "seed": None, **ACROSS.mean(1, (0, 2)), **UP.mean(1, (0, 2)), "align": "left", "dx": 0, "dy": 0}]
    rows += [{**head, "seed": seed, **run_fields(ACROSS, UP, (1, 1))} for seed in range(seeds) if seeds > 1]
    layers = lay_out_scatter(source, rows, ACROSS, UP, [{"mark": "first"}])["layer"]
    assert layers[0] == {"mark": "first"}
    assert len(layers) == (6 if seeds > 1 else 5)
    assert [layer["encoding"].get("x2", layer["encoding"].get("y2")) for layer in layers[1:3]] == [
        {"field": "a_to"}, {"field": "b_to"},
    ]  # fmt: skip
