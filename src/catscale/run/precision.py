"""The precision of a run: decided once, on record, the same on all of its processes."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from catscale.data.batching import Batch
from catscale.distributed.agreement import follow_first
from catscale.distributed.processes import Processes
from catscale.model.contract import TranslationModel
from catscale.run.folder.readback import read_environment
from catscale.training.checkpointing.checkpoint import list_checkpoints
from catscale.training.config import TrainingConfig
from catscale.training.pass_trial import ROUNDS
from catscale.training.precision import Precision, Times, choose_precision, pass_tokens, time_passes, time_products


def last_recorded(folder: Path, key: str, usual: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return what a run's last visit put on record under a key.

    Args:
        folder: The run's.
        key: A key of `environment.json`.
        usual: The value of runs that have none there.

    Returns:
        The record; None for a new run, which has taken no step.
    """
    if not list_checkpoints(folder / "checkpoints") or not (folder / "environment.json").exists():
        return None
    about = read_environment(folder)
    known = [visit[key] for visit in (about, *about.get("continued_by", [])) if visit.get(key)]
    return known[-1] if known else usual


def agree_on_precision(
    training: TrainingConfig,
    model: TranslationModel,
    draw: Callable[[int, int], list[Batch]],
    folder: Path,
    processes: Processes,
) -> Precision:
    """Agree on the precision of all processes: the first one decides, by the record if the run continues.

    Args:
        training: The settings.
        model: The model, whole: not yet sharded.
        draw: Returns n sub-batches to time, given the target positions of each and n.
        folder: The run's.
        processes: The processes that train together.
    """
    if not processes.is_first:
        precision = Precision.from_json(follow_first(processes, None))
        precision.set_products()
        return precision
    usual = {"used": "bf16"}  # version 0.1 took it wherever there are instructions
    recorded, device = last_recorded(folder, "precision", usual), processes.device

    def measure() -> Times:
        if device.type != "cpu":
            return time_products(device)
        return time_passes(model, draw(pass_tokens(model, training.pass_tokens), ROUNDS + 1))

    precision = choose_precision(training, device, measure, recorded)
    precision.set_products()
    follow_first(processes, precision.to_json())
    return precision
