"""What an update costs that looks at the loss in a second place, against AdamW's with the same balancing method.

    python -m benchmarks.flatness [--rounds 3] [--tasks 8] [--sentences 16] [--threads 1] [--json FILE]

The model and the batches of `benchmarks/balancing.py`, whole updates as the training loop takes them, each optimiser
after its beginning (`from: 0`); rates are so low that every update is of the same model. A figure is the median of the
ratios of process CPU time to AdamW's update of the same round. Half of the tasks are repeated, for `sam_repeated`.
"""

import argparse
import json
import os
import platform
from collections.abc import Callable
from functools import partial
from itertools import count
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch
from benchmarks.balancing import SENTENCES, Bench, Step, measure_ratios
from torch import Tensor

from catscale.balancing import CATS, METHODS, TaskBalancer
from catscale.distributed.processes import Processes
from catscale.optimisation.table import OPTIMIZERS
from catscale.run.folder.run_folder import source_commit
from catscale.training.descent import StepDescent
from catscale.training.step_losses import StepLosses

SETTINGS: dict[str, tuple[str, dict[str, Any]]] = {
    "plain": ("adamw", {}),
    "sam": ("sam", {}),
    "asam": ("asam", {}),
    "looksam, second descent": ("looksam", {"every": 1}),
    "looksam, none": ("looksam", {"every": 1_000_000}),
    "flat": ("flat", {}),
    "sam_repeated, half": ("sam_repeated", {}),
    "samo": ("samo", {}),
    "samo, beta 0": ("samo", {"beta": 0.0}),
    "lagrangian": ("lagrangian", {"multiplier": 1e-3}),
}
"""What is measured: the optimiser, and the settings that are not its defaults."""
BALANCING = {"fixed": METHODS["fixed"](), "cats, measuring": CATS(inner_steps=1, losses="tokens")}


def update(bench: Bench, name: str, method: Any, **settings: Any) -> Step:
    """A function that takes one update."""
    named, tasks = dict(bench.model.named_parameters()), list(bench.batches)
    balancer = TaskBalancer(method, tasks, named.values())
    repeated = set(tasks[: len(tasks) // 2])
    stream = SimpleNamespace(epochs=lambda task: 2.0 if task in repeated else 0.5)
    setup: Any = SimpleNamespace(balancer=balancer, model=bench.model, stream=stream, processes=Processes())
    losses: dict[str, list[Callable[[], Tensor]]] = {
        task: [partial(bench.loss, batch)] for task, batch in bench.batches.items()
    }
    ones = dict.fromkeys(losses, 1)
    prepared = StepLosses(losses, dict.fromkeys(losses, 1.0), None, ones, nll={task: {} for task in losses})
    start = {} if name == "adamw" else {"from": 0.0}
    chosen = OPTIMIZERS[name](**{"learning_rate": 1e-12, "weight_decay": 0.0, **start, **settings})
    optimizer = chosen.build(named)
    steps = count(1)
    return lambda: chosen.take(optimizer, StepDescent(setup, prepared, named), next(steps))


def measure(rounds: int, tasks: int, sentences: int) -> dict[str, dict[str, float]]:
    """The ratios, by balancing method and optimiser; LookSAM's of k = 5 from its two kinds of update."""
    found = {}
    for balancing, method in BALANCING.items():
        bench = Bench(tasks, sentences)
        steps = {key: update(bench, name, method, **settings) for key, (name, settings) in SETTINGS.items()}
        ratios = measure_ratios(bench, steps, rounds)
        ratios["looksam, k = 5"] = round((ratios["looksam, second descent"] + 4 * ratios["looksam, none"]) / 5, 3)
        found[balancing] = ratios
        print(f"K = {tasks}, {balancing}:", ratios, flush=True)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--tasks", type=int, default=8, help="K")
    parser.add_argument("--sentences", type=int, default=SENTENCES, help="of each task")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--json", type=Path, help="write the figures there")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    result = {
        "commit": source_commit(),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, {options.threads} used",
        "torch": torch.__version__,
        "rounds": options.rounds,
        "tasks": options.tasks,
        "sentences": options.sentences,
        "ratios": measure(options.rounds, options.tasks, options.sentences),
    }
    if options.json:
        options.json.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
