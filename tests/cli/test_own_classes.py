"""Classes of the user's own through a sweep: a sampler and a metric, without a change of catscale."""

import csv
from pathlib import Path

import pytest

from tests.cli.toy import write_config
from tests.evaluation.metrics.own import write_module

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
SAMPLER = """
from catscale.sampling import TemperatureSampling


class Hot(TemperatureSampling):
    heat: float = 2.0
"""


def test_a_sweep_of_own_classes_and_what_follows(cli, corpus, store, tmp_path, monkeypatch):
    place = tmp_path / "work"
    place.mkdir()
    monkeypatch.chdir(place)
    metric, sampler = f"{write_module(place)}:Longer", "hot_sampler:Hot"
    (place / "hot_sampler.py").write_text(SAMPLER)
    evaluation = {"beam": 1, "metrics": ["bleu", {"method": metric, "floor": 0.01}]}
    config = write_config(tmp_path / "toy.yaml", corpus, store, training={"max_steps": 8}, evaluation=evaluation)
    out = tmp_path / "sweep"
    done = cli("sweep", config, "--methods", "T=1", f"{sampler}:heat=3.0", "--out", out, "--jobs", "2")
    assert done.status == 0
    run = out / "hot_sampler_Hot_heat=3.0" / "seed-1"
    assert f"method: {sampler}" in (run / "config.yaml").read_text()
    assert len(list(run.glob(f"translations/test.*.own.{metric.replace(':', '.')}"))) == 2
    again = cli("sweep", config, "--methods", "T=1", f"{sampler}:heat=3.0", "--out", out)
    assert "2 done, 0 to do" in again.err
    for module in place.glob("*.py"):
        module.unlink()  # on another machine there are runs alone
    compared = cli("compare", out / "T=1" / "seed-1", run, "--out", tmp_path / "out", "--metric", metric)
    assert compared.status == 0
    assert "length error on the test set" in compared.out
    rows = list(csv.DictReader((tmp_path / "out" / "comparison.csv").open(newline="")))
    assert {row["metric"] for row in rows} == {"nll", "bleu", metric}
    refused = cli("evaluate", run)
    assert refused.status == 2
    assert f"{metric} is a class of the user's own, and the record of a run is not followed" in refused.message
    assert cli("evaluate", run, "--set", "evaluation.metrics=[bleu]").status == 0
    assert not list(Path(run).glob("translations/test.*.own.*"))
