"""`torchrun … -m catscale train`: many processes are one, and a checkpoint moves between them."""

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from catscale.cli.main import main
from tests.cli.test_ranks import train
from tests.cli.toy import write_config
from tests.forked import CATSCALE
from tests.ranks import run_ranks
from tests.torchrun import torchrun

NO_DROPOUT = {"dropout": 0.0, "preset": "tiny", "width": 32, "encoder_layers": 1, "decoder_layers": 1, "heads": 2,
              "feed_forward": 64}  # fmt: skip
AVERAGE = {"average": {"last": 2, "ema": 0.9}}
CATS = {"method": "cats", "inner_steps": 3, "alpha_lr": 0.1}


def records(run: Path, kind: str) -> list[dict]:
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    return [line for line in lines if line["kind"] == kind]


def train_on_one_and_two(config: Path, place: Path, kind: str) -> tuple[list[dict], list[dict]]:
    """The records of one kind of a run on one process, and of the same on two."""
    assert main(["train", str(config), "--out", str(place / "one")]) == 0
    done = torchrun(2, "train", config, "--out", place / "two")
    assert done.returncode == 0, done.stderr
    return records(place / "one", kind), records(place / "two", kind)


def assert_close(found: Path, expected: Path) -> None:
    """Parameters, weights of the tasks and validation of two runs."""
    for name in ("model.safetensors", "state.safetensors"):
        one, two = (load_file(run / "checkpoints/step-24" / name) for run in (found, expected))
        # The bias of the keys has no gradient but rounding, which Adam blows up.
        names = [
            key
            for key in two
            if not key.startswith("random.") and not key.endswith(("k_proj.bias", "k_proj.bias.mean"))
        ]
        assert set(names) <= set(one)
        for key in names:
            assert torch.allclose(one[key], two[key], rtol=1e-3, atol=2e-5, equal_nan=True), key
    for kind in ("valid", "balance"):
        for one, two in zip(records(found, kind), records(expected, kind), strict=True):
            assert one["step"] == two["step"]
            content = "nll" if kind == "valid" else "weights"
            assert one[content] == pytest.approx(two[content], rel=1e-4)
            for average, scores in two.get("average", {}).items():
                assert one["average"][average]["nll"] == pytest.approx(scores["nll"], rel=1e-4)
    for model in ("single", "last", "ema"):
        one, two = (load_file(run / "averages" / model / "best" / "model.safetensors") for run in (found, expected))
        assert all(torch.allclose(one[k], two[k], rtol=1e-3, atol=2e-5) for k in two if not k.endswith("k_proj.bias"))


@pytest.fixture(scope="module")
def alone(tmp_path_factory, corpus, store) -> tuple[Path, Path]:
    """A configuration without dropout, and its run on one process."""
    root = tmp_path_factory.mktemp("processes")
    config = write_config(root / "toy.yaml", corpus, store, balancing=CATS, model=NO_DROPOUT, training=AVERAGE)
    assert main(["train", str(config), "--out", str(root / "run")]) == 0
    return config, root / "run"


@pytest.mark.parametrize("sharded", [pytest.param(False, marks=pytest.mark.slow), True], ids=["replicated", "sharded"])
def test_a_run_moves_between_one_two_and_four_processes(alone, tmp_path, sharded):
    config, expected = alone
    run = tmp_path / "run"
    for size, steps in ((2, 8), (4, 16)):
        settings = f"training.sharded={str(sharded).lower()}", f"training.max_steps={steps}"
        ended = run_ranks(*[train(config, run, *settings)] * size)
        assert [one.status for one in ended] == [0] * size, ended
        said = "".join(one.err for one in ended)
        assert said.count(f"{size} processes") == 1
        assert said.count("continuing") == said.count("continuing at step 8") == (size == 4)
    assert main(["train", str(config), "--out", str(run)]) == 0
    assert_close(run, expected)
    environment = json.loads((run / "environment.json").read_text())
    assert (environment["processes"], environment["continued_by"]) == (
        2, [{"step": 8, "processes": 4}, {"step": 16, "processes": 1}]
    )  # fmt: skip


SAMPLERS = {
    "losses, every step": {"method": "odm", "warm_up": 2},
    "losses, at times": {"method": "ado", "interval": 1, "warm_up": 3, "refit": 6},
    "dev_losses": {"method": "dev_loss", "temperature": 1},
    "moments": {"method": "pike", "interval": 5},
    "own_gap": {"method": "own_gap", "interval": 5},
    "uncertainty": {"method": "multidds", "interval": 5, "learning_rate": 0.5, "reward": "uncertainty"},
}
"""A sampler for each kind of rewards, by what it asks for."""


@pytest.mark.slow
@pytest.mark.parametrize("sampling", SAMPLERS.values(), ids=SAMPLERS)
def test_two_processes_learn_the_mixture_of_one(sampling, corpus, store, tmp_path):
    """Each draws its part of every step, and rewards are of both parts together."""
    config = write_config(tmp_path / "toy.yaml", corpus, store, sampling=sampling, model=NO_DROPOUT)
    one, two = train_on_one_and_two(config, tmp_path, "sample")
    assert [record["step"] for record in one] == [record["step"] for record in two]
    shares = [record["probabilities"]["en-xa"] for record in one]
    assert len(set(shares)) > 1
    for alone, both in zip(one, two, strict=True):
        assert both["rewards"] == pytest.approx(alone["rewards"], rel=1e-3)
        assert both["probabilities"] == pytest.approx(alone["probabilities"], rel=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("sharded", [False, True], ids=["replicated", "sharded"])
def test_two_processes_measure_a_batch_of_its_own_as_one_does(corpus, store, tmp_path, sharded):
    balancing = {**CATS, "statistics_tokens": 96, "statistics_mode": "evaluation"}
    training = {"sharded": sharded}
    config = write_config(
        tmp_path / "toy.yaml", corpus, store, balancing=balancing, model=NO_DROPOUT, training=training
    )
    one, two = train_on_one_and_two(config, tmp_path, "balance")
    assert len(one) == 8
    for alone, both in zip(one, two, strict=True):
        assert both["weights"] == pytest.approx(alone["weights"], rel=1e-4)
        assert both["gradient_norms"] == pytest.approx(alone["gradient_norms"], rel=1e-3)


@pytest.mark.slow
@pytest.mark.parametrize("sharded", [False, True], ids=["replicated", "sharded"])
def test_the_same_number_of_processes_repeats_itself(corpus, store, tmp_path, sharded):
    """With dropout: random numbers of every process are part of a checkpoint."""
    training = {"sharded": sharded}
    config = write_config(tmp_path / "toy.yaml", corpus, store, balancing=CATS, training=training)
    assert torchrun(2, "train", config, "--out", tmp_path / "whole").returncode == 0
    assert torchrun(2, "train", config, "--out", tmp_path / "parts", "--set", "training.max_steps=10").returncode == 0
    assert torchrun(2, "train", config, "--out", tmp_path / "parts").returncode == 0
    for name in ("model.safetensors", "state.safetensors"):
        found, expected = (tmp_path / run / "checkpoints/step-24" / name for run in ("parts", "whole"))
        one, two = load_file(found), load_file(expected)
        assert one.keys() == two.keys()
        assert all(one[key].equal(two[key]) or one[key].isnan().any() for key in one)


@pytest.mark.slow  # test_ranks tells those of two processes without torchrun
def test_a_mistake_is_told(corpus, store, tmp_path):
    config = write_config(
        tmp_path / "toy.yaml", corpus, store, balancing={"method": "fixed", "task_weights": {"en-xx": 1}}
    )
    done = torchrun(2, "train", config, "--out", tmp_path / "run")
    assert done.returncode != 0
    assert "balancing.task_weights names en-xx" in done.stderr


def test_a_signal_to_one_process_stops_all(corpus, store, tmp_path):
    """Whenever it comes: here between a step's agreement and what follows from it, on one process alone."""
    config = write_config(tmp_path / "toy.yaml", corpus, store, balancing=CATS)
    ended = run_ranks(*[["train", config, "--out", tmp_path / "run"]] * 2, code=SIGNALLED + CATSCALE)
    assert [one.status for one in ended] == [130, 130], ended
    assert "interrupted at step 6; the state is saved" in ended[0].err
    assert (tmp_path / "run" / "checkpoints" / "step-6" / "manifest.json").is_file()


SIGNALLED = """
import os, signal
from catscale.training.trainer import Trainer
agree = Trainer._agree
def signalled(self, interrupt):
    stop = agree(self, interrupt)
    if self.progress.step == 5 and os.environ["RANK"] == "0":
        os.kill(os.getpid(), signal.SIGTERM)
    return stop
Trainer._agree = signalled
"""
