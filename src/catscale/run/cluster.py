"""A sweep's runs as jobs of a Slurm cluster, through submitit: a run is one job, and found again when asked for."""

import shutil
from importlib import import_module
from pathlib import Path
from typing import Any, ClassVar

from catscale.errors import CatscaleError, ConfigError
from catscale.run.cluster_work import read_status, run_in_turn
from catscale.run.local_processes import JobCommands
from catscale.run.slurm_settings import SlurmSettings
from catscale.system.reading.json_file import SMALL, load_json
from catscale.system.reading.schema import FileSchema, Text
from catscale.system.writing.files import append_to, make_private_folder, remove_file, user_errors, write_json

SLURM = "slurm"
"""The name that submitit has for the kind of cluster."""
FOLDER = ".slurm"
"""The folder in a sweep's for the files of submitit, and for which job is whose."""
ACTIVE = {
    "PENDING", "CONFIGURING", "RUNNING", "COMPLETING", "SUSPENDED", "STOPPED", "REQUEUED", "REQUEUE_FED",
    "REQUEUE_HOLD", "RESIZING", "SIGNALING", "STAGE_OUT",
}  # fmt: skip
"""States of a job that Slurm has not done with."""
UNKNOWN = "UNKNOWN"
"""State of a job that Slurm's accounting does not know, or not yet."""
LOST = 1
"""Status of commands whose job ended without a word."""


def import_submitit(kind: str = SLURM) -> Any:
    """Return submitit.

    Raises:
        ConfigError: If it is missing, or there is no such cluster here.
    """
    try:
        submitit = import_module("submitit")
    except ImportError as error:
        raise ConfigError(
            "--slurm needs submitit, which is not installed; run pip install 'catscale[slurm]', or leave --slurm out"
        ) from error
    if kind == SLURM and any(shutil.which(program) is None for program in ("sbatch", "srun", "sacct")):
        raise ConfigError(
            "--slurm: found no sbatch, srun and sacct on the PATH; call it on a machine that gives jobs to Slurm, or "
            "leave --slurm out"
        )
    return submitit


class Submitted(FileSchema):
    """The job that a run was given to."""

    job: Text


class Cluster:
    """The queue of a cluster, whose jobs have all commands of a run each; they stay there when this process ends.

    submitit pickles what a job is to run: the name of `run_in_turn` and the texts that it is called with, which we make
    ourselves, in a folder that nobody else may enter. The job reads that back as the same user; nothing that comes from
    elsewhere is unpickled, and here nothing is, results being read as JSON.

    Args:
        settings: The demands of each job.
        out: The sweep's folder, on a disk that the cluster's machines share.
        kind: The name that submitit has for the kind of cluster.

    Raises:
        ConfigError: If submitit or the cluster is missing.
        CatscaleError: If the folder cannot be made, or another user owns it.
    """

    takes_all: ClassVar[bool] = True
    interruption: ClassVar[str] = "jobs stay on the cluster (scancel ends one), and the same command finds them again"

    def __init__(self, settings: SlurmSettings, out: Path, kind: str = SLURM) -> None:
        self._folder = out.absolute() / FOLDER
        with user_errors("make the folder", self._folder):
            make_private_folder(self._folder)
        self._executor = import_submitit(kind).AutoExecutor(self._folder, cluster=kind)
        self._executor.update_parameters(**settings.for_submitit())

    def is_blocked(self, work: JobCommands) -> bool:
        """Return False: a run's own lock keeps two jobs apart."""
        return False

    def start(self, work: JobCommands) -> "ClusterJob":
        """Find the run's job again, or submit one.

        Raises:
            CatscaleError: If it cannot be told whether an earlier job is still queued, or none can be submitted.
        """
        name = f"{work.run.parent.name}.{work.run.name}"
        record, ended = self._folder / f"{name}.job.json", self._folder / f"{name}.ended.json"
        found = self._find(work, record, ended)
        if found is None:
            remove_file(ended)
            self._executor.update_parameters(name=f"catscale {work.name}"[:100])
            try:
                found = self._executor.submit(run_in_turn, work.commands, str(work.log), str(ended), work.threads)
            except (OSError, RuntimeError) as error:
                raise CatscaleError(f"{work.name}: the job was not accepted: {error}") from error
            write_json(record, {"job": str(found.job_id)})
        return ClusterJob(found, ended, work.log)

    def _find(self, work: JobCommands, record: Path, ended: Path) -> Any:
        """Return the job that a run was given to, None where there is none or it is over.

        Raises:
            CatscaleError: If that cannot be told.
        """
        try:
            number = load_json(record, Submitted, SMALL)["job"]
        except (OSError, ValueError):
            return None
        if read_status(ended) is not None:
            return None
        job = self._executor.job_class(self._folder, number)
        state = read_state(job)
        if state == UNKNOWN:
            raise CatscaleError(
                f"{work.name} was given to the job {number}, and sacct does not know whether that is over; look with "
                f"squeue, and remove {record} where it is"
            )
        return job if state in ACTIVE else None

    def describe(self, work: JobCommands, step: int) -> str:
        """Return what is being done, in a word."""
        return "evaluating" if step >= work.steps else "training" if step else "queued or starting"


class ClusterJob:
    """The job of a run.

    Args:
        job: The job as submitit has it.
        ended: The file that its status is written to.
        log: The file of its output.
    """

    def __init__(self, job: Any, ended: Path, log: Path) -> None:
        self.job, self._ended, self._log = job, ended, log
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """Return the status, None while it is queued or runs; a job that was killed has written none."""
        if self.returncode is None:
            state = read_state(self.job)
            self.returncode = read_status(self._ended)  # after the state: what is over has written it
            if self.returncode is None and state not in ACTIVE | {UNKNOWN}:
                with append_to(self._log) as log:
                    log.write(f"\ncatscale: its job {self.job.job_id} is over without a word: {state}\n".encode())
                self.returncode = LOST
        return self.returncode

    def terminate(self) -> None:
        """Leave it on the cluster."""

    def wait(self) -> int | None:
        """Return what is known: it stays on the cluster."""
        return self.returncode


def read_state(job: Any) -> str:
    """Return the state of a job, as in PENDING: the first word, as Slurm says CANCELLED by whom."""
    return str(job.state).upper().partition(" ")[0] or UNKNOWN
