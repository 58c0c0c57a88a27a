import json
import math

import numpy as np
import pytest
import yaml

from catscale.corpus_statistics.balance import measure_entropy
from catscale.report.data_table import describe_data, sampling_of
from catscale.report.history import read_run, read_runs
from catscale.sampling import unimax_budgets
from tests.report.fakes import make_comparison


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
    assert f"{measure_entropy([1.0, 0.0]):.2f}" == "0.00"  # not −0.00


def write_config(folder, **sampling):
    (folder / "config.yaml").write_text(yaml.safe_dump({"sampling": sampling}))


def drawn(tmp_path, comparison):
    return sampling_of("T=1", comparison.directions, [read_run("T=1", 1, tmp_path / "m0" / "seed-1")])


def test_a_learnt_mixture_is_averaged_over_the_steps_that_it_stood_for(tmp_path):
    """A quarter of the steps at the data's proportions, half of them at 0.7, a quarter at 0.1."""
    comparison = make_comparison(tmp_path, seeds=1, analysis=False)
    folder = tmp_path / "m0" / "seed-1"
    steps = read_run("T=1", 1, folder).train[-1]["step"]
    write_config(folder, method="multidds")
    sizes = {direction.name: direction.pairs for direction in comparison.directions}
    assert drawn(tmp_path, comparison) == pytest.approx({n: size / sum(sizes.values()) for n, size in sizes.items()})
    with (folder / "metrics.jsonl").open("a") as file:
        for step, share in ((steps // 4, 0.7), (3 * steps // 4, 0.1)):
            record = {"kind": "sample", "step": step, "probabilities": {"en-be": share, "en-ru": 1 - share}}
            file.write(json.dumps(record) + "\n")
    found = drawn(tmp_path, comparison)
    assert sum(found.values()) == pytest.approx(1)
    assert found["en-be"] == pytest.approx(sizes["en-be"] / sum(sizes.values()) / 4 + 0.7 / 2 + 0.1 / 4)


def test_a_schedule_is_averaged_over_its_steps(tmp_path):
    comparison = make_comparison(tmp_path, seeds=1, analysis=False)
    folder = tmp_path / "m0" / "seed-1"
    steps = read_run("T=1", 1, folder).train[-1]["step"]
    write_config(folder, method="temperature_schedule", knots=[[0, 1], [steps, 100]])
    sizes = {direction.name: direction.pairs for direction in comparison.directions}
    powers = [1 + (1 / 100 - 1) * step / steps for step in range(1, steps + 1)]
    expected = np.mean([sizes["en-be"] ** p / sum(size**p for size in sizes.values()) for p in powers])
    assert drawn(tmp_path, comparison)["en-be"] == pytest.approx(expected)


def test_unimax_shares_out_the_tokens_of_the_training(tmp_path):
    comparison = make_comparison(tmp_path, seeds=1, analysis=False)
    folder = tmp_path / "m0" / "seed-1"
    steps = read_run("T=1", 1, folder).train[-1]["step"]
    write_config(folder, method="unimax", max_epochs=2)
    assert drawn(tmp_path, comparison) == {}  # of a run that did not record its tokens
    sizes = {direction.name: direction.pairs for direction in comparison.directions}
    environment = {"train_pairs": sizes, "train_tokens": {name: 4 * size for name, size in sizes.items()}}
    (folder / "environment.json").write_text(json.dumps(environment))
    expected = unimax_budgets(list(sizes.values()), steps * 4096 / 4, 2)
    assert list(drawn(tmp_path, comparison).values()) == pytest.approx((expected / expected.sum()).tolist())


def test_old_directions_have_their_share_together(tmp_path):
    comparison = make_comparison(tmp_path, seeds=1, analysis=False)
    folder = tmp_path / "m0" / "seed-1"
    new = comparison.directions[0].name
    content = {"sampling": {"temperature": 1, "replay": 0.25}, "model": {"new_languages": {new[3:]: {}}}}
    (folder / "config.yaml").write_text(yaml.safe_dump(content))
    found = drawn(tmp_path, comparison)
    assert found[new] == pytest.approx(0.75)
    assert sum(found.values()) == pytest.approx(1)


def test_what_is_not_known_stays_so(tmp_path):
    comparison = make_comparison(tmp_path, seeds=1, analysis=False)
    write_config(tmp_path / "m0" / "seed-1", method="of a later version")
    assert drawn(tmp_path, comparison) == {}
    write_config(tmp_path / "m0" / "seed-1", method="pretrain_finetune", steps=3, high=["en-zz"])
    assert drawn(tmp_path, comparison) == {}
    assert sampling_of("none", comparison.directions, []) == {}
