"""`catscale train --dry-run`: what a training will be, told after a few steps of it that leave nothing behind."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from textwrap import wrap

import torch

from catscale.balancing.engine.optional_members import read_measures
from catscale.data.preparation.prepare import find_prepared, prepare
from catscale.data.store.store import Store
from catscale.distributed.processes import Processes
from catscale.errors import ConfigError
from catscale.model.memory import check_memory
from catscale.model.staged import Staged
from catscale.run.config import RunConfig
from catscale.run.device import choose_device
from catscale.run.forecast import forecast, validation_steps
from catscale.run.mixture import show_mixture
from catscale.run.stages import StagedTraining, assemble_rest
from catscale.run.trial_steps import describe_size, describe_time, try_steps
from catscale.system.console.messages import Say, print_result
from catscale.system.writing.files import make_folder, scratch_folder
from catscale.training.trainer import Trainer

WIDTH = 80
"""Columns of a line."""
RECORDS = {"tensorboard": False, "wandb": None, "mlflow": None}
"""Settings of training by which others would be told of the steps."""


def dry_run(config: RunConfig, say: Say) -> None:
    """Print the mixture, the size, the memory and the time of a training, and write nothing that stays.

    Where the data are not prepared yet, that is done in a temporary folder.

    Args:
        config: The configuration.
        say: Receives progress.

    Raises:
        CatscaleError: If the user made a mistake, or the first steps diverge.
    """
    processes = Processes.join(choose_device(config.training.device))
    try:
        if processes.size > 1:
            raise ConfigError(
                f"--dry-run measures one process, found {processes.size}; leave out torchrun, or leave out --dry-run"
            )
        if config.training.threads is not None:
            torch.set_num_threads(config.training.threads)
        config.model.check()
        check_memory(config.model.count_parameters(config.vocabulary.expected_size, ()))
        with scratch_folder() as scratch, open_store(config, scratch, say) as store:
            _try(config, store, scratch / "run", processes, say)
        print_result("dry run: nothing was written")
    finally:
        processes.leave()


@contextmanager
def open_store(config: RunConfig, scratch: Path, say: Say) -> Iterator[Store]:
    """Open the prepared data, or prepare them for the time of the block."""
    folder = find_prepared(config.data, config.vocabulary)
    if folder is not None:
        yield Store.open(folder)
        return
    say("the data are not prepared yet: that is done in a temporary folder now, which is removed at the end")
    temporary = config.data.model_copy(update={"store": scratch / "store"})
    yield prepare(temporary, config.vocabulary, say, bar=True)


def _try(config: RunConfig, store: Store, folder: Path, processes: Processes, say: Say) -> None:
    """Take steps in a folder that is given up afterwards, and print what they tell."""
    quiet = config.training.model_copy(update=RECORDS)
    if isinstance(config.model, Staged):
        print_line(StagedTraining(config, store, folder).describe())
    assembly = assemble_rest(config.model_copy(update={"training": quiet}), store, folder)
    setup = assembly.build_setup(folder, processes, say)
    make_folder(folder)
    trainer = Trainer(setup)
    trainer.start()
    own = assembly.own_training
    show_mixture(assembly.tasks, setup.stream, own, print_line, store.statistics, stderr=False)
    forecast(assembly.tasks, setup.stream, own, setup.optimizer, setup.validated, setup.balancer, print_line)
    say("taking a few steps …")
    found = try_steps(trainer)
    measures = read_measures(setup.balancer.method, setup.balancer.request).kind != "nothing"
    validation = validation_steps(setup.validated, quiet)
    for line in [*describe_size(setup, found), *describe_time(quiet, found, validation, measures)]:
        print_line(line)
    trainer.reporter.close()


def print_line(line: str) -> None:
    """Print a line of the result, broken where the terminal ends."""
    for part in wrap(line, WIDTH, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False):
        print_result(part)
