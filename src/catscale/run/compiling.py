"""Whether a run's layers are compiled: decided once, on record, the same on all of its processes."""

from pathlib import Path

from catscale.distributed.agreement import follow_first
from catscale.distributed.processes import Processes
from catscale.run.precision import last_recorded
from catscale.training.compiling import NOT_COMPILED, Compiling, decide_compiling
from catscale.training.config import TrainingConfig
from catscale.training.pass_trial import PassTrial


def agree_on_compiling(
    training: TrainingConfig, is_possible: bool, trial: PassTrial, folder: Path, processes: Processes
) -> Compiling:
    """Agree on whether all processes compile: the first one decides, by the record if the run continues.

    Args:
        training: The settings of the loop.
        is_possible: Whether the layers allow it.
        trial: A pass of this process's model, whose layers are compiled here if that is the decision.
        folder: The run's.
        processes: The processes that train together.

    Raises:
        ConfigError: If layers are to be compiled and cannot be.
    """
    recorded = last_recorded(folder, "compiled", NOT_COMPILED.to_json())
    if processes.is_first:
        found = decide_compiling(training, is_possible, trial, recorded)
        follow_first(processes, found.to_json())
        return found
    told = follow_first(processes, None)
    settled = training.model_copy(update={"compile": bool(told["used"])})
    return Compiling(decide_compiling(settled, is_possible, trial).is_on, told["speed"])
