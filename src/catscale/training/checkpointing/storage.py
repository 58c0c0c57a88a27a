"""The files that a run leaves on the disk beside its metrics: checkpoints, and the best model.

Under several processes all of them take part, for the sake of sharded tensors, and the first one writes.
"""

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError

from catscale.distributed.sharding import is_sharded, load_whole, spread_like, whole_parameters, whole_slots
from catscale.errors import CatscaleError, CheckpointError
from catscale.model.saved_tensors import WEIGHTS, load_tensors
from catscale.optimisation.state import check_state, load_state_by_name, rename_positions, state_by_name
from catscale.system.writing.files import clear_leftovers, copy_file
from catscale.system.writing.manifest import MANIFEST, find_damage, read_manifest
from catscale.training.averaging.moving_average import MovingAverage
from catscale.training.checkpointing import checkpoint
from catscale.training.checkpointing.best_folder import write_best
from catscale.training.checkpointing.best_step import read_step
from catscale.training.checkpointing.checkpoint import load_newest, remove_old, require, save_checkpoint
from catscale.training.randomness import gather_random_states, restore_random_states, seed_process
from catscale.training.records.metrics_file import MetricsLog
from catscale.training.setup import TrainingSetup
from catscale.training.state import Progress

CONTENT = ("progress", "stream", "sampler", "balancer", "optimizer", "random", "metrics_size")
"""The parts of a checkpoint beside the model."""


class RunStorage:
    """Writes and reads everything that a run goes on from.

    Args:
        setup: The run's parts. The model is saved in a folder as its architecture has it, the vocabulary beside the
            best one; the states of balancer, stream and sampler are part of a checkpoint.
        optimizer: Over the model's trainable parameters; its state is kept under their names.
        moving: The moving average of the parameters, part of a checkpoint; None for none.
    """

    def __init__(
        self, setup: TrainingSetup, optimizer: torch.optim.Optimizer, moving: MovingAverage | None = None
    ) -> None:
        self.folder, self.config, self.processes, self.warn = setup.folder, setup.config, setup.processes, setup.say
        self.model, self.vocabulary, self.optimizer = setup.model, setup.vocabulary, optimizer
        self.balancer, self.stream, self.beginning = setup.balancer, setup.stream, setup.beginning
        self.parameters, self.moving = setup.trainable_parameters(), moving

    def move_to(self, folder: Path) -> None:
        """Save to another place from now on: the run's folder was renamed."""
        self.folder = folder

    def save_best(self, step: int) -> None:
        """Save the present model as `best`.

        Args:
            step: The present one.
        """
        self.write_model(self.folder / "best", step)

    def write_model(self, folder: Path, step: int, average: str | None = None) -> None:
        """Save the present parameters in a folder like `best`.

        Args:
            folder: Is made, or replaced.
            step: The present one.
            average: The average that the parameters are, in words; None where they are the trained ones.
        """
        state = self._whole_model()
        if self.processes.is_first:
            write_best(folder, partial(self.model.save_best, tensors=state), self.vocabulary, step, average)

    def checkpoint_of(self, step: int) -> Path:
        """Return the place of a step's checkpoint."""
        return self.folder / "checkpoints" / f"step-{step}"

    def save(self, progress: Progress, metrics: MetricsLog) -> None:
        """Save a checkpoint of everything."""
        moving = {} if self.moving is None else {"moving_average": self.moving.state_dict()}
        slots = whole_slots(state_by_name(self.optimizer, self.parameters))
        state = self._whole_model()
        random = gather_random_states(self.processes)
        if not self.processes.is_first:
            return
        content = {
            "progress": progress.to_json(),
            "stream": self.stream.state_dict(),
            "sampler": self.stream.sampler.state_dict(),
            "balancer": self.balancer.state_dict(),
            "optimizer": slots,
            "random": random,
            "metrics_size": metrics.size(),
            **moving,
        }
        save_model = partial(self.model.save, tensors=state)
        save_checkpoint(self.folder / "checkpoints", progress.step, save_model, content, self.config.keep)

    def _whole_model(self) -> dict[str, torch.Tensor] | None:
        return whole_parameters(self.model.stored) if is_sharded(self.model) else None

    def resume(self) -> tuple[Progress, int]:
        """Restore the newest whole checkpoint, if there is one, else take what it begins with and seed random numbers.

        Returns:
            Where the run stands, and the bytes of metrics that belong to it.
        """
        found = None
        if self.processes.is_first:  # before the others: it repairs what a crash left
            clear_leftovers(self.folder / "best")
            found = load_newest(self.folder / "checkpoints", warn=self.warn)
        self.processes.wait()
        if not self.processes.is_first:
            found = load_newest(self.folder / "checkpoints", warn=self.warn)
        if found is None:
            seed_process(self.config.seed, 0, self.processes)
            if self.beginning.model is not None:
                self._load_model(self.beginning.model / WEIGHTS)
            return self.beginning.progress(), 0
        path, content = found
        require(path, content, CONTENT if self.moving is None else (*CONTENT, "moving_average"))
        try:
            progress, metrics_size = self._restore(path, content)
        except torch.OutOfMemoryError:
            raise
        except (KeyError, TypeError, ValueError, AttributeError, IndexError, RuntimeError, CatscaleError,
                SafetensorError) as error:  # fmt: skip
            if isinstance(error, CatscaleError) and str(path) in str(error):
                raise  # it says where it stands already
            reason = str(error) if isinstance(error, CatscaleError) else f"{type(error).__name__}: {error}"
            raise CheckpointError(
                f"checkpoint {path} does not fit this run ({reason}); another version of catscale wrote it, or it was "
                "changed: train again in a new folder"
            ) from error
        if self.processes.is_first:
            if not progress.candidates:
                self._mend_best(progress)
            remove_old(path.parent, progress.step, self.config.keep)  # a kill may have come before it was done
        return progress, metrics_size

    def _restore(self, path: Path, content: Mapping[str, Any]) -> tuple[Progress, int]:
        """Put the content of a checkpoint in its places."""
        self._load_model(path / WEIGHTS)
        slots = rename_positions(content["optimizer"], self.parameters)
        check_state(self.optimizer, slots, self.parameters)
        spread = {
            name: {key: spread_like(value, self.parameters[name]) for key, value in slot.items()}
            for name, slot in slots.items()
        }
        load_state_by_name(self.optimizer, spread, self.parameters)
        self.balancer.load_state_dict(content["balancer"])
        self.stream.load_state_dict(content["stream"])
        self.stream.sampler.load_state_dict(content["sampler"])
        if self.moving is not None:
            self.moving.load_state_dict(content["moving_average"])
        progress = Progress.from_json(content["progress"])
        restore_random_states(content["random"], self.config.seed, progress.step, self.processes)
        return progress, int(content["metrics_size"])

    def _mend_best(self, progress: Progress) -> None:
        """Write `best` again from the checkpoint of the best step, where it is damaged or of another step.

        A kill between a new best model and the checkpoint after it leaves one of a step that is still to come.
        """
        if not progress.best_step:
            return
        best, made = self.folder / "best", self.checkpoint_of(progress.best_step)
        damage = find_damage(best, ("model.safetensors",))
        is_unlisted = best.exists() and not (best / MANIFEST).exists()  # of an earlier version of catscale
        is_kept = checkpoint.find_checkpoint_damage(made) is None
        if is_kept and (damage is not None or not self._is_best_of(made, progress.best_step)):
            write_best(best, partial(self._save_best_of, made), self.vocabulary, progress.best_step)
            if damage is not None and not is_unlisted:
                self.warn(f"{best} was damaged ({damage}) and is written again from the checkpoint of its step")
        elif damage is not None and not is_unlisted:
            self.warn(
                f"warning: {best} is damaged ({damage}), and no checkpoint of step {progress.best_step} is kept to "
                "write it again from; the next best model replaces it"
            )
        elif damage is None and read_step(best) not in (None, progress.best_step):
            self.warn(
                f"warning: {best} is of step {read_step(best)}, which is still to come, and the best so far is step "
                f"{progress.best_step}, of which no checkpoint is kept; the next best model replaces it"
            )

    def _save_best_of(self, made: Path, folder: Path) -> None:
        """Save the model of a checkpoint for use."""
        if self.model.has_parts_to_merge:
            self.model.save_best_of(made, folder)
        else:
            for name in read_manifest(made).keys() - {"state.safetensors", "state.json"}:
                copy_file(made / name, folder / name)

    def _is_best_of(self, made: Path, step: int) -> bool:
        """Return whether `best` is the model of a checkpoint: by its checksum, or by its step where it is merged."""
        best = self.folder / "best"
        return (
            read_step(best) == step if self.model.has_parts_to_merge else _model_checksum(best) == _model_checksum(made)
        )

    def _load_model(self, path: Path) -> None:
        stored = self.model.stored
        tensors = load_tensors(path, stored)
        if is_sharded(stored):
            load_whole(stored, tensors)
        else:
            stored.load_state_dict(tensors, strict=False)  # all were found: of tied ones, one name is enough


def _model_checksum(folder: Path) -> Any:
    """Return the checksum of the model's parameters recorded in the folder's manifest."""
    return read_manifest(folder).get("model.safetensors")
