"""The mixture that a run will see, told before it begins: pairs, shares, epochs, padding."""

from typing import Any

import numpy as np

from catscale.data.batching import measure_padding
from catscale.data.direction import Direction
from catscale.data.preparation.unknown_pieces import StoreStatistics, show_shares
from catscale.data.store.store import Pairs
from catscale.sampling import Sampler
from catscale.system.console.messages import Say
from catscale.system.console.numbers import count_things
from catscale.system.console.terminal import TerminalTable, show
from catscale.training.config import TrainingConfig
from catscale.training.stream import BLOCK, MixtureStream, TaskStream, count_tokens

LOOKED_AT = 1 << 18  # sentence pairs that the padding is measured on


def show_mixture(
    tasks: dict[Direction, Pairs],
    stream: MixtureStream,
    training: TrainingConfig,
    say: Say,
    statistics: StoreStatistics,
    stderr: bool = True,
) -> None:
    """Print what the run will see: direction, pairs, share of the pairs drawn, expected epochs; then the padding.

    Where a schedule moves the shares, the first step's and the last one's are shown, and the epochs follow the
    schedule. Where a sampler learns, the table says what it starts from. Where the clock ends the run, the last step
    and the epochs are those of 1,000 steps. Shares of `<unk>` are those of source and target. It goes to standard error
    unless it is the result of a command.
    """
    steps = training.max_steps if training.max_minutes is None else 1000
    rows = make_mixture_rows(tasks, stream, steps)
    moves = any(row["share"] != row["last share"] for row in rows)
    learns = stream.sampler.request is not None
    title = f"Training mixture{', before the sampler learns' if learns else ''}"
    table = TerminalTable(title)
    shares = {"share": "share at first", "last share": f"at step {steps:,}"} if moves else {"share": "share"}
    for name in ("direction", "pairs", *shares.values(), f"epochs in {count_things(steps, 'step')}", "<unk>"):
        table.add_column(name, justify="left" if name == "direction" else "right")
    for row in rows:
        cells = [f"{row[key]:.1%}" for key in shares]
        unknown = show_shares(statistics.get(row["direction"], {}).get("train", {}))
        table.add_row(row["direction"], f"{row['pairs']:,}", *cells, f"{row['epochs']:.1f}", unknown)
    show(table, stderr, width=None)
    if told := describe_replay(stream.sampler):
        say(told)
    padding = measure_padding((task.pairs, task.plan) for task in _first_streams(stream))
    say(f"padding over an epoch: {padding.source:.1%} of the source and {padding.target:.1%} of the target positions")


def describe_replay(sampler: Sampler) -> str:
    """Say which share directions between old languages have together, and how to change it; nothing where none is old
    or none is new."""
    is_old = [task in sampler.old for task in sampler.tasks]
    if all(is_old) or not any(is_old):
        return ""
    own = float(sampler.method.probabilities(sampler.state, 1)[is_old].sum())
    what = f"{sum(is_old)} of {len(is_old)} directions are between languages that the model knows"
    if sampler.replay is None:
        return f"{what}, and have {own:.1%} of the sentence pairs, the sampler's own; sampling.replay sets a share"
    return (
        f"{what}, and have {sampler.replay:.1%} of the sentence pairs together, so that they are not forgotten; "
        f"sampling.replay sets another share, null the sampler's own (at first {own:.1%})"
    )


def _first_streams(stream: MixtureStream) -> list[TaskStream]:
    """Return all tasks, or of a large corpus those that are planned within seconds."""
    pairs = np.cumsum([min(len(task.pairs), BLOCK) for task in stream.streams])
    return [task for task, before in zip(stream.streams, [0, *pairs[:-1]], strict=True) if before < LOOKED_AT]


def make_mixture_rows(tasks: dict[Direction, Pairs], stream: MixtureStream, steps: int) -> list[dict[str, Any]]:
    """Return direction, pairs, share of the pairs drawn in the first and last step, expected epochs after `steps`.

    The epochs follow the sampler's schedule from its present state, by the shares of up to 10,000 evenly spaced steps.
    """
    first, last = stream.sampler.probabilities(1), stream.sampler.probabilities(steps)
    looked_at = range(1, steps + 1, -(-steps // 10_000))
    token_shares = np.mean([stream.token_shares(step) for step in looked_at], axis=0)
    rows = []
    for number, (direction, pairs) in enumerate(tasks.items()):
        tokens = steps * stream.step_tokens * token_shares[number]
        shares = {"share": float(first[number]), "last share": float(last[number])}
        epochs = float(tokens / count_tokens(pairs))
        rows.append({"direction": str(direction), "pairs": len(pairs), **shares, "epochs": epochs})
    return rows
