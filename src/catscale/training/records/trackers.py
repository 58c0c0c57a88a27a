"""The numbers of `metrics.jsonl` once more, for Weights & Biases and for MLflow, each through its own package.

Nothing leaves the machine unless the user has said so in the way of that package: wandb runs offline unless WANDB_MODE
says otherwise, MLflow writes into the run's folder unless MLFLOW_TRACKING_URI does. A tracker that fails is dropped
with a warning; the run goes on.
"""

import hashlib
import os
import socket
from collections.abc import Callable, Mapping
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

from catscale.errors import ConfigError, Interrupted
from catscale.system.console.messages import Say
from catscale.system.writing.files import make_own_folder
from catscale.system.writing.places import check_file
from catscale.training.records.tensorboard import find_scalars

ENDS = {0: "FINISHED", Interrupted.exit_status: "KILLED"}
"""MLflow's names of the end of a run, by exit status."""


class Tracker(Protocol):
    """Takes the numbers of records."""

    name: str

    def write(self, kind: str, step: int, record: Mapping[str, Any]) -> None:
        """Add the numbers of one record."""

    def close(self, status: int) -> None:
        """Write what is held back, and end with the exit status that the command will have."""


class WandbTracker:
    """A run of Weights & Biases; a continued run goes on with the same one.

    Args:
        project: `training.wandb`.
        folder: The run's; wandb writes below it.
        settings: The run's configuration, shown beside the curves.
    """

    name = "wandb"

    def __init__(self, project: str, folder: Path, settings: Mapping[str, Any]) -> None:
        module = _load("wandb")
        make_own_folder(folder / "wandb")
        self._run = module.init(
            project=project,
            name=folder.name,
            id=run_id(folder),
            resume="allow",
            dir=str(folder),
            mode=os.environ.get("WANDB_MODE", "offline"),
            config=dict(settings),
        )
        self._run.define_metric("step")
        self._run.define_metric("*", step_metric="step")  # a continued run may write steps again

    def write(self, kind: str, step: int, record: Mapping[str, Any]) -> None:
        """Add the numbers of one record."""
        self._run.log({"step": step, **dict(find_scalars(record, kind))})

    def close(self, status: int) -> None:
        """Write what is held back; Weights & Biases knows "finished", status 0, and "failed"."""
        self._run.finish(exit_code=status)


class MlflowTracker:
    """A run of MLflow; a continued run goes on with the same one.

    Args:
        experiment: `training.mlflow`.
        folder: The run's; MLflow writes below it, unless MLFLOW_TRACKING_URI says otherwise.
        settings: The run's configuration, shown beside the curves.
    """

    name = "mlflow"

    def __init__(self, experiment: str, folder: Path, settings: Mapping[str, Any]) -> None:
        module = _load("mlflow")
        uri = os.environ.get("MLFLOW_TRACKING_URI", "")
        if not uri:
            database = folder.absolute() / "mlflow" / "mlflow.db"
            make_own_folder(database.parent)
            check_file(database)  # SQLite would follow a link
            uri = f"sqlite:///{database}"
        self._client = module.MlflowClient(tracking_uri=uri)
        known = self._client.get_experiment_by_name(experiment)
        number = self._client.create_experiment(experiment) if known is None else known.experiment_id
        tag = f"tags.`catscale.run` = '{run_id(folder)}'"
        earlier = self._client.search_runs([number], filter_string=tag)
        if earlier:
            self._run = earlier[0].info.run_id
            self._client.update_run(self._run, status="RUNNING")
            return
        made = self._client.create_run(number, tags={"catscale.run": run_id(folder)}, run_name=folder.name)
        self._run = made.info.run_id
        for key, value in settings.items():
            self._client.log_param(self._run, key, str(value)[:500])

    def write(self, kind: str, step: int, record: Mapping[str, Any]) -> None:
        """Add the numbers of one record."""
        for name, value in find_scalars(record, kind):
            self._client.log_metric(self._run, name, value, step=step)

    def close(self, status: int) -> None:
        """End the run as finished, killed (an interrupted one, which may be continued) or failed."""
        self._client.set_terminated(self._run, ENDS.get(status, "FAILED"))


class Trackers:
    """The trackers of a run, none of which may end it.

    Args:
        wandb: Project of Weights & Biases; None for none.
        mlflow: Experiment of MLflow; None for none.
        folder: The run's.
        settings: Dotted names and values of the run's configuration.
        warn: Receives a warning of one that fails.

    Raises:
        ConfigError: If a package is not installed.
    """

    def __init__(
        self, wandb: str | None, mlflow: str | None, folder: Path, settings: Mapping[str, Any], warn: Say
    ) -> None:
        self._warn = warn
        self._trackers: list[Tracker] = []
        for make, given in ((WandbTracker, wandb), (MlflowTracker, mlflow)):
            if given is not None:
                _load(make.name)
                self._guard(make.name, partial(self._add, make, given, folder, settings))

    def _add(
        self,
        make: Callable[[str, Path, Mapping[str, Any]], Tracker],
        given: str,
        folder: Path,
        settings: Mapping[str, Any],
    ) -> None:
        self._trackers.append(make(given, folder, settings))

    def write(self, kind: str, step: int, record: Mapping[str, Any]) -> None:
        """Hand on a record."""
        for tracker in list(self._trackers):
            if not self._guard(tracker.name, partial(tracker.write, kind, step, record)):
                self._trackers.remove(tracker)

    def close(self, status: int = 0) -> None:
        """Close all.

        Args:
            status: Exit status that the command will have.
        """
        for tracker in self._trackers:
            self._guard(tracker.name, partial(tracker.close, status))
        self._trackers = []

    def _guard(self, name: str, act: Callable[[], object]) -> bool:
        try:
            act()
        except Exception as error:  # each package has its own
            self._warn(f"warning: {name} failed ({type(error).__name__}: {error}); the run goes on without it")
            return False
        return True


def run_id(folder: Path) -> str:
    """Return a name of the run's folder on this machine, the same when it is continued."""
    return hashlib.sha256(f"{socket.gethostname()}:{folder.resolve()}".encode()).hexdigest()[:16]


def _load(name: str) -> Any:
    """Import the package.

    Raises:
        ConfigError: If it is not installed.
    """
    try:
        return import_module(name)
    except ImportError as error:
        raise ConfigError(
            f"training.{name} is set, and the package {name} is not installed ({error}); pip install "
            f"'catscale[{name}]', or set it to null"
        ) from error
