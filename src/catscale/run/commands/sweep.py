"""`catscale sweep`: methods × seeds at one budget, each an ordinary run."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

from catscale.data.preparation.prepare import prepare
from catscale.errors import CatscaleError, ConfigError, Interrupted
from catscale.evaluation.config import EvaluationConfig, name_metrics
from catscale.run.commands.evaluate import best_step
from catscale.run.config import RunConfig, dump_config
from catscale.run.folder.output import SWEEP
from catscale.run.folder.readback import read_scores, scores_path
from catscale.run.folder.run_folder import open_folder
from catscale.run.folder.run_lock import hold_lock
from catscale.run.forecast import warmup_warning
from catscale.run.jobs import Job, run_jobs
from catscale.run.method_text import configure, folder_name
from catscale.system.console.messages import Say
from catscale.system.processors import share_threads
from catscale.system.writing.files import make_folder, user_errors, write_text
from catscale.system.writing.markers import check_claim, claimed
from catscale.system.writing.places import check_folder, working_in
from catscale.training.records.metrics_file import read_metrics

SPLITS = ("dev", "test")


@dataclass(frozen=True)
class PlannedRun:
    """One run of a sweep.

    Attributes:
        method: As the user wrote it.
        seed: Of the run.
        config: What it does.
        folder: `OUT/METHOD/seed-N`; its configuration and log lie beside it.
        splits: Which are scored.
    """

    method: str
    seed: int
    config: RunConfig
    folder: Path
    splits: tuple[str, ...] = SPLITS

    @property
    def name(self) -> str:
        """Shown to the user."""
        return f"{self.method} seed {self.seed}"

    @property
    def steps(self) -> int:
        """Steps taken."""
        path = self.folder / "metrics.jsonl"
        return max((int(record["step"]) for record in read_metrics(path)), default=0) if path.is_file() else 0

    @property
    def is_done(self) -> bool:
        """Whether its steps are taken, and its best model is scored as the configuration says."""
        if self.steps < self.config.training.max_steps:
            return False
        if not all(scores_path(self.folder, split).is_file() for split in self.splits):
            return False
        made = [read_scores(self.folder, split).get("evaluation", {}) for split in self.splits]
        best, settings = best_step(self.folder, self.config), self.config.evaluation.model_dump(mode="json")
        # None: scores of a version that did not record the step. A setting that an earlier version did not have is what
        # it did.
        usual = EvaluationConfig().model_dump(mode="json")
        known = [m["settings"] for m in made if m.get("settings")]
        return len(known) == len(made) and all(
            m.get("step") in (None, best) and usual | name_metrics(m["settings"]) == settings for m in made
        )


def plan_sweep(config: RunConfig, methods: Sequence[str], seeds: Sequence[int], out: Path) -> list[PlannedRun]:
    """The runs of a sweep, seed by seed, so that a sweep that is stopped early compares all methods.

    Args:
        config: What all runs share.
        methods: As `configure` reads them.
        seeds: A run of each method a seed.
        out: The sweep's folder.

    Raises:
        ConfigError: If a method is wrong, stands twice, or the runs' budgets may differ.
    """
    for what, values in (("method", methods), ("seed", seeds)):
        twice = sorted({str(value) for value in values if list(values).count(value) > 1})
        if twice:
            raise ConfigError(f"the {what} {', '.join(twice)} stands twice; name each once")
    for key in ("max_minutes", "patience"):
        if getattr(config.training, key) is not None:
            raise ConfigError(
                f"a sweep gives every run the same updates and target tokens, and training.{key} = "
                f"{getattr(config.training, key):g} would end them at different steps; add --set training.{key}=null, "
                "and set training.max_steps"
            )
    runs = [
        PlannedRun(method, seed, configure(config, method, seed), out / folder_name(method) / f"seed-{seed}")
        for seed in seeds
        for method in methods
    ]
    for first, second in combinations(runs[: len(methods)], 2):
        if first.config == second.config or first.folder == second.folder:
            raise ConfigError(f"the methods {first.method!r} and {second.method!r} are the same; name each once")
    return runs


def sweep(
    config: RunConfig, methods: Sequence[str], seeds: Sequence[int], out: Path, jobs: int, say: Say
) -> list[PlannedRun]:
    """Train and evaluate every run that is not done yet; a sweep that was interrupted goes on.

    Each run is what `catscale train` and `catscale evaluate` make of `OUT/METHOD/seed-N.yaml`. A run that fails does
    not stop the others.

    Args:
        config: What all runs share.
        methods: As `configure` reads them.
        seeds: A run of each method a seed.
        out: The sweep's folder.
        jobs: Runs at a time; their threads are those of `share_threads`.
        say: Receives plain lines.

    Returns:
        All runs, evaluated on dev and test.

    Raises:
        CatscaleError: On a user's mistake before anything is written, if another sweep works in the folder, and if
            runs fail, after the others are done.
    """
    runs = plan_sweep(config, methods, seeds, out.absolute())
    check_claim(out, SWEEP)
    if out.is_dir():
        with working_in(out):
            for run in runs:
                check_folder(run.folder)
    for run in runs:
        if run.folder.exists():
            open_folder(run.folder, run.config)  # refuses a run of another configuration before hours are spent
        if run.steps > run.config.training.max_steps:
            raise ConfigError(
                f"training.max_steps is {run.config.training.max_steps}, and {run.folder} has taken {run.steps} steps "
                "already; choose another folder with --out, or raise it"
            )
    todo = [run for run in runs if not run.is_done]
    say(f"sweep of {len(runs)} runs in {out}: {len(runs) - len(todo)} done, {len(todo)} to do, {jobs} at a time")
    if todo:
        for line in warmup_warning(config.training):
            say(line)
        say(f"what a run says is in {out / 'METHOD' / 'seed-N.log'}")
        store = prepare(config.data, config.vocabulary, say)
        splits = [s for s in SPLITS if any(store.has_split(s, d) for d in store.directions)]
        if missing := sorted(set(SPLITS) - set(splits)):
            raise ConfigError(f"a sweep scores dev and test, found no {', '.join(missing)} split; set data.holdout")
        threads = share_threads(jobs)
        with claimed(out, SWEEP), hold_lock(out, "sweep"):
            todo = [run for run in todo if not run.is_done]  # another sweep may just have ended
            try:
                failed = run_jobs([plan_job(run, threads) for run in todo], jobs, say, keep_going=True)
            except KeyboardInterrupt:
                done = sum(run.is_done for run in runs)
                raise Interrupted(
                    f"interrupted, {done} of {len(runs)} runs done; those that ran have saved their state, and the "
                    "same command goes on"
                ) from None
        if failed:
            raise CatscaleError(
                f"{len(failed)} of {len(todo)} runs failed, the others are done:\n"
                + "\n".join(f"  {error}" for error in failed)
                + "\nthe same command tries them again"
            )
    return runs


def plan_job(run: PlannedRun, threads: int) -> Job:
    """Write a run's configuration; the commands that train and evaluate it."""
    path, log = (run.folder.with_name(f"{run.folder.name}.{suffix}") for suffix in ("yaml", "log"))
    with user_errors("make the folder", run.folder.parent):
        make_folder(run.folder.parent)
    write_text(path, dump_config(run.config))
    start = [sys.executable, "-m", "catscale"]
    commands = [[*start, "train", str(path), "--out", str(run.folder)]]
    splits = [argument for split in run.splits for argument in ("--split", split)]
    commands.append([*start, "evaluate", str(run.folder), *splits])
    return Job(run.name, commands, log, run.folder, run.config.training.max_steps, threads)
