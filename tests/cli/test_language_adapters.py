"""Adapters of languages over a run's model that is held whole, through the command line."""

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from tests.cli.toy import write_config, write_corpus, write_pretrained_config

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
HELD = {
    "freeze": ["embeddings", "encoder", "decoder"],
    "language_adapters": {"bottleneck": 8, "families": {"far": ["xb", "xc"]}},
}


def test_a_run_s_model_is_held_and_its_languages_get_adapters(cli, tmp_path: Path) -> None:
    corpus = write_corpus(tmp_path / "corpus", "moses", {"xa": 80, "xb": 40, "xc": 40}, dev=8, test=8)
    first = write_config(tmp_path / "first.yaml", corpus, tmp_path / "store", training={"max_steps": 8})
    assert cli("train", first, "--out", tmp_path / "first").status == 0
    base = load_file(tmp_path / "first/best/model.safetensors")
    cats = {"method": "cats", "inner_steps": 3}
    config = write_pretrained_config(
        tmp_path / "toy.yaml", corpus, tmp_path / "store2", tmp_path / "first/best", HELD, balancing=cats
    )
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    started = cli("train", config, "--out", whole)
    assert started.status == 0
    assert "needs catscale to translate: what they compute cannot be merged" in started.err
    assert cli("train", config, "--out", parts, "--set", "training.max_minutes=1e-7").status == 0
    assert cli("train", config, "--out", parts).status == 0
    trained, again = (load_file(run / "checkpoints/step-24/model.safetensors") for run in (whole, parts))
    assert trained.keys() == again.keys()
    assert all(torch.equal(trained[name], again[name]) for name in trained)
    for name, tensor in base.items():
        assert torch.equal(trained[f"base.network.{name}"], tensor)
    own = [name for name in trained if name.startswith("adapters.")]
    assert {name.rsplit(".", 1)[1] for name in own} == {"of_xa", "of_far"}
    assert any(trained[name].any() for name in own if ".up." in name)
    balance = [json.loads(line) for line in (whole / "metrics.jsonl").read_text().splitlines()]
    assert any(record["kind"] == "balance" and record["weights"].keys() >= {"en-xa", "en-xb"} for record in balance)
    assert cli("evaluate", whole).status == 0
    refused = cli("export", whole, "--format", "hf", "--out", tmp_path / "hf")
    assert refused.status == 2
    assert "no plain model for en-xa" in refused.message
    analysed = cli("analyze", whole)
    assert analysed.status == 2
    assert "the analysis measures the parameters that all directions share" in analysed.message
