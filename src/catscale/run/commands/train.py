"""`catscale train`: from a configuration to a trained run."""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import torch

from catscale.analysis.analyzer import Analyzer
from catscale.balancing import TaskBalancer
from catscale.data.direction import Direction
from catscale.data.preparation.prepare import prepare
from catscale.data.store.store import Pairs, Store
from catscale.distributed.agreement import code_version, require_same, settings_of
from catscale.distributed.processes import Processes, local_device, lost_processes
from catscale.distributed.sharding import shard
from catscale.errors import CatscaleError, ConfigError, DataError
from catscale.evaluation.config import resource_groups
from catscale.evaluation.decoding.huggingface import saved_search
from catscale.model.likelihood import Objective
from catscale.model.limits import TRAINING_BYTES
from catscale.model.memory import check_memory
from catscale.run.config import RunConfig
from catscale.run.folder.run_folder import check_places, describe_visit, open_folder, record_environment, write_config
from catscale.run.folder.run_lock import hold_lock
from catscale.run.forecast import forecast
from catscale.run.mixture import show_mixture
from catscale.run.precision import agree_on_precision
from catscale.sampling import Sampler
from catscale.system.writing.markers import withdraw
from catscale.system.writing.places import working_in
from catscale.training.data_check import Confirmation
from catscale.training.dev_scores import DevScores
from catscale.training.state import Progress
from catscale.training.stream import MixtureStream
from catscale.training.trainer import Trainer


def train(config: RunConfig, folder: Path, say: Callable[[str], None]) -> Progress:
    """Train a run, or continue it where `folder` holds an interrupted one.

    Args:
        config: What to do.
        folder: The run's folder.
        say: Receives plain lines.

    Returns:
        Where the run ended.

    Raises:
        CatscaleError: For every mistake of the user's, and on interruption and divergence.
    """
    processes = Processes.join(choose_device(config.training.device))
    try:
        with lost_processes(processes):
            require_same(processes, {**code_version(), **settings_of(config.model_dump(mode="json"))})
            return _train(config, folder, say if processes.is_first else lambda line: None, processes)
    finally:
        processes.leave()


def _train(config: RunConfig, folder: Path, say: Callable[[str], None], processes: Processes) -> Progress:
    """The same on one of the processes; the first one makes the run's folder, and holds it."""
    if not processes.is_first:
        return _train_locked(config, folder, say, processes)
    is_new = not folder.exists()
    open_folder(folder, config)
    try:
        with working_in(folder), hold_lock(folder, "train"):
            check_places(folder)
            open_folder(folder, config)  # again: another run may have come and gone
            return _train_locked(config, folder, say, processes)
    except CatscaleError:
        if is_new:
            with suppress(OSError):
                withdraw(folder)  # where nothing was written, as on a mistake in the configuration or the data
        raise


def _train_locked(config: RunConfig, folder: Path, say: Callable[[str], None], processes: Processes) -> Progress:
    """The same where no other run writes to the folder."""
    if config.training.threads is not None:
        torch.set_num_threads(config.training.threads)
    # Before the data are prepared for hours.
    check_memory(config.model.count_parameters(config.vocabulary.expected_size, ()))
    store = None
    if processes.is_first:
        store = prepare(config.data, config.vocabulary, say, bar=True, at_once=True)
    processes.wait()  # the others find the data prepared; without a shared folder, they prepare their own
    if store is None:
        store = prepare(config.data, config.vocabulary, say, at_once=True)
    require_same(processes, {"the data's fingerprint": store.fingerprint})
    with store.confirming():
        progress = _train_on(store, config, folder, say, processes)
    store.confirm()  # also where there was nothing left to train
    return progress


def _train_on(
    store: Store, config: RunConfig, folder: Path, say: Callable[[str], None], processes: Processes
) -> Progress:
    """The same on prepared data, whose files may still be compared with their checksums."""
    device = processes.device
    tasks = {direction: store.split("train", direction) for direction in store.directions}
    validation = find_validation(store)
    sizes = {str(direction): len(pairs) for direction, pairs in tasks.items()}
    sampler = Sampler(config.sampling, sizes)
    vocabulary, training = store.vocabulary, config.training
    stream = MixtureStream(tasks, sampler, vocabulary, training.sub_batches, training.pass_tokens, training.seed)
    if device.type == "cpu" and not training.sharded:
        check_memory(config.model.count_parameters(vocabulary.size, list(tasks)), TRAINING_BYTES)
    model = config.model.build(vocabulary, list(tasks), training.seed).to(device)
    model.keep_search(saved_search(config.evaluation, vocabulary))
    objective = Objective(model)
    if training.sharded and processes.size > 1:
        shard(objective, model.layers(), processes)
    balancer = TaskBalancer(
        config.balancing,
        sizes,
        model.shared_parameters(),
        groups=model.parameter_groups(),
        low_memory=training.low_memory,
        module=objective,
        across_ranks="sum",
    )
    analyzer = None
    if config.analysis.every is not None:
        pairs = tasks if config.analysis.split == "train" else validation
        groups = resource_groups(sizes, config.evaluation)
        analyzer = Analyzer(config.analysis, model, pairs, vocabulary, groups, training.seed)
    scores = None
    if training.validate_bleu is not None:
        sharded = training.sharded and processes.size > 1
        scores = DevScores(training.validate_bleu, config.evaluation, validation, vocabulary, processes, sharded)
    precision = agree_on_precision(training, folder, processes)
    trainer = Trainer(
        training,
        model,
        balancer,
        stream,
        validation,
        vocabulary,
        folder,
        say,
        processes,
        objective,
        analyzer,
        precision,
        scores,
    )
    trainer.confirmation = Confirmation(store.confirm, processes)
    if processes.is_first:  # not before everything above has found no mistake
        write_config(folder, config, store)
        show_mixture(tasks, stream, training, say, store.statistics)
        forecast(tasks, stream, training, trainer.validator.validation, balancer, say)
    processes.wait()
    threads = torch.get_num_threads()
    where = f"{threads} thread{'s' * (threads > 1)}, {device}"
    together = f", {processes.size} processes{', sharded' if training.sharded else ''}" if processes.size > 1 else ""
    say(f"{sum(p.numel() for p in model.parameters()):,} parameters, {where}{together}")
    if precision.note:
        say(precision.note)
    trainer.start()
    if processes.is_first and trainer.will_step:  # a visit that finds the run finished leaves no trace
        validated = {str(d): len(pairs) for d, pairs in trainer.validator.validation.items()}
        about_run = {"seed": training.seed, "data_fingerprint": store.fingerprint, "train_pairs": sizes}
        about_run |= {"validation_pairs": validated}
        about_visit = describe_visit(str(device), processes.size) | {"precision": precision.to_json()}
        record_environment(folder, about_run, about_visit, trainer.progress.step)
    return trainer.run()


DEVICES = ("cpu", "cuda", "mps", "xpu")
"""Kinds of devices that compute; PyTorch has others that only seem to."""


def choose_device(name: str) -> torch.device:
    """The device that a setting names; "auto" is a GPU where there is one.

    Raises:
        ConfigError: If there is no such device.
    """
    if name == "auto":
        return local_device(torch.device("cuda" if torch.cuda.is_available() else "cpu"))
    try:
        device = local_device(torch.device(name))
        if device.type not in DEVICES:
            raise RuntimeError(f"no training on {device.type}")
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0][:200] if str(error) else type(error).__name__  # of several screens of text
        raise ConfigError(f"training.device: {name!r} cannot be used here ({reason}); use auto or cpu") from error
    return device


def find_validation(store: Store) -> dict[Direction, Pairs]:
    """The dev split of every direction that has one.

    Raises:
        DataError: If none has.
    """
    found = {d: store.split("dev", d) for d in store.directions if store.has_split("dev", d)}
    if not found:
        raise DataError("no direction has a dev split, which chooses the best model; add one, or set data.holdout")
    return found
