"""`catscale train`: from a configuration to a trained run."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import torch

from catscale.data.direction import Direction
from catscale.data.preparation.prepare import prepare
from catscale.data.store.store import Store
from catscale.distributed.agreement import code_version, require_same, settings_of
from catscale.distributed.processes import Processes, lost_processes
from catscale.errors import CatscaleError
from catscale.model.memory import check_memory
from catscale.model.staged import Staged
from catscale.run.assembly import Assembly
from catscale.run.config import RunConfig
from catscale.run.device import choose_device
from catscale.run.folder.base_model import check_base, record_base, warn_of_moving_base
from catscale.run.folder.run_folder import check_places, describe_visit, open_folder, record_environment, write_config
from catscale.run.folder.run_lock import hold_lock
from catscale.run.forecast import forecast
from catscale.run.mixture import show_mixture
from catscale.run.stage_course import configure_rest
from catscale.run.stages import StagedTraining
from catscale.run.trial_steps import count_numbers, say_trained
from catscale.system.console.messages import Say
from catscale.system.writing.markers import withdraw
from catscale.system.writing.places import working_in
from catscale.training.beginning import FROM_NOTHING, Beginning
from catscale.training.setup import TrainingSetup
from catscale.training.state import Progress
from catscale.training.trainer import Trainer


def train(config: RunConfig, folder: Path, say: Say) -> Progress:
    """Train a run, or continue it where `folder` holds an interrupted one.

    Args:
        config: The configuration of the run.
        folder: The run's folder.
        say: Receives plain lines.

    Returns:
        Where the run ended.

    Raises:
        CatscaleError: If the user made a mistake, or training is interrupted or diverges.
    """
    processes = Processes.join(choose_device(config.training.device))
    try:
        with lost_processes(processes):
            require_same(processes, {**code_version(), **settings_of(config.model_dump(mode="json"))})
            say_once = say if processes.is_first else lambda line: None
            with occupied(folder, config, processes):
                store = prepare_data(config, processes, say_once)
                with store.confirming():
                    beginning = train_stages(store, config, folder, processes, say_once)
                    progress = train_on(store, config, folder, processes, say_once, beginning)
                store.confirm()  # also where there was nothing left to train
                return progress
    finally:
        processes.leave()


@contextmanager
def occupied(folder: Path, config: RunConfig, processes: Processes) -> Iterator[None]:
    """Make a run's folder, or find it, and let no other run write to it during the block; the first process does.

    A folder that was made for nothing, as on a mistake in the configuration or the data, is removed again.

    Raises:
        CatscaleError: If the folder holds something else, or another run writes to it.
    """
    if not processes.is_first:
        yield
        return
    is_new = not folder.exists()
    open_folder(folder, config)
    try:
        with working_in(folder), hold_lock(folder, "train"):
            check_places(folder)
            open_folder(folder, config)  # again: another run may have come and gone
            yield
    except CatscaleError:
        if is_new:
            with suppress(OSError):
                withdraw(folder)
        raise


def prepare_data(config: RunConfig, processes: Processes, say: Say) -> Store:
    """Prepare the data on the first process; the others find them, or prepare their own without a shared folder.

    Raises:
        CatscaleError: If the model has no room in memory, or on a mistake in the data, or where data differ.
    """
    if config.training.threads is not None:
        torch.set_num_threads(config.training.threads)
    if processes.is_first and config.model.has_base:
        warn_of_moving_base(config.vocabulary.existing, say)
    # Before the data are prepared for hours.
    config.model.check()
    check_memory(config.model.count_parameters(config.vocabulary.expected_size, ()))
    store = None
    if processes.is_first:
        store = prepare(config.data, config.vocabulary, say, bar=True, at_once=True)
    processes.wait()
    if store is None:
        store = prepare(config.data, config.vocabulary, say, at_once=True)
    require_same(processes, {"the data's fingerprint": store.fingerprint})
    return store


def train_stages(store: Store, config: RunConfig, folder: Path, processes: Processes, say: Say) -> Beginning:
    """Train what comes before a run's own training, where its model is trained in stages.

    Returns:
        What the run's own training begins with.
    """
    if not isinstance(config.model, Staged):
        return FROM_NOTHING
    staged = StagedTraining(config, store, folder)
    say(staged.describe())
    if processes.is_first:
        write_config(folder, config, store)

    def train_stage(stage: RunConfig, place: Path, beginning: Beginning, only: Direction | None) -> Progress:
        with occupied(place, stage, processes):
            return train_on(store, stage, place, processes, say, beginning, only)

    return staged.carry_out(train_stage, processes, say)


def train_on(
    store: Store,
    config: RunConfig,
    folder: Path,
    processes: Processes,
    say: Say,
    beginning: Beginning = FROM_NOTHING,
    only: Direction | None = None,
) -> Progress:
    """Train on prepared data, whose files may still be compared with their checksums.

    Nothing is written before all parts have found no mistake; a visit that finds the run finished leaves no trace.

    Args:
        store: The data.
        config: The configuration of the run.
        folder: The run's folder.
        processes: The processes that train together.
        say: Receives plain lines.
        beginning: The stages that went before the training, and the model that it begins with.
        only: The direction that is trained alone; None for all.
    """
    assembly = Assembly(configure_rest(config, beginning.steps), store, only, beginning)
    training = assembly.own_training
    setup = assembly.build_setup(folder, processes, say)
    trainer = Trainer(setup)
    base = None
    if processes.is_first:
        write_config(folder, config, store)
        base = check_base(folder, config.model)
        if only is None:
            show_mixture(assembly.tasks, setup.stream, training, say, store.statistics)
        forecast(assembly.tasks, setup.stream, training, setup.optimizer, setup.validated, setup.balancer, say)
    processes.wait()
    say(describe_computing(setup))
    if config.model.note is not None:
        say(config.model.note)
    for note in filter(None, (setup.precision.note, setup.compiling.note)):
        say(note)
    trainer.start()
    if processes.is_first and trainer.will_step:
        record_visit(assembly, setup, trainer.progress.step, base)
    return trainer.run()


def describe_computing(setup: TrainingSetup) -> str:
    """Return a line on how large the model is, and on what it is trained."""
    threads, size = torch.get_num_threads(), setup.processes.size
    where = f"{threads} thread{'s' * (threads > 1)}, {setup.processes.device}"
    together = f", {size} processes{', sharded' if setup.config.sharded else ''}" if size > 1 else ""
    every, trained = count_numbers(setup)
    return f"{every:,} parameters{say_trained(every, trained)}, {where}{together}"


def record_visit(assembly: Assembly, setup: TrainingSetup, step: int, base: dict[str, Any] | None = None) -> None:
    """Put on record what the run is, and on what it is trained from a step on.

    Args:
        assembly: The run's configuration and data.
        setup: Its parts.
        step: Steps that are taken already.
        base: The model that it starts from, as `check_base` described it; None where it did not.
    """
    processes = setup.processes
    about_run = {
        "seed": setup.config.seed,
        "data_fingerprint": assembly.store.fingerprint,
        "train_pairs": assembly.sizes,
        "train_tokens": assembly.train_tokens,
        "validation_pairs": {str(direction): len(pairs) for direction, pairs in setup.validated.items()},
        **record_base(setup.folder, assembly.config.model, base),
    }
    about_visit = describe_visit(str(processes.device), processes.size)
    about_visit |= {"precision": setup.precision.to_json(), "compiled": setup.compiling.to_json()}
    record_environment(setup.folder, about_run, about_visit, step)
