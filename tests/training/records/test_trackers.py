"""wandb and MLflow by modules that have the functions we call and note what they are given."""

import sys
from types import SimpleNamespace
from typing import Any, ClassVar

import pytest

from catscale.errors import ConfigError, DivergedError, Interrupted
from catscale.training.records.run_log import RunLog
from catscale.training.records.trackers import Trackers, run_id
from catscale.training.state import Progress


class FakeWandb:
    """Of `wandb`: `init`, and of the run `define_metric`, `log`, `finish`."""

    def __init__(self) -> None:
        self.given: dict[str, Any] = {}
        self.logged: list[Any] = []
        self.ends: list[Any] = []
        self.breaks = False

    def init(self, **given):
        self.given = given
        return SimpleNamespace(define_metric=lambda *a, **k: None, log=self.log, finish=self.finish)

    def log(self, content):
        if self.breaks:
            raise OSError("no room")
        self.logged.append(content)

    def finish(self, exit_code):
        self.ends.append(exit_code)


class FakeClient:
    """Of `mlflow.MlflowClient`: experiments, runs by tag, metrics and parameters."""

    runs: ClassVar[dict] = {}
    uris: ClassVar[list] = []

    def __init__(self, tracking_uri):
        self.uris.append(tracking_uri)

    def get_experiment_by_name(self, name):
        return SimpleNamespace(experiment_id="7") if self.runs else None

    def create_experiment(self, name):
        return "7"

    def search_runs(self, experiments, filter_string):
        return [run["run"] for tag, run in self.runs.items() if f"'{tag}'" in filter_string]

    def create_run(self, experiment, tags, run_name):
        run = SimpleNamespace(info=SimpleNamespace(run_id=run_name))
        self.runs[tags["catscale.run"]] = {"run": run, "metrics": [], "params": {}, "status": "RUNNING"}
        return run

    def _of(self, name):
        return next(run for run in self.runs.values() if run["run"].info.run_id == name)

    def update_run(self, run, status):
        self._of(run)["status"] = status

    def log_param(self, run, key, value):
        self._of(run)["params"][key] = value

    def log_metric(self, run, name, value, step):
        self._of(run)["metrics"].append((name, value, step))

    def set_terminated(self, run, status):
        self._of(run)["status"] = status


@pytest.fixture
def wandb(monkeypatch) -> FakeWandb:
    module = FakeWandb()
    monkeypatch.setitem(sys.modules, "wandb", module)
    monkeypatch.delenv("WANDB_MODE", raising=False)
    return module


@pytest.fixture
def mlflow(monkeypatch) -> type[FakeClient]:
    monkeypatch.setattr(FakeClient, "runs", {})
    monkeypatch.setattr(FakeClient, "uris", [])
    monkeypatch.setitem(sys.modules, "mlflow", SimpleNamespace(MlflowClient=FakeClient))
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    return FakeClient


RECORD = {"mean": 1.5, "nll": {"en-az": 2.0, "en-fr": None}, "note": "x"}
SETTINGS = {"training.seed": 1, "model.preset": "tiny"}


def make(folder, wandb=None, mlflow=None, said=None) -> Trackers:
    return Trackers(wandb, mlflow, folder, SETTINGS, (said if said is not None else []).append)


def test_wandb_gets_the_numbers_offline(wandb, tmp_path, monkeypatch):
    trackers = make(tmp_path, wandb="project")
    trackers.write("valid", 5, RECORD)
    trackers.close()
    assert wandb.logged == [{"step": 5, "valid/mean": 1.5, "valid/nll/en-az": 2.0}]
    expected = {"project": "project", "mode": "offline", "resume": "allow", "dir": str(tmp_path), "config": SETTINGS}
    assert expected.items() <= wandb.given.items()
    assert wandb.ends == [0]
    first = wandb.given["id"]
    monkeypatch.setenv("WANDB_MODE", "online")
    make(tmp_path, wandb="project")
    assert (wandb.given["id"], wandb.given["mode"]) == (first, "online")


def test_mlflow_gets_them_in_the_run_s_folder_and_goes_on_with_the_same_run(mlflow, tmp_path, monkeypatch):
    trackers = make(tmp_path, mlflow="experiment")
    trackers.write("train", 3, {"loss": 2.0})
    trackers.close()
    [run] = mlflow.runs.values()
    assert run["metrics"] == [("train/loss", 2.0, 3)]
    assert run["params"] == {"training.seed": "1", "model.preset": "tiny"}
    assert run["status"] == "FINISHED"
    assert mlflow.uris == [f"sqlite:///{tmp_path / 'mlflow' / 'mlflow.db'}"]
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:1")
    make(tmp_path, mlflow="experiment").write("train", 6, {"loss": 1.0})
    assert mlflow.uris[1] == "http://127.0.0.1:1"
    assert [metric[2] for metric in run["metrics"]] == [3, 6]
    assert len(mlflow.runs) == 1


@pytest.mark.parametrize(
    ("error", "status", "end"),
    [
        (Interrupted("saved"), 130, "KILLED"),
        (KeyboardInterrupt(), 130, "KILLED"),
        (DivergedError("nan"), 3, "FAILED"),
        (MemoryError(), 1, "FAILED"),
    ],
)
def test_a_run_that_is_broken_off_says_how_and_goes_on_as_the_same(wandb, mlflow, tmp_path, error, status, end):
    log = RunLog(None, 0, 0, tensorboard=False, trackers=make(tmp_path, "project", "experiment"))
    log.write("train", Progress(), {"loss": 2.0})
    log.break_off(error)
    [run] = mlflow.runs.values()
    assert (wandb.ends, run["status"]) == ([status], end)
    again = make(tmp_path, "project", "experiment")
    assert run["status"] == "RUNNING"
    again.close()
    assert (wandb.ends, run["status"], len(mlflow.runs)) == ([status, 0], "FINISHED", 1)


def test_one_that_fails_ends_no_run(wandb, mlflow, tmp_path):
    said: list[str] = []
    trackers = make(tmp_path, "project", "experiment", said)
    wandb.breaks = True
    trackers.write("train", 1, {"loss": 2.0})
    trackers.write("train", 2, {"loss": 2.0})
    assert said == ["warning: wandb failed (OSError: no room); the run goes on without it"]
    assert [metric[2] for run in mlflow.runs.values() for metric in run["metrics"]] == [1, 2]


def test_a_link_in_the_place_of_a_database_is_not_followed(mlflow, tmp_path):
    (tmp_path / "mlflow").mkdir()
    (tmp_path / "mlflow" / "mlflow.db").symlink_to(tmp_path / "theirs")
    said: list[str] = []
    make(tmp_path, mlflow="experiment", said=said)
    assert "mlflow.db is a symbolic link, where catscale keeps a file of its own" in said[0]
    assert mlflow.uris == []


@pytest.mark.parametrize("name", ["wandb", "mlflow"])
def test_it_says_what_to_install(monkeypatch, tmp_path, name):
    monkeypatch.setitem(sys.modules, name, None)
    message = rf"training\.{name} is set, and the package {name} is not installed .*; pip install 'catscale\[{name}\]'"
    with pytest.raises(ConfigError, match=message):
        make(tmp_path, **{name: "x"})


def test_a_run_s_name_stays_and_is_its_own(tmp_path):
    (tmp_path / "b").mkdir()
    assert run_id(tmp_path) == run_id(tmp_path / "b" / "..") != run_id(tmp_path / "b")
