"""Training throughput against a plain loop on the same model, and transformers' Trainer, by turns in one process.

    python -m benchmarks.throughput [--rounds 5] [--threads 1] [--precision fp32] [--batch-tokens 4096] [--trainer]

The plain loop is what a careful user of transformers writes: the same M2M100 model, sentences bucketed by target
and source length, batches of `--batch-tokens` target positions, label smoothing, clipping, AdamW. The Seq2SeqTrainer
has its defaults, without label smoothing, and batches of as many sentences as have `--batch-tokens` target tokens, in
any order and grouped by length. Rates are target tokens per second of process CPU time over `threads`; ratios are
medians of ratios of neighbouring rounds.
Needs Multi30k (CATSCALE_DATA, or ../shared/data).
"""

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from benchmarks.plain_loop import make_plain_step
from benchmarks.seq2seq_trainer import TrainerRival

from catscale.data.preparation.prepare import prepare
from catscale.data.store.store import Store
from catscale.distributed.processes import Processes
from catscale.run.assembly import Assembly
from catscale.run.config import RunConfig, load_config
from catscale.run.folder.run_folder import source_commit
from catscale.system.processors import describe_processors
from catscale.training.trainer import Trainer

CONFIG = Path(__file__).parent.parent / "configs" / "multi30k.yaml"


def main() -> None:
    options = parse_arguments()
    torch.set_num_threads(options.threads)
    with tempfile.TemporaryDirectory() as folder:
        runners = {"plain loop": plain_loop(options, folder)}
        for name, overrides in {
            "catscale fixed": [],
            "catscale CATS": ["balancing.method=cats"],
        }.items():
            runners[name] = catscale_loop(options, folder, name, overrides)
        if options.trainer:
            runners |= {
                f"Seq2SeqTrainer{', grouped' * each}": trainer_loop(options, folder, each) for each in (False, True)
            }
        rates = measure(runners, options.rounds, options.tokens)
    report(rates, options)


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--tokens", type=int, default=30_000, help="target tokens of each measurement")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--precision", choices=("fp32", "bf16"), default="fp32")
    parser.add_argument("--batch-tokens", type=int, default=4096)
    parser.add_argument("--trainer", action="store_true", help="transformers' Seq2SeqTrainer too, in fp32")
    parser.add_argument("--json", type=Path, help="write the figures there")
    return parser.parse_args()


def configure(options: argparse.Namespace, folder: str, overrides: list[str]) -> RunConfig:
    settings = [f"data.store={folder}/store", f"training.precision={options.precision}"]
    settings += [f"training.batch_tokens={options.batch_tokens}", "training.sub_batch_tokens=null"]
    return load_config(CONFIG, settings + overrides)


def plain_loop(options: argparse.Namespace, folder: str) -> Callable[[], int]:
    """A function that takes one step and returns its target tokens."""
    model, store = plain_model(options, folder)
    autocast = torch.bfloat16 if options.precision == "bf16" else None
    return make_plain_step(model, store, options.batch_tokens, torch.device("cpu"), autocast)


def plain_model(options: argparse.Namespace, folder: str) -> tuple[Any, Store]:
    """transformers' own model, and the prepared corpus."""
    config = configure(options, folder, [])
    store = prepare(config.data, config.vocabulary, lambda line: None)
    ours: Any = config.model.build(store.vocabulary, (), 1)
    return ours.network, store


def trainer_loop(options: argparse.Namespace, folder: str, is_grouped: bool) -> Callable[[], int]:
    """A function that trains with the Seq2SeqTrainer for a round's tokens and returns them."""
    model, store = plain_model(options, folder)
    updates = max(1, round(options.tokens / options.batch_tokens))
    cpu = torch.device("cpu")
    rival = TrainerRival(model, store, options.batch_tokens, updates, is_grouped, cpu, time.process_time)
    return lambda: rival.train()[0]


def catscale_loop(options: argparse.Namespace, folder: str, name: str, overrides: list[str]) -> Callable[[], int]:
    """The same for catscale's trainer."""
    config = configure(options, folder, overrides)
    assembly = Assembly(config, prepare(config.data, config.vocabulary, lambda line: None))
    run = Path(folder) / name
    run.mkdir()
    trainer = Trainer(assembly.build_setup(run, Processes(), lambda line: None))
    trainer.start()

    def step() -> int:
        before = trainer.progress.tokens
        trainer.step()
        return trainer.progress.tokens - before

    return step


def measure(runners: dict[str, Callable[[], int]], rounds: int, tokens: int) -> dict[str, list[float]]:
    """Target tokens per second of process CPU time, a list of rounds each, the runners by turns."""
    for step in runners.values():
        step()
    rates: dict[str, list[float]] = {name: [] for name in runners}
    for _ in range(rounds):
        for name, step in runners.items():
            seen, started = 0, time.process_time()
            while seen < 0.9 * tokens:  # a step, or a training, is more or less than it was asked for
                seen += step()
            rates[name].append(seen / (time.process_time() - started))
    return rates


def report(rates: dict[str, list[float]], options: argparse.Namespace) -> None:
    plain = rates["plain loop"]
    how = {
        "machine": describe_processors(),
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
        "precision": options.precision,
        "batch_tokens": options.batch_tokens,
        "rounds": options.rounds,
        "tokens": options.tokens,
        "commit": source_commit(),
    }
    print(", ".join(f"{key} {value}" for key, value in how.items()))
    figures = {}
    for name, values in rates.items():
        ratio = statistics.median(a / b for a, b in zip(values, plain, strict=True))
        figures[name] = {"tokens_per_cpu_second": round(statistics.median(values)), "ratio": round(ratio, 3)}
        print(f"{name:23s} {statistics.median(values):8,.0f} target tokens per CPU second   ratio {ratio:.3f}")
    if options.json:
        options.json.write_text(json.dumps({"how": how, "figures": figures}, indent=2) + "\n")


if __name__ == "__main__":
    main()
