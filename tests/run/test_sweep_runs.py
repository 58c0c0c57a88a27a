"""Runs of a sweep: what is checked before them, what is started, and what is said of their failures."""

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from catscale.errors import CatscaleError, ConfigError, Interrupted
from catscale.evaluation.metrics.table import METRICS, read_metric
from catscale.run import sweep_runs as module
from catscale.run.config import load_config, parse_config
from catscale.run.slurm_settings import SlurmSettings
from catscale.run.sweep_plan import plan_sweep
from catscale.run.sweep_runs import carry_out, check_runs, check_splits, plan_job
from catscale.settings.own_class import OWN
from catscale.system.reading.yaml_file import parse_yaml
from tests.comparison.fakes import write_run
from tests.evaluation.metrics.own import write_module
from tests.run.plans import make_config

TRAINING: dict[str, Any] = {"max_steps": 12, "seed": 1}


def store_with(*splits: str) -> Any:
    return SimpleNamespace(has_split=lambda split, direction: split in splits, directions=["en-az", "en-be"])


def test_a_job_trains_what_it_writes_and_scores_dev_and_test(tmp_path):
    (run,) = plan_sweep(make_config(), ["T=2"], [4], tmp_path)
    job = plan_job(run, threads=3)
    train, evaluate = job.commands
    written = load_config(Path(train[train.index("train") + 1]))
    assert (written.sampling, written.training.seed, job.steps, job.threads) == (run.config.sampling, 4, 12, 3)
    assert evaluate[-5:] == [str(run.folder), "--split", "dev", "--split", "test"]


def test_a_job_names_metrics_of_the_user_s_own_again(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    name = f"{write_module(tmp_path)}:Longer"
    config = make_config()
    metrics = (*config.evaluation.metrics, read_metric({"method": name, "floor": 0.5}, OWN))
    own = config.model_copy(update={"evaluation": config.evaluation.model_copy(update={"metrics": metrics})})
    del METRICS[name]
    (run,) = plan_sweep(own, ["T=2"], [4], tmp_path / "out")
    option, written = plan_job(run, threads=1).commands[1][-2:]
    assert (option, written) == (
        "--set", f'evaluation.metrics=["bleu", "chrf", {{"method": "{name}", "floor": 0.5}}]'
    )  # fmt: skip
    again = {"metrics": parse_yaml(written.partition("=")[2])}
    read = parse_config({**config.model_dump(mode="json"), "evaluation": again}, "x")
    assert read.evaluation.metrics == metrics
    del METRICS[name]


def test_the_job_of_the_first_run_scores_the_model_that_all_begin_with(tmp_path):
    first, second = plan_sweep(make_config(model={"pretrained": "folder"}), ["T=2"], [4, 5], tmp_path)
    (_, evaluate, before), others = plan_job(first, threads=1).commands, plan_job(second, threads=1).commands
    assert (before, len(others)) == ([*evaluate, "--model", "base"], 2)


def test_a_smaller_budget_than_what_was_taken_is_refused(tmp_path):
    runs = plan_sweep(make_config(max_steps=6), ["T=5"], [1], tmp_path)
    write_run(runs[0].folder, steps=12, sentences=5, training=TRAINING)
    message = r"training\.max_steps is 6, and .*seed-1 has taken 12 steps already; choose another folder with --out"
    with pytest.raises(ConfigError, match=message):
        check_runs(runs, tmp_path)
    check_runs(plan_sweep(make_config(max_steps=12), ["T=5"], [1], tmp_path), tmp_path)


def test_a_folder_of_another_run_or_of_none_of_ours_is_refused(tmp_path):
    runs = plan_sweep(make_config(max_steps=12), ["T=5"], [1], tmp_path)
    check_runs(runs, tmp_path / "none")
    write_run(runs[0].folder, steps=12, sentences=5, training=TRAINING, vocabulary={"size": 777})
    with pytest.raises(ConfigError, match=r"vocabulary\.size: 777 there, 8000 now\nchoose another folder"):
        check_runs(runs, tmp_path)
    runs[0].folder.rename(tmp_path / "elsewhere")
    runs[0].folder.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(CatscaleError, match=r"seed-1 is a symbolic link, where catscale keeps a folder of its own"):
        check_runs(runs, tmp_path)


@pytest.mark.parametrize(
    ("splits", "missing"), [(("train",), "dev, test"), (("train", "dev"), "test"), (("test",), "dev")]
)
def test_a_split_that_would_be_scored_and_is_missing(monkeypatch, splits, missing):
    monkeypatch.setattr(module, "prepare", lambda *arguments: store_with(*splits))
    with pytest.raises(ConfigError, match=f"scores dev and test, found no {missing} split; set data.holdout"):
        check_splits(make_config(), print)
    monkeypatch.setattr(module, "prepare", lambda *arguments: store_with("dev", "test"))
    check_splits(make_config(), print)


def test_failures_are_listed_after_the_others_and_an_interruption_counts_what_is_done(monkeypatch, tmp_path):
    monkeypatch.setattr(module, "prepare", lambda *arguments: store_with("dev", "test"))
    monkeypatch.setattr(module, "run_jobs", lambda jobs, *a, **k: [CatscaleError(f"{jobs[1].name} ended")])
    runs = plan_sweep(make_config(), ["T=5", "T=1"], [1], tmp_path / "sweep")
    said: list[str] = []
    with pytest.raises(CatscaleError, match=r"^1 of 2 runs failed, the others are done:\n  T=1 seed 1 ended\nthe same"):
        carry_out(runs, tmp_path / "sweep", 3, said.append)
    assert said[0] == f"sweep of 2 runs in {tmp_path / 'sweep'}: 0 done, 2 to do, 3 at a time"
    write_run(runs[0].folder, steps=12, dev=0.5, sentences=5, training=TRAINING)

    def interrupt(*arguments: Any, **options: Any) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr(module, "run_jobs", interrupt)
    with pytest.raises(Interrupted, match="interrupted, 1 of 2 runs done; those that ran have saved their state"):
        carry_out(runs, tmp_path / "sweep", 1, said.append)


def test_where_all_is_done_nothing_is_prepared(monkeypatch, tmp_path):
    monkeypatch.setattr(module, "prepare", None)
    runs = plan_sweep(make_config(), ["T=5"], [1], tmp_path / "sweep")
    write_run(runs[0].folder, steps=12, dev=0.5, sentences=5, training=TRAINING)
    (tmp_path / "sweep" / ".catscale").write_text('{"kind": "sweep"}')
    said: list[str] = []
    carry_out(runs, tmp_path / "sweep", 1, said.append)
    assert [line.partition(": ")[2] for line in said] == ["1 done, 0 to do, 1 at a time"]


class NoQueue:
    """A stand-in for `Cluster`."""

    interruption = "jobs stay"

    def __init__(self, settings: SlurmSettings, out: Path) -> None:
        self.settings, self.out = settings, out


@pytest.mark.parametrize(("jobs", "at_once"), [(None, 2), (1, 1)])
def test_runs_are_given_to_a_cluster_all_at_once_with_the_processors_that_they_ask_for(
    monkeypatch, tmp_path, jobs, at_once
):
    seen: list[Any] = []
    monkeypatch.setattr(module, "prepare", lambda *arguments: store_with("dev", "test"))
    monkeypatch.setattr(module, "list_gpus", None)
    monkeypatch.setattr(module, "import_submitit", lambda: None)
    monkeypatch.setattr(module, "Cluster", NoQueue)
    monkeypatch.setattr(module, "run_jobs", lambda jobs, *a, **k: seen.extend((*jobs, a[0], k["gpus"])) or [])
    runs, out = plan_sweep(make_config(), ["T=5", "T=1"], [1], tmp_path / "sweep"), tmp_path / "sweep"
    lines: list[str] = []
    carry_out(runs, out, jobs, lines.append, SlurmSettings(cpus=6))
    first, second, *rest = seen
    assert rest == [at_once, []]
    assert (first.threads, first.executor.settings.cpus, first.executor.out) == (6, 6, out)
    assert second.executor is first.executor
    assert lines[0].endswith(f": 0 done, 2 to do, {at_once} at a time, each a job of Slurm")

    def interrupt(*arguments: Any, **options: Any) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr(module, "run_jobs", interrupt)
    with pytest.raises(Interrupted, match=r"interrupted, 0 of 2 runs done; jobs stay$"):
        carry_out(runs, out, jobs, lines.append, SlurmSettings())


def test_a_cluster_that_is_not_there_is_told_before_anything_is_written(monkeypatch, tmp_path):
    def refuse() -> None:
        raise ConfigError("--slurm: found no sbatch")

    monkeypatch.setattr(module, "import_submitit", refuse)
    with pytest.raises(ConfigError, match="found no sbatch"):
        carry_out(plan_sweep(make_config(), ["T=5"], [1], tmp_path / "s"), tmp_path / "s", 1, print, SlurmSettings())
    assert not (tmp_path / "s").exists()


@pytest.mark.parametrize(
    ("gpus", "jobs", "at_once", "said"),
    [
        ([], None, 1, "1 at a time"),
        ([], 3, 3, "3 at a time"),
        (["4", "5"], None, 2, "2 at a time, on 2 GPUs"),
        (["4", "5"], 1, 1, "1 at a time, on 2 GPUs"),
        (["4", "5"], 8, 2, "2 at a time, on 2 GPUs"),
    ],
)
def test_runs_are_spread_over_the_gpus_that_there_are(monkeypatch, tmp_path, gpus, jobs, at_once, said):
    seen: list[Any] = []
    monkeypatch.setattr(module, "prepare", lambda *arguments: store_with("dev", "test"))
    monkeypatch.setattr(module, "list_gpus", lambda device: gpus)
    monkeypatch.setattr(module, "run_jobs", lambda jobs, *a, **k: seen.extend((len(jobs), a[0], k["gpus"])) or [])
    lines: list[str] = []
    carry_out(
        plan_sweep(make_config(), ["T=5", "T=1"], [1], tmp_path / "sweep"), tmp_path / "sweep", jobs, lines.append
    )
    assert seen == [2, at_once, gpus]
    assert lines[0].endswith(f": 0 done, 2 to do, {said}")
