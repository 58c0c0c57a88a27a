"""A run with adapters on a pre-trained model, through the command line: what is trained, saved, continued, refused."""

import json
import os
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from catscale.cli.main import main
from tests.cli.toy import write_corpus, write_pretrained_config
from tests.model.nllb_folder import SMALL, write_nllb_folder
from tests.run_records import assert_same_run
from tests.torchrun import torchrun

pytest.importorskip("peft", reason="PEFT is not installed")
ADAPTERS = ["--set", "model.adapters={rank: 4, targets: [q_proj, v_proj, fc1]}"]


@pytest.fixture(scope="module")
def base(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("base") / "nllb"
    write_nllb_folder(folder, **SMALL)
    (folder / "LICENSE").write_text("Not for commerce.")
    return folder


@pytest.fixture(scope="module")
def setting(base) -> Path:
    """A configuration of 24 steps with a new language, and with cats, so that a method measures gradients."""
    root = base.parent
    corpus = write_corpus(root / "corpus", "moses", {"fr": 200, "gl": 60}, dev=8, test=8)
    model = {"dropout": 0.1, "new_languages": {"gl": {"tag": "glg_Latn", "like": "fr"}}, "pieces": 3}
    cats = {"method": "cats", "inner_steps": 3}
    return write_pretrained_config(root / "toy.yaml", corpus, root / "store", base, model, balancing=cats)


@pytest.fixture(scope="module")
def run(setting) -> Path:
    assert main(["train", str(setting), "--out", str(setting.parent / "run"), *ADAPTERS]) == 0
    return setting.parent / "run"


def find_moved(folder: Path, base: Path) -> set[str]:
    """Name the tensors of a plain model that differ from those of its base; a table, where its old rows do."""
    before, after = load_file(base / "model.safetensors"), load_file(folder / "model.safetensors")
    return {name for name, tensor in before.items() if not torch.equal(after[name][: len(tensor)], tensor)}


def kinds_of(names: set[str]) -> set[str]:
    return {name.rsplit(".", 2)[-2] for name in names}


def test_the_base_stays_bit_for_bit_and_the_best_model_is_a_plain_one(run, base):
    moved, before = find_moved(run / "best", base), load_file(base / "model.safetensors")
    assert kinds_of(moved) == {"q_proj", "v_proj", "fc1"}
    apart = load_file(run / "checkpoints" / "step-24" / "model.safetensors")
    for name in moved:
        assert torch.equal(apart[name.replace(".weight", ".base_layer.weight")], before[name])
    assert json.loads((run / "best" / "config.json").read_text()).keys().isdisjoint({"architecture", "adapters"})
    assert (run / "best" / "adapter" / "adapter_model.safetensors").is_file()


def test_the_rows_of_new_tokens_are_trained_and_no_others(run, base):
    old, new = (load_file(folder / "model.safetensors")["model.shared.weight"] for folder in (base, run / "best"))
    assert len(new) - len(old) == 4  # the tag and three pieces
    assert torch.equal(new[: len(old)], old)
    rows = load_file(run / "best" / "adapter" / "new_rows.safetensors")["model.shared.weight"]
    assert torch.equal(rows, new[len(old) :])
    apart = load_file(run / "checkpoints" / "step-16" / "model.safetensors")["model.shared.new"]
    assert (rows != apart).any(1).all()


def test_it_is_evaluated_translated_analysed_and_exported(run, cli, tmp_path):
    assert cli("evaluate", run).status == 0
    (tmp_path / "in").write_text("the big cat\n")
    assert cli("translate", run, "--to", "fr", "--input", tmp_path / "in").status == 0
    assert cli("analyze", run, "--set", "analysis.tokens=64").status == 0
    assert cli("export", run, "--format", "hf", "--out", tmp_path / "made", "--check", "4").status == 0
    assert (tmp_path / "made" / "LICENSE").read_text() == "Not for commerce."
    card = (tmp_path / "made" / "README.md").read_text()
    assert "- adapters, merged: lora of rank 4 on q_proj, v_proj, fc1\n" in card
    assert "- architecture: pretrained, started from nllb\n" in card


def test_a_run_that_was_stopped_ends_as_the_whole_one(run, setting, stop_at, tmp_path):
    stop_at(13)
    command = ["train", str(setting), "--out", str(tmp_path / "run"), *ADAPTERS]
    assert main(command) == 130
    stop_at(None)
    shutil.rmtree(tmp_path / "run" / "best")  # it is written again, merged, from the checkpoint of its step
    assert main(command) == 0
    assert_same_run(tmp_path / "run", run)
    assert not os.path.lexists(tmp_path / "run" / "best" / "state.json")


def test_averages_are_of_what_is_trained_and_keep_the_adapters_beside_them(setting, base, tmp_path):
    steps = ["--set", "training.max_steps=16", "--set", "training.average={last: 2}"]
    assert main(["train", str(setting), "--out", str(tmp_path / "run"), *ADAPTERS, *steps]) == 0
    for folder in (tmp_path / "run" / "best", tmp_path / "run" / "averages" / "last" / "best"):
        assert (folder / "adapter" / "adapter_model.safetensors").is_file()
        assert kinds_of(find_moved(folder, base)) == {"q_proj", "v_proj", "fc1"}


@pytest.mark.slow
@pytest.mark.parametrize("sharded", [False, True])
def test_two_processes_train_what_one_does(setting, base, tmp_path, sharded):
    none = ["--set", "model.dropout=0", "--set", f"training.sharded={str(sharded).lower()}"]
    assert main(["train", str(setting), "--out", str(tmp_path / "one"), *ADAPTERS, *none]) == 0
    done = torchrun(2, "train", setting, "--out", tmp_path / "two", *ADAPTERS, *none)
    assert done.returncode == 0, done.stderr
    one, two = (load_file(tmp_path / name / "checkpoints/step-24/model.safetensors") for name in ("one", "two"))
    assert all(torch.allclose(one[name], two[name], rtol=1e-3, atol=5e-5) for name in one)
    assert kinds_of(find_moved(tmp_path / "two" / "best", base)) == {"q_proj", "v_proj", "fc1"}


def test_an_adapter_on_what_is_frozen_is_refused(setting, cli, tmp_path):
    done = cli("train", setting, "--out", tmp_path / "run", *ADAPTERS, "--set", "model.freeze=[encoder, layer_norm]")
    assert done.status == 2
    assert "adapters train beside layers of encoder, which freeze holds fixed" in done.message
    wrong = cli("train", setting, "--out", tmp_path / "run", "--set", "model.adapters={targets: [query]}")
    assert wrong.status == 2
    assert "'q_proj', 'k_proj', 'v_proj', 'out_proj', 'fc1' or 'fc2'" in wrong.message
