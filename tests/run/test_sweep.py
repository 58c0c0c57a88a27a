"""The plan of a sweep; `tests/cli/test_sweep.py` runs one."""

from pathlib import Path

import pytest

from catscale.errors import ConfigError
from catscale.run.config import RunConfig, load_config, parse_config
from catscale.run.sweep import plan_job, plan_sweep


def make_config(**training) -> RunConfig:
    data = {"format": "moses", "path": "x", "source": "en", "targets": "all"}
    return parse_config({"data": data, "training": {"max_steps": 12, **training}}, "test")


def test_every_run_has_the_same_budget_and_its_own_folder(tmp_path):
    runs = plan_sweep(make_config(), ["T=1", "T=5+cats"], [3, 1], tmp_path)
    assert [(run.method, run.seed) for run in runs] == [("T=1", 3), ("T=5+cats", 3), ("T=1", 1), ("T=5+cats", 1)]
    assert [run.folder.relative_to(tmp_path).as_posix() for run in runs] == [
        "T=1/seed-3",
        "T=5+cats/seed-3",
        "T=1/seed-1",
        "T=5+cats/seed-1",
    ]
    assert len({run.config.training.model_copy(update={"seed": 0}).model_dump_json() for run in runs}) == 1


def test_a_job_trains_what_it_writes_and_scores_dev_and_test(tmp_path):
    (run,) = plan_sweep(make_config(), ["T=2"], [4], tmp_path)
    job = plan_job(run, threads=3)
    train, evaluate = job.commands
    written = load_config(Path(train[train.index("train") + 1]))
    assert (written.sampling, written.training.seed, job.steps, job.threads) == (run.config.sampling, 4, 12, 3)
    assert evaluate[-5:] == [str(run.folder), "--split", "dev", "--split", "test"]


@pytest.mark.parametrize(
    ("methods", "seeds", "training", "message"),
    [
        (["T=1", "T=1"], [1], {}, "the method T=1 stands twice"),
        (["T=1"], [1, 2, 2], {}, "the seed 2 stands twice"),
        (["T=1"], [1], {"max_minutes": 5}, "training.max_minutes = 5 would end them at different steps"),
        (["T=1"], [1], {"patience": 2}, "training.patience = 2 would end them at different steps"),
        (["T=1", "T=1.0"], [1], {}, "the methods 'T=1' and 'T=1.0' are the same"),
        (["cats:alpha_lr=1", "cats:alpha_lr=1,inner_steps=10"], [1], {}, "are the same"),
    ],
)
def test_unequal_or_doubled_runs_are_refused(tmp_path, methods, seeds, training, message):
    with pytest.raises(ConfigError, match=message):
        plan_sweep(make_config(**training), methods, seeds, tmp_path)
