"""The plan of a sweep; `tests/cli/test_sweep.py` runs one."""

import json
from pathlib import Path
from types import SimpleNamespace

import pytest

from catscale.errors import CheckpointError, ConfigError, DataError
from catscale.evaluation.config import EvaluationConfig
from catscale.run import sweep_runs as module
from catscale.run.commands.sweep import sweep
from catscale.run.config import RunConfig, load_config, parse_config
from catscale.run.folder.run_lock import hold_lock
from catscale.run.sweep_plan import plan_sweep
from catscale.run.sweep_runs import plan_job
from tests.comparison.fakes import write_run


def make_config(optimizer=None, **training) -> RunConfig:
    data = {"format": "moses", "path": "x", "source": "en", "targets": "all"}
    content = {"data": data, "training": {"max_steps": 12, **training}, "optimizer": optimizer or {}}
    return parse_config(content, "test")


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


def test_a_warm_up_that_never_ends_is_told_before_the_runs_and_where_they_speak(tmp_path):
    said: list[str] = []
    with pytest.raises(DataError):  # there is no corpus
        sweep(make_config(optimizer={"warmup_steps": 12}), ["T=1"], [1], tmp_path / "s", 1, said.append)
    assert said[1].startswith("warning: optimizer.warmup_steps is 12, and the training ends after 12 steps")
    assert str(tmp_path / "s" / "METHOD" / "seed-N.log") in said[2]
    said.clear()
    with pytest.raises(DataError):
        sweep(make_config(optimizer={"warmup_steps": 11}), ["T=1"], [1], tmp_path / "s", 1, said.append)
    assert "warmup" not in "".join(said)


@pytest.fixture
def finished(tmp_path):
    """A sweep's only run, trained for 12 steps and evaluated on both splits."""

    def plan(steps=12, **evaluation):
        config = make_config(max_steps=steps)
        config = config.model_copy(update={"evaluation": EvaluationConfig(**evaluation)})
        return plan_sweep(config, ["T=5"], [1], tmp_path)[0]

    training = {"max_steps": 12, "seed": 1}
    write_run(plan().folder, steps=12, dev=0.5, sentences=5, training=training)
    return plan


def test_what_is_trained_and_scored_is_done(finished):
    assert finished().is_done
    assert finished().steps == 12


def test_a_greater_budget_is_not_done_and_its_scores_are_made_again(finished):
    run = finished(steps=24)
    assert not run.is_done
    with (run.folder / "metrics.jsonl").open("a") as file:  # trained on, and interrupted before the evaluation
        file.write('{"kind": "valid", "step": 24, "time": 61, "nll": {}, "mean": 2.5}\n')
    assert not run.is_done


def test_other_settings_of_the_evaluation_are_not_done(finished):
    assert not finished(beam=1).is_done


def test_scores_of_a_version_without_a_setting_are_done_where_it_is_as_it_was(finished):
    run = finished()
    for path in run.folder.glob("scores*.json"):
        scores = json.loads(path.read_text())
        del scores["evaluation"]["settings"]["metrics"], scores["evaluation"]["settings"]["batch_sentences"]
        scores["evaluation"]["settings"]["ter"] = False  # as 0.1 has it
        path.write_text(json.dumps(scores))
    assert run.is_done
    assert not finished(metrics=["bleu", "chrf", "ter"]).is_done
    scores["evaluation"]["settings"] = None
    path.write_text(json.dumps(scores))
    assert not run.is_done


def test_a_split_that_was_not_scored_is_not_done(finished):
    (finished().folder / "scores.dev.json").unlink()
    assert not finished().is_done


def test_a_smaller_budget_than_what_was_taken_is_refused(finished, tmp_path):
    run = finished(steps=6)
    message = r"training\.max_steps is 6, and .*seed-1 has taken 12 steps already; choose another folder with --out"
    with pytest.raises(ConfigError, match=message):
        sweep(run.config, ["T=5"], [1], tmp_path, 1, print)


@pytest.fixture
def prepared(monkeypatch):
    """A store with all splits; what is done while it is prepared, and the runs that are started."""
    found = SimpleNamespace(started=[], meanwhile=lambda: None)

    def prepare(data, vocabulary, say):
        found.meanwhile()
        return SimpleNamespace(has_split=lambda split, direction: True, directions=["en-az"])

    monkeypatch.setattr(module, "prepare", prepare)
    monkeypatch.setattr(module, "run_jobs", lambda jobs, *a, **k: found.started.extend(job.name for job in jobs) or [])
    return found


def test_a_second_sweep_in_the_folder_of_one_that_runs_is_refused(prepared, tmp_path):
    out = tmp_path / "sweep"
    out.mkdir()
    (out / ".catscale").write_text('{"kind": "sweep"}')
    with (
        hold_lock(out, "sweep"),
        pytest.raises(CheckpointError, match=r"in use: `catscale sweep` runs there since .*; wait"),
    ):
        sweep(make_config(), ["T=5"], [1], out, 1, print)
    assert prepared.started == []
    sweep(make_config(), ["T=5"], [1], out, 1, print)
    assert prepared.started == ["T=5 seed 1"]
    assert not list(out.glob(".*.lock"))


def test_a_run_that_another_sweep_has_just_done_is_not_done_again(prepared, tmp_path):
    run, _ = plan_sweep(make_config(), ["T=5", "T=1"], [1], tmp_path)
    training = {"max_steps": 12, "seed": 1}

    def end() -> None:
        write_run(run.folder, steps=12, dev=0.5, sentences=5, training=training)

    prepared.meanwhile = end
    (tmp_path / ".catscale").write_text('{"kind": "sweep"}')
    sweep(make_config(), ["T=5", "T=1"], [1], tmp_path, 1, print)
    assert prepared.started == ["T=1 seed 1"]
