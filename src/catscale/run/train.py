"""`catscale train`: from a configuration to a trained run."""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import torch

from catscale.balancing import TaskBalancer
from catscale.data.batching import measure_padding
from catscale.data.direction import Direction
from catscale.data.prepare import prepare
from catscale.data.store import Pairs, Store
from catscale.data.unknown import Statistics, show_shares
from catscale.errors import CatscaleError, ConfigError, DataError
from catscale.evaluation.config import resource_groups
from catscale.evaluation.decode_huggingface import generation_config
from catscale.model.build import build_model
from catscale.model.groups import parameter_groups
from catscale.model.likelihood import Objective
from catscale.run.config import RunConfig
from catscale.run.folder import check_places, describe_visit, open_folder, record_environment, write_config
from catscale.run.lock import hold_lock
from catscale.sampling import Sampler
from catscale.system.markers import withdraw
from catscale.system.places import working_in
from catscale.system.terminal import Table, show
from catscale.training.agreement import code_version, require_same, settings_of
from catscale.training.analysis import Analyzer
from catscale.training.config import TrainingConfig
from catscale.training.confirmation import Confirmation
from catscale.training.processes import Processes, local_device, lost_processes
from catscale.training.sharding import shard
from catscale.training.state import Progress
from catscale.training.stream import BLOCK, MixtureStream, TaskStream, count_tokens
from catscale.training.trainer import Trainer

LOOKED_AT = 1 << 18  # sentence pairs that the padding is measured on


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
    model = build_model(config.model, vocabulary, training.seed).to(device)
    model.generation_config = generation_config(config.evaluation, vocabulary)
    objective = Objective(model)
    if training.sharded and processes.size > 1:
        shard(objective, model, processes)
    balancer = TaskBalancer(
        config.balancing,
        sizes,
        model.parameters(),
        groups=parameter_groups(model),
        low_memory=training.low_memory,
        module=objective,
        across_ranks="sum",
    )
    analyzer = None
    if config.analysis.every is not None:
        pairs = tasks if config.analysis.split == "train" else validation
        groups = resource_groups(sizes, config.evaluation)
        analyzer = Analyzer(config.analysis, model, pairs, vocabulary, groups, training.seed)
    trainer = Trainer(
        training, model, balancer, stream, validation, vocabulary, folder, say, processes, objective, analyzer
    )
    trainer.confirmation = Confirmation(store.confirm, processes)
    if processes.is_first:  # not before everything above has found no mistake
        write_config(folder, config, store)
        show_mixture(tasks, stream, training, say, store.statistics)
    processes.wait()
    threads = torch.get_num_threads()
    where = f"{threads} thread{'s' * (threads > 1)}, {device}"
    together = f", {processes.size} processes{', sharded' if training.sharded else ''}" if processes.size > 1 else ""
    say(f"{sum(p.numel() for p in model.parameters()):,} parameters, {where}{together}")
    trainer.start()
    if processes.is_first and trainer.will_step:  # a visit that finds the run finished leaves no trace
        about_run = {"seed": training.seed, "data_fingerprint": store.fingerprint, "train_pairs": sizes}
        record_environment(folder, about_run, describe_visit(str(device), processes.size), trainer.progress.step)
    return trainer.run()


def choose_device(name: str) -> torch.device:
    """The device that a setting names; "auto" is a GPU where there is one.

    Raises:
        ConfigError: If there is no such device.
    """
    if name == "auto":
        return local_device(torch.device("cuda" if torch.cuda.is_available() else "cpu"))
    try:
        device = local_device(torch.device(name))
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        raise ConfigError(f"training.device: {name!r} cannot be used here ({error}); use auto or cpu") from error
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


def show_mixture(
    tasks: dict[Direction, Pairs],
    stream: MixtureStream,
    training: TrainingConfig,
    say: Callable[[str], None],
    statistics: Statistics,
) -> None:
    """Print what the run will see: direction, pairs, share of the pairs drawn, expected epochs; then the padding.

    Where a schedule moves the shares, the first step's and the last one's are shown, and the epochs follow the
    schedule. Where a sampler learns, the table says what it starts from. Where the clock ends the run, the last step
    and the epochs are those of 1,000 steps. Shares of `<unk>` are those of source and target.
    """
    steps = training.max_steps if training.max_minutes is None else 1000
    rows = mixture_rows(tasks, stream, steps)
    moves = any(row["share"] != row["last share"] for row in rows)
    learns = stream.sampler.request is not None
    title = f"Training mixture{', before the sampler learns' if learns else ''}"
    table = Table(title)
    shares = {"share": "share at first", "last share": f"at step {steps:,}"} if moves else {"share": "share"}
    for name in ("direction", "pairs", *shares.values(), f"epochs in {steps:,} steps", "<unk>"):
        table.add_column(name, justify="left" if name == "direction" else "right")
    for row in rows:
        cells = [f"{row[key]:.1%}" for key in shares]
        unknown = show_shares(statistics.get(row["direction"], {}).get("train", {}))
        table.add_row(row["direction"], f"{row['pairs']:,}", *cells, f"{row['epochs']:.1f}", unknown)
    show(table, stderr=True, width=None)
    padding = measure_padding((task.pairs, task.plan) for task in _first_streams(stream))
    say(f"padding over an epoch: {padding.source:.1%} of the source and {padding.target:.1%} of the target positions")


def _first_streams(stream: MixtureStream) -> list[TaskStream]:
    """All tasks, or of a large corpus those that are planned within seconds."""
    pairs = np.cumsum([min(len(task.pairs), BLOCK) for task in stream.streams])
    return [task for task, before in zip(stream.streams, [0, *pairs[:-1]], strict=True) if before < LOOKED_AT]


def mixture_rows(tasks: dict[Direction, Pairs], stream: MixtureStream, steps: int) -> list[dict[str, Any]]:
    """Direction, pairs, share of the pairs drawn in the first and in the last step, expected epochs after so many.

    The epochs follow the sampler's schedule from its present state, by the shares of up to 10,000 evenly spaced steps.
    """
    first, last = stream.sampler.probabilities(1), stream.sampler.probabilities(steps)
    looked_at = range(1, steps + 1, -(-steps // 10_000))
    token_shares = np.mean([stream.token_shares(step) for step in looked_at], axis=0)
    rows = []
    for number, (direction, pairs) in enumerate(tasks.items()):
        tokens = steps * stream.sub_batches * stream.streams[number].max_tokens * token_shares[number]
        shares = {"share": float(first[number]), "last share": float(last[number])}
        epochs = float(tokens / count_tokens(pairs))
        rows.append({"direction": str(direction), "pairs": len(pairs), **shares, "epochs": epochs})
    return rows
