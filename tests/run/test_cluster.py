"""Runs as jobs of a cluster: given to it once, found again, and what is said of those that end without a word."""

import importlib.util
import os
import stat
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from catscale.errors import CatscaleError, ConfigError
from catscale.run import cluster as module
from catscale.run.cluster import Cluster, ClusterJob, import_submitit
from catscale.run.cluster_work import run_in_turn
from catscale.run.jobs import Job, run_jobs
from catscale.run.slurm_settings import SlurmSettings

needs_submitit = pytest.mark.skipif(importlib.util.find_spec("submitit") is None, reason="submitit is not installed")


class FakeExecutor:
    """submitit's executor, of a cluster whose states a test sets."""

    states: dict[str, str]

    def __init__(self, folder: Path, cluster: str) -> None:
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        self.folder, self.cluster = folder, cluster
        self.submitted: list[tuple[Any, ...]] = []
        self.parameters: dict[str, Any] = {}
        type(self).states = {}

    def update_parameters(self, **parameters: Any) -> None:
        self.parameters |= parameters

    def submit(self, *call: Any) -> Any:
        self.submitted.append(call)
        number = str(100 + len(self.submitted))
        self.states[number] = "PENDING"
        return self.job_class(self.folder, number)

    def job_class(self, folder: Path, number: str) -> Any:
        states = self.states

        class FakeJob:
            job_id = number

            @property
            def state(self) -> str:
                return states.get(number, "UNKNOWN")

        return FakeJob()


@pytest.fixture
def cluster(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "import_submitit", lambda kind: SimpleNamespace(AutoExecutor=FakeExecutor))
    return Cluster(SlurmSettings(minutes=30), tmp_path)


def make_job(folder: Path, executor: Any, *programs: str) -> Job:
    folder.joinpath("T=1").mkdir(exist_ok=True)
    commands = [[sys.executable, "-S", "-c", program] for program in programs]
    run = folder / "T=1" / "seed-1"
    return Job("T=1 seed 1", commands, run.with_suffix(".log"), run, steps=10, threads=2, executor=executor)


def submitted(cluster: Cluster) -> list[tuple[Any, ...]]:
    return cluster._executor.submitted


def test_a_run_is_given_away_with_all_of_its_commands_as_texts(cluster, tmp_path):
    job = make_job(tmp_path, cluster, "print(1)", "print(2)")
    assert not job.is_done()
    [(work, *given)] = submitted(cluster)
    ended = tmp_path / ".slurm" / "T=1.seed-1.ended.json"
    assert work is run_in_turn
    assert given == [job.commands, str(job.log), str(ended), 2]
    assert cluster._executor.parameters["timeout_min"] == 30
    assert cluster._executor.parameters["name"] == "catscale T=1 seed 1"
    assert (job.started, job.position()) == (2, (0, "queued or starting"))
    assert not job.is_done()
    ended.write_text('{"status": 0}')
    assert job.is_done()
    assert job.seconds_after is None  # how long evaluating took is not known


@pytest.mark.parametrize("state", sorted(module.ACTIVE))
def test_a_job_that_is_queued_or_runs_is_found_again_and_not_sent_twice(cluster, tmp_path, state):
    make_job(tmp_path, cluster, "pass").is_done()
    FakeExecutor.states["101"] = state
    again = make_job(tmp_path, cluster, "pass")
    assert not again.is_done()
    assert len(submitted(cluster)) == 1
    (tmp_path / ".slurm" / "T=1.seed-1.ended.json").write_text('{"status": 0}')
    assert again.is_done()


@pytest.mark.parametrize("state", ["TIMEOUT", "PREEMPTED", "CANCELLED by 1000", "NODE_FAIL", "COMPLETED", "FAILED"])
def test_one_that_is_over_is_told_and_goes_on_in_another_job(cluster, tmp_path, state):
    job = make_job(tmp_path, cluster, "pass")
    job.is_done()
    job.log.write_text("step 5\n")
    FakeExecutor.states["101"] = state
    said = rf"(?s)T=1 seed 1 ended with status 1; see .*its job 101 is over without a word: {state.partition(' ')[0]}$"
    with pytest.raises(CatscaleError, match=said):
        job.is_done()
    assert not make_job(tmp_path, cluster, "pass").is_done()
    assert len(submitted(cluster)) == 2


def test_one_that_saved_its_state_goes_on_and_the_status_of_the_job_before_is_not_its_own(cluster, tmp_path):
    job = make_job(tmp_path, cluster, "pass")
    job.is_done()
    FakeExecutor.states["101"] = "COMPLETED"
    job.log.write_text("\ncatscale: interrupted at step 6; the state is saved\n")
    (tmp_path / ".slurm" / "T=1.seed-1.ended.json").write_text('{"status": 130}')
    with pytest.raises(CatscaleError, match=r"(?s)ended with status 130; .*interrupted at step 6; the state is saved$"):
        job.is_done()
    again = make_job(tmp_path, cluster, "pass")
    assert not again.is_done()
    assert not again.is_done()
    assert len(submitted(cluster)) == 2


@pytest.mark.parametrize("state", ["COMPLETING", None])
def test_one_that_has_said_its_status_is_over_whatever_slurm_says_of_it(cluster, tmp_path, state):
    """The job may take seconds to end behind its last command, and accounting forgets jobs after months."""
    make_job(tmp_path, cluster, "pass").is_done()
    (tmp_path / ".slurm" / "T=1.seed-1.ended.json").write_text('{"status": 130}')
    FakeExecutor.states["101"] = state or "UNKNOWN"
    assert not make_job(tmp_path, cluster, "pass").is_done()
    assert len(submitted(cluster)) == 2


def test_one_that_accounting_does_not_know_yet_is_waited_for_but_not_guessed_at_later(cluster, tmp_path):
    job = make_job(tmp_path, cluster, "pass")
    job.is_done()
    del FakeExecutor.states["101"]
    assert not job.is_done()
    with pytest.raises(CatscaleError, match=r"given to the job 101, and sacct does not know .* remove .*\.job\.json"):
        make_job(tmp_path, cluster, "pass").is_done()
    (tmp_path / ".slurm" / "T=1.seed-1.job.json").unlink()
    assert not make_job(tmp_path, cluster, "pass").is_done()


def test_a_record_that_is_damaged_counts_as_none(cluster, tmp_path):
    (tmp_path / ".slurm" / "T=1.seed-1.job.json").write_text('{"job": 101}')
    make_job(tmp_path, cluster, "pass").is_done()
    assert len(submitted(cluster)) == 1


def test_a_job_that_is_refused(cluster, tmp_path, monkeypatch):
    def refuse(*call: Any) -> Any:
        raise RuntimeError("sbatch: error: invalid partition")

    monkeypatch.setattr(cluster._executor, "submit", refuse)
    with pytest.raises(CatscaleError, match=r"T=1 seed 1: the job was not accepted: sbatch: error: invalid partition"):
        make_job(tmp_path, cluster, "pass").is_done()


def test_who_is_interrupted_leaves_the_jobs_where_they_are(cluster, tmp_path):
    job = make_job(tmp_path, cluster, "pass")
    job.is_done()
    assert isinstance(job.process, ClusterJob)
    job.process.terminate()
    assert job.process.wait() is None
    assert "the same command finds them again" in cluster.interruption


def test_words_for_what_is_done(cluster, tmp_path):
    job = make_job(tmp_path, cluster, "pass")
    assert [cluster.describe(job, step) for step in (0, 3, 10)] == ["queued or starting", "training", "evaluating"]


def test_the_folder_is_private_and_nobody_else_s(tmp_path, cluster, monkeypatch):
    (tmp_path / ".slurm").chmod(0o755)
    Cluster(SlurmSettings(), tmp_path)
    assert stat.S_IMODE((tmp_path / ".slurm").stat().st_mode) == 0o700
    owner = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: owner + 1)
    with pytest.raises(CatscaleError, match=r"\.slurm belongs to another user; .* move it away"):
        Cluster(SlurmSettings(), tmp_path)


def test_without_submitit_or_slurm(monkeypatch):
    def missing(name: str) -> Any:
        raise ImportError(name)

    with monkeypatch.context() as patch:
        patch.setattr(module, "import_module", missing)
        with pytest.raises(ConfigError, match=r"--slurm needs submitit, .* pip install 'catscale\[slurm\]'"):
            import_submitit()
    monkeypatch.setattr(module, "import_module", lambda name: name)
    monkeypatch.setattr("shutil.which", lambda program: None if program == "sacct" else program)
    with pytest.raises(
        ConfigError, match=r"--slurm: found no sbatch, srun and sacct on the PATH; call it on a machine"
    ):
        import_submitit()
    assert import_submitit("local") == "submitit"


@needs_submitit
def test_submitit_s_own_executor_runs_the_commands_and_their_status_is_read(tmp_path):
    """On this machine, in processes of submitit's; nothing that they pickled is read here."""
    cluster = Cluster(SlurmSettings(gpus=0, minutes=5), tmp_path, kind="local")
    said: list[str] = []
    job = make_job(tmp_path, cluster, "import os; print(os.environ['OMP_NUM_THREADS'])", "raise SystemExit(2)", "no")
    (failure,) = run_jobs([job], 1, said.append, keep_going=True)
    assert "T=1 seed 1 ended with status 2" in str(failure)
    assert job.log.read_text() == "2\n"
    assert list((tmp_path / ".slurm").glob("*_submitted.pkl"))


@needs_submitit
def test_a_job_whose_time_is_over_saves_and_says_so(tmp_path):
    cluster = Cluster(SlurmSettings(gpus=0, minutes=5), tmp_path, kind="local")
    waits = (
        "import time; print('ready', flush=True)\ntry: time.sleep(60)\nexcept KeyboardInterrupt: raise SystemExit(130)"
    )
    job = make_job(tmp_path, cluster, waits)
    job.is_done()
    assert isinstance(job.process, ClusterJob)
    while not job.log.exists() or "ready" not in job.log.read_text():
        time.sleep(0.05)
    os.kill(int(job.process.job.job_id), 15)  # submitit's controller passes it to the job, as Slurm does on preemption
    while job.process.poll() is None:
        time.sleep(0.05)
    assert job.process.returncode == 130
