"""Each sampler through the real command line: training, what is recorded, interruption in the middle of a schedule."""

import math
import signal
from pathlib import Path

import pytest
import yaml

from catscale.cli.main import main
from catscale.sampling import SAMPLERS
from tests.cli.toy import write_config
from tests.run_records import assert_same_run, metrics

SETTINGS = {
    "temperature": {"temperature": 1},
    "temperature_schedule": {"method": "temperature_schedule", "knots": [[2, 1], [20, 100]]},
    "pretrain_finetune": {"method": "pretrain_finetune", "steps": 12, "high": ["en-xa"]},
    "multidds": {"method": "multidds", "interval": 5, "learning_rate": 0.5},
    "multidds, plain": {"method": "multidds", "interval": 5, "learning_rate": 0.5, "stabilised": False},
    "cats_sampling": {"method": "cats_sampling", "interval": 5},
    "cats_sampling, dev": {"method": "cats_sampling", "interval": 5, "split": "dev"},
    "pike": {"method": "pike", "interval": 5},
    "own_gap": {"method": "own_gap", "interval": 5},
    "multidds, of uncertainty": {"method": "multidds", "interval": 5, "reward": "uncertainty"},
    "chi_square": {"method": "chi_square", "interval": 5},
    "dev_loss": {"method": "dev_loss", "temperature": 1},
    "odm": {"method": "odm", "warm_up": 2},
    "ado": {"method": "ado", "interval": 1, "warm_up": 3, "refit": 6},
    "doge": {"method": "doge", "interval": 5},
    "adaptive_scheduling": {"method": "adaptive_scheduling", "baselines": {"en-xa": 0.5, "en-xb": 1.0}},
}
SETTINGS |= {name: {"method": name} for name in SAMPLERS if name not in SETTINGS}
FIVES, VALIDATIONS = [5, 10, 15, 20], [8, 16, 24]
BY_STEPS = ("multidds", "cats_sampling", "pike", "own_gap", "odm")
MOVES = {
    **dict.fromkeys((*BY_STEPS, "chi_square", "ado", "doge"), FIVES),  # of two tasks, doge's have one score
    **dict.fromkeys(("dev_loss", "adaptive_scheduling"), VALIDATIONS),
}
"""The steps with a record of the mixture, of the samplers that learn."""
INTERRUPTED = ["temperature_schedule", "multidds", "cats_sampling", "own_gap", "ado", "dev_loss"]
"""One of those that follow the step alone, and of each kind of rewards."""


@pytest.fixture(scope="module", params=SETTINGS)
def whole(request, tmp_path_factory, corpus, store) -> tuple[Path, Path]:
    """A configuration and its uninterrupted run."""
    root = tmp_path_factory.mktemp(request.param.replace(", ", "-"))
    config = write_config(root / "toy.yaml", corpus, store)
    content = yaml.safe_load(config.read_text()) | {"sampling": SETTINGS[request.param]}
    config.write_text(yaml.safe_dump(content))
    assert main(["train", str(config), "--out", str(root / "run")]) == 0
    return config, root / "run"


def test_it_trains_and_records_what_it_learns(whole):
    _, run = whole
    method = yaml.safe_load((run / "config.yaml").read_text())["sampling"]["method"]
    records = metrics(run)
    losses = [record["mean"] for record in records if record["kind"] == "valid"]
    assert losses[-1] < losses[0]
    samples = [record for record in records if record["kind"] == "sample"]
    assert [record["step"] for record in samples] == MOVES.get(method, [])
    for record in samples:
        assert record.keys() - {"variances", "dev_squares"} == {"kind", "step", "probabilities", "rewards", "entropy"}
        assert record["rewards"].keys() <= record["probabilities"].keys() == {"en-xa", "en-xb"}
        assert record["rewards"]
        if method == "multidds":
            most = math.log(120) if "uncertainty" in str(run) else 1
            assert all(-1 <= value <= most for value in record["rewards"].values())
        elif method == "cats_sampling":  # positive: the mixture's gradient is a sum of them
            assert max(record["rewards"].values()) > 0
        assert sum(record["probabilities"].values()) == pytest.approx(1)
    shares = [0.8, *(record["probabilities"]["en-xa"] for record in samples)]
    assert len({round(share, 6) for share in shares}) == len(shares) or method not in BY_STEPS
    trained = {
        task for record in records if record["kind"] == "train" and record["step"] <= 10 for task in record["nll"]
    }
    assert trained == ({"en-xa"} if method == "pretrain_finetune" else {"en-xa", "en-xb"})


@pytest.mark.parametrize("whole", INTERRUPTED, indirect=True)
def test_stopped_in_the_middle_of_an_interval_and_crashed_after_an_update(whole, cli, stop_at, tmp_path):
    """The crash after step 11 undoes the update at 10."""
    config, expected = whole
    for step in (3, 5, 9):
        stop_at(step, signal.SIGTERM)
        assert cli("train", config, "--out", tmp_path / "run").status == 130
    stop_at(11, RuntimeError)
    with pytest.raises(RuntimeError, match="a crash"):
        cli("train", config, "--out", tmp_path / "run")
    for step, went_on in ((12, 9), (14, 12), (21, 14)):
        stop_at(step, signal.SIGTERM)
        done = cli("train", config, "--out", tmp_path / "run")
        assert done.status == 130
        assert f"continuing at step {went_on}" in done.err
    stop_at(None)
    assert cli("train", config, "--out", tmp_path / "run").status == 0
    assert_same_run(tmp_path / "run", expected)


@pytest.mark.parametrize(
    ("sampling", "message"),
    [
        (
            "{method: pretrain_finetune, steps: 3, high: [en-zz]}",
            "sampling.high names en-zz; the tasks are en-xa, en-xb; use their names",
        ),
        ("{method: pretrain_finetune, steps: 3, min_pairs: 9999}", "no task has 9,999 training pairs, the largest has"),
        (
            "{method: temperature_schedule, knots: [[5, 1], [2, 5]]}",
            "the steps of the knots must ascend, found 2 after 5",
        ),
        (
            "{method: multids}",
            "sampling.method: 'multids' is not known; did you mean multidds? Known here: temperature, ",
        ),
    ],
)
def test_mistakes(cli, config, tmp_path, sampling, message):
    done = cli("train", config, "--out", tmp_path / "run", "--set", f"sampling={sampling}")
    assert done.status == 2
    assert message in done.message
    assert not (tmp_path / "run" / "config.yaml").exists()
