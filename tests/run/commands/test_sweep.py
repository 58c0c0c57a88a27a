"""What a sweep says and refuses before its runs; `tests/cli/test_sweep.py` runs one."""

from types import SimpleNamespace

import pytest

from catscale.errors import CheckpointError, DataError
from catscale.run import sweep_runs as module
from catscale.run.commands.sweep import sweep
from catscale.run.folder.run_lock import hold_lock
from catscale.run.sweep_plan import plan_sweep
from tests.comparison.fakes import write_run
from tests.run.plans import make_config


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
