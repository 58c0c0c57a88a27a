"""`catscale sweep`: methods × seeds at one budget, each an ordinary run."""

from collections.abc import Sequence
from pathlib import Path

from catscale.run.config import RunConfig
from catscale.run.slurm_settings import SlurmSettings
from catscale.run.sweep_plan import PlannedRun, plan_sweep
from catscale.run.sweep_runs import carry_out
from catscale.system.console.messages import Say


def sweep(
    config: RunConfig,
    methods: Sequence[str],
    seeds: Sequence[int],
    out: Path,
    jobs: int | None,
    say: Say,
    slurm: SlurmSettings | None = None,
) -> list[PlannedRun]:
    """Train and evaluate every run that is not done yet; a sweep that was interrupted goes on.

    Args:
        config: The configuration that all runs share.
        methods: The methods, as `configure` reads them.
        seeds: A run of each method for each seed.
        out: The sweep's folder.
        jobs: Runs at a time; None for as many as there are GPUs, or one, on a cluster for all.
        say: Receives plain lines.
        slurm: The demands of each run on a cluster; None where the runs are to be on this machine.

    Returns:
        All runs, evaluated on dev and test.

    Raises:
        CatscaleError: On a user's mistake before anything is written, if another sweep works in the folder, and if
            runs fail, after the others are done.
    """
    runs = plan_sweep(config, methods, seeds, out.absolute())
    carry_out(runs, out, jobs, say, slurm)
    return runs
