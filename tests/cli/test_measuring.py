"""Ways of measuring gradients, through the command line."""

import json
from pathlib import Path

import pytest

from catscale.cli.main import main
from tests.cli.toy import write_config

PRODUCTS = {"method": "cats", "inner_steps": 2, "alpha_lr": 0.1, "statistics": "products"}


def records(run: Path, kind: str) -> list[dict]:
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    return [line for line in lines if line["kind"] == kind]


def train(root: Path, name: str, corpus: Path, store: Path, balancing: dict, **training: object) -> Path:
    config = write_config(root / f"{name}.yaml", corpus, store, balancing=balancing, training=training)
    assert main(["train", str(config), "--out", str(root / name)]) == 0
    return root / name


def test_low_memory_is_the_same_run(corpus, store, tmp_path):
    """Dropout and all: the second pass draws the first one's masks, and no NLL is counted twice."""
    held = train(tmp_path, "held", corpus, store, PRODUCTS, max_steps=12)
    low = train(tmp_path, "low", corpus, store, PRODUCTS, max_steps=12, low_memory=True)
    for one, two in zip(records(held, "train"), records(low, "train"), strict=True):
        assert two["nll"] == pytest.approx(one["nll"], rel=1e-4)
    for one, two in zip(records(held, "balance"), records(low, "balance"), strict=True):
        assert two["weights"] == pytest.approx(one["weights"], rel=1e-3)
        assert two["curvature"] == pytest.approx(one["curvature"], rel=1e-2)
    assert records(low, "balance")[0]["gradient_norms"] is None
    assert len(set(records(low, "balance")[-1]["weights"].values())) == 2


def test_low_memory_is_refused_at_once(cli, corpus, store, tmp_path):
    config = write_config(
        tmp_path / "toy.yaml", corpus, store, balancing={"method": "cats"}, training={"low_memory": True}
    )
    done = cli("train", config, "--out", tmp_path / "run")
    assert done.status == 2
    assert "low_memory cannot be used: cats needs the gradients of all tasks at once" in done.message
    assert not (tmp_path / "run" / "metrics.jsonl").exists()


def test_statistics_without_noise(corpus, store, tmp_path):
    """A task of one sub-batch is computed in halves where they are compared."""
    options = {"method": "cats", "inner_steps": 2, "alpha_lr": 0.1, "unbiased": True, "smoothing": 0.5}
    run = train(tmp_path, "unbiased", corpus, store, options, batch_tokens=64, sub_batch_tokens=32)
    biased = train(
        tmp_path, "biased", corpus, store, options | {"unbiased": False}, batch_tokens=64, sub_batch_tokens=32
    )
    first, other = records(run, "balance"), records(biased, "balance")
    assert len(first) == 12
    assert first[0]["gradient_norms"] == pytest.approx(other[0]["gradient_norms"], rel=0.2)
    assert [record["weights"] for record in first] != [record["weights"] for record in other]


APPLIED = {
    "last": {"method": "gradnorm"},
    "named": {"method": "gradnorm", "group": "decoder.0"},
    "every": {"method": "gradnorm", "group": None},
    "layers": {"method": "mgda", "granularity": "groups"},
    "whole": {"method": "mgda"},
}


def test_a_method_on_one_layer_and_one_layer_at_a_time(corpus, store, tmp_path):
    last, named, every, layers, whole = (
        train(tmp_path, name, corpus, store, method, max_steps=6) for name, method in APPLIED.items()
    )
    assert records(last, "balance")[-1]["weights"] == records(named, "balance")[-1]["weights"]
    norms = [records(run, "balance")[0]["gradient_norms"] for run in (last, every)]
    assert all(0 < norms[0][task] < norms[1][task] for task in norms[0])
    assert records(layers, "train")[-1]["loss"] != records(whole, "train")[-1]["loss"]


def test_a_group_that_there_is_not(cli, corpus, store, tmp_path):
    config = write_config(tmp_path / "toy.yaml", corpus, store, balancing={"method": "gradnorm", "group": "decoder.7"})
    done = cli("train", config, "--out", tmp_path / "run")
    assert done.status == 2
    assert (
        "the group 'decoder.7'; the groups are embedding, encoder.norm, decoder.norm, encoder.0, decoder.0"
        in done.message
    )


APART = {"method": "cats", "inner_steps": 4, "alpha_lr": 0.1, "statistics_tokens": 96, "unbiased": True}
HELD_OUT = {"statistics_split": "dev", "statistics_mode": "evaluation"}


@pytest.mark.parametrize("batch", [pytest.param({}, marks=pytest.mark.slow), HELD_OUT], ids=["train", "dev"])
def test_a_batch_of_its_own_is_measured_and_a_resumed_run_measures_the_same(batch, corpus, store, tmp_path):
    whole = train(tmp_path, "whole", corpus, store, APART | batch, max_steps=12)
    found = records(whole, "balance")
    assert [record["step"] for record in found] == [4, 8, 12]
    assert all(set(record["signal_to_noise"]) == set(record["weights"]) for record in found)
    assert all(-1 <= record["cosine"] <= 1 and record["cosine"] for record in found)
    assert len(set(found[-1]["weights"].values())) == 2
    parts = train(tmp_path, "parts", corpus, store, APART | batch, max_steps=6)
    assert main(["train", str(tmp_path / "whole.yaml"), "--out", str(parts)]) == 0
    assert records(parts, "balance") == [{**record, "time": here["time"]} for record, here in
                                         zip(found, records(parts, "balance"), strict=True)]  # fmt: skip
    assert records(parts, "valid")[-1]["nll"] == records(whole, "valid")[-1]["nll"]


def test_the_split_needs_tokens(cli, corpus, store, tmp_path):
    config = write_config(tmp_path / "toy.yaml", corpus, store, balancing={"method": "cats", **HELD_OUT})
    done = cli("train", config, "--out", tmp_path / "run")
    assert done.status == 2
    assert "found no statistics_tokens; set its target tokens of each task, 1024 for example" in done.message
