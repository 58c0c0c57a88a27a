"""Two processes of one run that were not started alike, each by hand."""

from pathlib import Path

import pytest

from tests.cli.toy import write_config, write_corpus
from tests.ranks import run_ranks


def train(config: Path, run: Path, *settings: str) -> list[object]:
    return ["train", config, "--out", run, *(part for text in settings for part in ("--set", text))]


def test_other_settings_stop_both_with_one_message(corpus, store, tmp_path):
    """Another length, too: the longer one would wait for the other."""
    config = write_config(tmp_path / "toy.yaml", corpus, store)
    second = train(config, tmp_path / "a", "training.max_steps=16", "balancing.method=cats")
    ended = run_ranks(train(config, tmp_path / "a"), second)
    assert [one.status for one in ended] == [2, 2]
    assert "training.max_steps: 24 on process 0, 16 on process 1" in ended[0].err
    assert 'balancing.method: "fixed" on process 0, "cats" on process 1' in ended[0].err
    assert "catscale: " not in ended[1].err
    assert "Traceback" not in ended[0].err + ended[1].err
    assert not (tmp_path / "a").exists()


def test_another_corpus_stops_both_with_one_message(corpus, store, tmp_path):
    """At another place, as on a machine of its own: where the data lie may differ, what they are may not."""
    config = write_config(tmp_path / "toy.yaml", corpus, store)
    other = write_corpus(tmp_path / "other", "moses", {"xa": 500, "xb": 150})
    second = train(config, tmp_path / "a", f"data.path={other}", f"data.store={tmp_path / 'store'}")
    ended = run_ranks(train(config, tmp_path / "a"), second)
    assert [one.status for one in ended] == [2, 2]
    assert "the data's fingerprint: " in ended[0].err
    assert "catscale: " not in ended[1].err


def test_one_that_fails_before_it_comes_leaves_nobody_waiting(corpus, store, tmp_path):
    config = write_config(tmp_path / "toy.yaml", corpus, store)
    code = """
import sys, datetime
from catscale.distributed import processes
processes.MEETING = datetime.timedelta(seconds=2)
from catscale.cli.main import main
sys.exit(main(sys.argv[1:]))
"""
    ended = run_ranks(train(config, tmp_path / "a"), train(config, tmp_path / "a", "training.sed=1"), code=code)
    assert [one.status for one in ended] == [2, 2]
    assert "training.sed: unknown key; did you mean seed?" in ended[1].err
    assert "process 0 of 2 did not find the others at 127.0.0.1:" in ended[0].err
    assert "Traceback" not in ended[0].err


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({"WORLD_SIZE": "abc"}, "WORLD_SIZE must be a whole number of at least 1, found 'abc'; start with torchrun"),
        ({"WORLD_SIZE": "-2"}, "WORLD_SIZE must be a whole number of at least 1, found '-2'"),
        ({"WORLD_SIZE": "2"}, "WORLD_SIZE is 2, but RANK, MASTER_ADDR, MASTER_PORT is not set"),
        ({"RANK": ""}, "WORLD_SIZE is 2, but RANK is not set"),
        ({"RANK": "2"}, "RANK must be a whole number from 0 to 1, found '2'"),
        ({"RANK": "x"}, "RANK must be a whole number from 0 to 1, found 'x'"),
        ({"MASTER_PORT": "http"}, "MASTER_PORT must be a whole number from 1 to 65535, found 'http'"),
        ({"MASTER_PORT": "99999"}, "MASTER_PORT must be a whole number from 1 to 65535, found '99999'"),
    ],
)
def test_variables_that_torchrun_would_set_otherwise(cli, config, tmp_path, monkeypatch, variables, message):
    whole = {"WORLD_SIZE": "2", "RANK": "0", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "29500"}
    for name, value in (variables if list(variables) == ["WORLD_SIZE"] else whole | variables).items():
        monkeypatch.setenv(name, value)
    done = cli("train", config, "--out", tmp_path / "run")
    assert done.status == 2
    assert message in done.message
    assert not (tmp_path / "run").exists()
