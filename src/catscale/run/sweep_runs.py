"""Training and evaluating the runs of a sweep, several at a time."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path

from catscale.data.preparation.prepare import prepare
from catscale.errors import CatscaleError, ConfigError, Interrupted
from catscale.evaluation.config import EvaluationConfig
from catscale.evaluation.metrics.scoring import check_at_hand
from catscale.run.cluster import Cluster, import_submitit
from catscale.run.config import RunConfig, dump_config
from catscale.run.folder.output import SWEEP
from catscale.run.folder.places import BASE
from catscale.run.folder.run_folder import open_folder
from catscale.run.folder.run_lock import hold_lock
from catscale.run.forecast import rate_warnings
from catscale.run.gpus import list_gpus
from catscale.run.jobs import Job, run_jobs
from catscale.run.local_processes import LOCAL, Executor
from catscale.run.slurm_settings import SlurmSettings
from catscale.run.sweep_plan import SPLITS, PlannedRun
from catscale.settings.own_class import is_own
from catscale.system.console.messages import Say
from catscale.system.processors import share_threads
from catscale.system.writing.files import make_folder, user_errors, write_text
from catscale.system.writing.markers import check_claim, claimed
from catscale.system.writing.places import check_folder, working_in


def carry_out(
    runs: Sequence[PlannedRun], out: Path, jobs: int | None, say: Say, slurm: SlurmSettings | None = None
) -> None:
    """Train and evaluate the runs of a sweep that are not done yet.

    Each run is what `catscale train` and `catscale evaluate` make of `OUT/METHOD/seed-N.yaml`. A run that fails does
    not stop the others.

    Args:
        runs: One or more, of one configuration but for method and seed.
        out: The sweep's folder.
        jobs: Runs at a time, on GPUs one on each at most; None for as many as there are GPUs, or one, on a cluster for
            all. Their threads are those of `share_threads`, on a cluster the processors that they ask for.
        say: Receives plain lines.
        slurm: The demands of each run on a cluster; None where the runs are to be on this machine.

    Raises:
        CatscaleError: On a user's mistake before anything is written, if another sweep works in the folder, and if
            runs fail, after the others are done.
    """
    check_claim(out, SWEEP)
    check_runs(runs, out)
    todo = [run for run in runs if not run.is_done]
    config = runs[0].config
    gpus = list_gpus(config.training.device) if slurm is None else []
    at_once, where = _spread(len(runs), jobs, len(gpus), slurm is not None)
    say(f"sweep of {len(runs)} runs in {out}: {len(runs) - len(todo)} done, {len(todo)} to do, {where}")
    if not todo:
        return
    if slurm is not None:
        import_submitit()
    check_at_hand(config.evaluation.metrics)
    for line in rate_warnings(config.optimizer.for_training(config.training.max_steps), config.training.max_steps):
        say(line)
    say(f"what a run says is in {out / 'METHOD' / 'seed-N.log'}")
    check_splits(config, say)
    with claimed(out, SWEEP), hold_lock(out, "sweep"):
        todo = [run for run in todo if not run.is_done]  # another sweep may just have ended
        threads = share_threads(at_once) if slurm is None else slurm.cpus
        executor: Executor = LOCAL if slurm is None else Cluster(slurm, out)
        try:
            planned = [plan_job(run, threads, executor) for run in todo]
            failed = run_jobs(planned, at_once, say, keep_going=True, gpus=gpus)
        except KeyboardInterrupt:
            done = sum(run.is_done for run in runs)
            raise Interrupted(f"interrupted, {done} of {len(runs)} runs done; {executor.interruption}") from None
    if failed:
        raise _join(failed, len(todo))


def _join(failed: Sequence[CatscaleError], of: int) -> CatscaleError:
    """Return one error that lists the failures among this many runs."""
    listed = "\n".join(f"  {error}" for error in failed)
    return CatscaleError(
        f"{len(failed)} of {of} runs failed, the others are done:\n{listed}\nthe same command tries them again"
    )


def _spread(runs: int, jobs: int | None, gpus: int, is_cluster: bool) -> tuple[int, str]:
    """Return the number of runs at a time, and in words where they are."""
    if is_cluster:
        at_once, where = jobs or runs, ", each a job of Slurm"
    elif gpus:
        at_once, where = min(jobs or gpus, gpus), f", on {gpus} GPUs"
    else:
        at_once, where = jobs or 1, ""
    return at_once, f"{at_once} at a time{where}"


def check_runs(runs: Sequence[PlannedRun], out: Path) -> None:
    """Check that the folders of runs hold these runs, or nothing, before hours are spent.

    Raises:
        CatscaleError: If one holds something else, or has taken more steps than it is to take.
    """
    if out.is_dir():
        with working_in(out):
            for run in runs:
                check_folder(run.folder)
    for run in runs:
        if run.folder.exists():
            open_folder(run.folder, run.config)
        if run.steps > run.config.training.max_steps:
            raise ConfigError(
                f"training.max_steps is {run.config.training.max_steps}, and {run.folder} has taken {run.steps} steps "
                "already; choose another folder with --out, or raise it"
            )


def check_splits(config: RunConfig, say: Say) -> None:
    """Check that prepare the data, and check that they have the splits that a sweep scores.

    Raises:
        ConfigError: If one is missing.
    """
    store = prepare(config.data, config.vocabulary, say)
    if missing := sorted(s for s in SPLITS if not any(store.has_split(s, d) for d in store.directions)):
        raise ConfigError(f"a sweep scores dev and test, found no {', '.join(missing)} split; set data.holdout")


def plan_job(run: PlannedRun, threads: int, executor: Executor = LOCAL) -> Job:
    """Write a run's configuration, and return the commands that train and evaluate it, and its base where it is to."""
    path, log = (run.folder.with_name(f"{run.folder.name}.{suffix}") for suffix in ("yaml", "log"))
    with user_errors("make the folder", run.folder.parent):
        make_folder(run.folder.parent)
    write_text(path, dump_config(run.config))
    start = [sys.executable, "-m", "catscale"]
    commands = [[*start, "train", str(path), "--out", str(run.folder)]]
    splits = [argument for split in run.splits for argument in ("--split", split)]
    commands.append([*start, "evaluate", str(run.folder), *splits, *_name_own_metrics(run.config.evaluation)])
    if run.scores_base and not run.has_base_scores:
        commands.append([*commands[-1], "--model", BASE])
    return Job(run.name, commands, log, run.folder, run.config.training.max_steps, threads, executor=executor)


def _name_own_metrics(settings: EvaluationConfig) -> list[str]:
    """Return the option that names metrics of the user's own, which are not imported from a run's record."""
    if not any(is_own(metric.name) for metric in settings.metrics):
        return []
    return ["--set", f"evaluation.metrics={json.dumps(settings.model_dump(mode='json')['metrics'])}"]
